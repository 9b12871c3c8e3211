package ref

import (
	"fmt"
	"math"
	"slices"
)

// A PoolAlg says what pooling makes of a window.
type PoolAlg string

// The pooling algorithms. AvgInclude divides by the size of the kernel,
// AvgExclude by the number of positions that are not padding.
const (
	PoolMax        PoolAlg = "max"
	PoolAvgInclude PoolAlg = "avg_include"
	PoolAvgExclude PoolAlg = "avg_exclude"
)

// Pooling reduces windows of the source, channel by channel. Quantised values
// are averaged as they are: source and destination share their scale.
type Pooling struct {
	Alg                                    PoolAlg
	Src, Dst                               *Tensor
	Kernel, Strides, Dilations, PadL, PadR []int
	Attr                                   Attr
}

// Run fills Dst.
func (p *Pooling) Run() error {
	if !slices.Contains([]PoolAlg{PoolMax, PoolAvgInclude, PoolAvgExclude}, p.Alg) {
		return fmt.Errorf("ref: pooling: unknown algorithm %q: %w", p.Alg, ErrShape)
	}
	win, err := newWindow(p.Src.Dims, p.Kernel, p.Dst.Dims, p.Strides, p.Dilations, p.PadL, p.PadR, false)
	if err == nil && !slices.Equal(p.Src.Dims[:2], p.Dst.Dims[:2]) {
		err = fmt.Errorf("src %v, dst %v: %w", p.Src, p.Dst, ErrShape)
	}
	if err != nil {
		return fmt.Errorf("ref: pooling: %w", err)
	}
	out, err := newSink(p.Attr, p.Dst)
	if err != nil {
		return fmt.Errorf("ref: pooling: %w", err)
	}
	for _, index := range Indices(p.Dst.Dims) {
		plane := (index[0]*p.Src.Dims[1] + index[1]) * win.in.elems()
		o := spatial(index[2:], 0)
		sum, greatest, seen := 0.0, math.Inf(-1), 0
		win.kernel.points(func(_ int, k point) {
			if in, ok := win.source(o, k); ok {
				v := p.Src.Data[plane+win.in.offset(in)]
				sum, greatest, seen = sum+v, max(greatest, v), seen+1
			}
		})
		switch p.Alg {
		case PoolMax:
			out.store(index, greatest)
		case PoolAvgInclude:
			out.store(index, sum/float64(win.kernel.elems()))
		case PoolAvgExclude:
			out.store(index, sum/float64(seen))
		}
	}
	return nil
}
