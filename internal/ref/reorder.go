package ref

import (
	"fmt"
	"slices"
)

// Reorder copies a tensor into one of another element type: it quantises,
// requantises and dequantises. dst = saturate(round((src-zp)*scale/dstScale + dstZP)),
// scales and zero points at ArgSrc and ArgDst with any mask; the only post-op
// is the sum.
type Reorder struct {
	Src, Dst *Tensor // of equal dims
	Attr     Attr
}

// Run fills Dst.
func (r *Reorder) Run() error {
	if !slices.Equal(r.Src.Dims, r.Dst.Dims) {
		return fmt.Errorf("ref: reorder: src %v, dst %v: %w", r.Src, r.Dst, ErrShape)
	}
	src, err := r.Attr.dequantised(ArgSrc, r.Src)
	if err != nil {
		return fmt.Errorf("ref: reorder: %w", err)
	}
	out, err := newSink(r.Attr, r.Dst)
	if err != nil {
		return fmt.Errorf("ref: reorder: %w", err)
	}
	for i, index := range Indices(r.Src.Dims) {
		out.store(index, src[i])
	}
	return nil
}
