package ref

import (
	"fmt"
	"slices"
)

// Shuffle takes the axis of size C as a row-major matrix of C/G rows and G
// columns, G being GroupSize, and transposes it:
// dst(..., u + v*C/G, ...) = src(..., u*G + v, ...).
type Shuffle struct {
	Src, Dst  *Tensor // of equal dims
	Axis      int
	GroupSize int // divides the axis
	Attr      Attr
}

// Run fills Dst.
func (s *Shuffle) Run() error {
	if !slices.Equal(s.Src.Dims, s.Dst.Dims) || s.Axis < 0 || s.Axis >= len(s.Src.Dims) ||
		s.GroupSize < 1 || s.Src.Dims[s.Axis]%s.GroupSize != 0 {
		return fmt.Errorf("ref: shuffle: src %v, dst %v, axis %d, group size %d: %w", s.Src, s.Dst, s.Axis, s.GroupSize, ErrShape)
	}
	out, err := newSink(s.Attr, s.Dst)
	if err != nil {
		return fmt.Errorf("ref: shuffle: %w", err)
	}
	rows := s.Src.Dims[s.Axis] / s.GroupSize
	for i, index := range Indices(s.Src.Dims) {
		at := slices.Clone(index)
		u, v := index[s.Axis]/s.GroupSize, index[s.Axis]%s.GroupSize
		at[s.Axis] = u + v*rows
		out.store(at, s.Src.Data[i])
	}
	return nil
}
