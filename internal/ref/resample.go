package ref

import (
	"fmt"
	"math"
	"slices"
)

// A ResampleAlg says how a resampled value is made.
type ResampleAlg string

// The resampling algorithms.
const (
	Nearest  ResampleAlg = "nearest"
	Linearly ResampleAlg = "linear"
)

// Resampling scales the spatial dims (one to three) to the size of the
// destination. The centre of destination element o lies at source coordinate
//
//	x = (o + 0.5) * IN/OUT - 0.5
//
// Nearest takes the element at x rounded, halves away from zero; Linearly
// blends the two neighbours along every dim, the border being repeated.
type Resampling struct {
	Alg      ResampleAlg
	Src, Dst *Tensor
	Attr     Attr
}

// Run fills Dst.
func (r *Resampling) Run() error {
	n := len(r.Src.Dims) - 2
	if n < 1 || n > 3 || len(r.Dst.Dims) != n+2 || !slices.Equal(r.Src.Dims[:2], r.Dst.Dims[:2]) || r.Alg != Nearest && r.Alg != Linearly {
		return fmt.Errorf("ref: resampling %s: src %v, dst %v: %w", r.Alg, r.Src, r.Dst, ErrShape)
	}
	out, err := newSink(r.Attr, r.Dst)
	if err != nil {
		return fmt.Errorf("ref: resampling: %w", err)
	}
	for _, index := range Indices(r.Dst.Dims) {
		out.store(index, r.blend(slices.Clone(index), 2, index))
	}
	return nil
}

// blend interpolates along dim and those after it; at holds source indices
// before dim.
func (r *Resampling) blend(at []int, dim int, index []int) float64 {
	if dim == len(at) {
		return r.Src.Data[offset(r.Src.Dims, at)]
	}
	in, out := r.Src.Dims[dim], r.Dst.Dims[dim]
	x := (float64(index[dim])+0.5)*float64(in)/float64(out) - 0.5
	read := func(i float64) float64 {
		at[dim] = int(min(max(i, 0), float64(in-1)))
		return r.blend(at, dim+1, index)
	}
	if r.Alg == Nearest {
		return read(math.Round(x))
	}
	weight := x - math.Floor(x)
	return (1-weight)*read(math.Floor(x)) + weight*read(math.Ceil(x))
}
