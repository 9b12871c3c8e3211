package ref

import (
	"fmt"
	"slices"
)

// Concat lays its sources one after the other along Axis. Source i may have a
// scale at ArgSrcN(i).
type Concat struct {
	Srcs []*Tensor
	Dst  *Tensor
	Axis int
	Attr Attr
}

// Run fills Dst.
func (c *Concat) Run() error {
	if err := c.check(); err != nil {
		return fmt.Errorf("ref: concat: %w", err)
	}
	out, err := newSink(c.Attr, c.Dst)
	if err != nil {
		return fmt.Errorf("ref: concat: %w", err)
	}
	start := 0
	for i, s := range c.Srcs {
		values, err := c.Attr.dequantised(ArgSrcN(i), s)
		if err != nil {
			return fmt.Errorf("ref: concat: %w", err)
		}
		for j, index := range Indices(s.Dims) {
			at := slices.Clone(index)
			at[c.Axis] += start
			out.store(at, values[j])
		}
		start += s.Dims[c.Axis]
	}
	return nil
}

// check holds that the sources fill dst exactly.
func (c *Concat) check() error {
	if c.Axis < 0 || c.Axis >= len(c.Dst.Dims) {
		return fmt.Errorf("axis %d of dst %v: %w", c.Axis, c.Dst, ErrShape)
	}
	filled := 0
	for i, s := range c.Srcs {
		if len(s.Dims) != len(c.Dst.Dims) {
			return fmt.Errorf("source %d %v, dst %v: %w", i, s, c.Dst, ErrShape)
		}
		want := slices.Clone(c.Dst.Dims)
		want[c.Axis] = s.Dims[c.Axis]
		if !slices.Equal(s.Dims, want) {
			return fmt.Errorf("source %d %v, dst %v, axis %d: %w", i, s, c.Dst, c.Axis, ErrShape)
		}
		filled += s.Dims[c.Axis]
	}
	if filled != c.Dst.Dims[c.Axis] {
		return fmt.Errorf("sources fill %d of %d along axis %d: %w", filled, c.Dst.Dims[c.Axis], c.Axis, ErrShape)
	}
	return nil
}

// Sum adds tensors of equal dims, each times its scale.
type Sum struct {
	Srcs   []*Tensor
	Scales []float64 // one a source
	Dst    *Tensor
	Attr   Attr
}

// Run fills Dst.
func (s *Sum) Run() error {
	if len(s.Srcs) != len(s.Scales) {
		return fmt.Errorf("ref: sum: %d sources, %d scales: %w", len(s.Srcs), len(s.Scales), ErrShape)
	}
	total := make([]float64, len(s.Dst.Data))
	for i, src := range s.Srcs {
		if !slices.Equal(src.Dims, s.Dst.Dims) {
			return fmt.Errorf("ref: sum: source %d %v, dst %v: %w", i, src, s.Dst, ErrShape)
		}
		for j, v := range src.Data {
			total[j] += s.Scales[i] * v
		}
	}
	out, err := newSink(s.Attr, s.Dst)
	if err != nil {
		return fmt.Errorf("ref: sum: %w", err)
	}
	for i, index := range Indices(s.Dst.Dims) {
		out.store(index, total[i])
	}
	return nil
}
