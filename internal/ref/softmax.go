package ref

import (
	"fmt"
	"math"
	"slices"
)

// Softmax turns the values along Axis into probabilities, or with Log into
// their logarithms. As in oneDNN a scale at ArgSrc multiplies the result, not
// the source.
type Softmax struct {
	Src, Dst *Tensor // of equal dims
	Axis     int
	Log      bool
	Attr     Attr
}

// Run fills Dst.
func (s *Softmax) Run() error {
	if !slices.Equal(s.Src.Dims, s.Dst.Dims) || s.Axis < 0 || s.Axis >= len(s.Src.Dims) {
		return fmt.Errorf("ref: softmax: src %v, dst %v, axis %d: %w", s.Src, s.Dst, s.Axis, ErrShape)
	}
	scale, err := s.Attr.scale(ArgSrc, s.Src)
	if err != nil {
		return fmt.Errorf("ref: softmax: %w", err)
	}
	out, err := newSink(s.Attr, s.Dst)
	if err != nil {
		return fmt.Errorf("ref: softmax: %w", err)
	}
	lanes := slices.Clone(s.Src.Dims)
	lanes[s.Axis] = 1
	for _, lane := range Indices(lanes) {
		at := slices.Clone(lane)
		value := func(c int) float64 { at[s.Axis] = c; return s.Src.Data[offset(s.Src.Dims, at)] }
		greatest, sum := math.Inf(-1), 0.0
		for c := range s.Src.Dims[s.Axis] {
			greatest = max(greatest, value(c))
		}
		for c := range s.Src.Dims[s.Axis] {
			sum += math.Exp(value(c) - greatest)
		}
		for c := range s.Src.Dims[s.Axis] {
			y := value(c) - greatest
			if s.Log {
				y -= math.Log(sum)
			} else {
				y = math.Exp(y) / sum
			}
			out.store(at, y*scale(at))
		}
	}
	return nil
}
