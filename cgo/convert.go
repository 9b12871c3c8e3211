package cgo

// #include "shim.h"
import "C"

import "runtime"

// c turns a spec into its C form. Its slices are pinned with pin, because the
// C form points into them.
func (s *Spec) c(pin *runtime.Pinner) C.octet_spec {
	out := C.octet_spec{
		kind:  C.int32_t(s.Kind),
		alg:   C.int32_t(s.Alg),
		axis:  C.int32_t(s.Axis),
		flags: C.uint32_t(s.Flags),
		count: C.int64_t(s.Count),
		alpha: C.float(s.Alpha),
		beta:  C.float(s.Beta),
		k:     C.float(s.K),

		src:     s.Src.constC(),
		weights: s.Weights.constC(),
		bias:    s.Bias.constC(),
		dst:     s.Dst.constC(),
		stat:    s.Stat.constC(),

		kernel:    window(s.Kernel),
		strides:   window(s.Strides),
		dilations: window(s.Dilations),
		pad_l:     window(s.PadL),
		pad_r:     window(s.PadR),

		nsrcs:        C.int32_t(len(s.Srcs)),
		nscales:      C.int32_t(len(s.Scales)),
		nzero_points: C.int32_t(len(s.ZeroPoints)),
		npost_ops:    C.int32_t(len(s.PostOps)),
	}
	if s.Impl != "" {
		out.impl = pinned(pin, []byte(s.Impl+"\x00"), func(b byte) C.char { return C.char(b) })
	}
	out.srcs = pinned(pin, s.Srcs, Desc.constC)
	out.factors = pinned(pin, s.Factors, func(f float32) C.float { return C.float(f) })
	out.scales = pinned(pin, s.Scales, Mask.c)
	out.zero_points = pinned(pin, s.ZeroPoints, Mask.c)
	out.post_ops = pinned(pin, s.PostOps, PostOp.c)
	return out
}

// pinned converts a slice into a pinned array; nil for an empty slice.
func pinned[G, T any](pin *runtime.Pinner, from []G, convert func(G) T) *T {
	if len(from) == 0 {
		return nil
	}
	to := make([]T, len(from))
	for i, v := range from {
		to[i] = convert(v)
	}
	pin.Pin(&to[0])
	return &to[0]
}

func window(from [MaxDims]int64) (to [MaxDims]C.int64_t) {
	for i, v := range from {
		to[i] = C.int64_t(v)
	}
	return to
}

func (m Mask) c() C.octet_mask {
	return C.octet_mask{arg: C.int32_t(m.Arg), mask: C.int32_t(m.Mask)}
}

func (p PostOp) c() C.octet_post_op {
	return C.octet_post_op{
		kind:         C.int32_t(p.Kind),
		alg:          C.int32_t(p.Alg),
		zero_point:   C.int32_t(p.ZeroPoint),
		data_type:    C.int32_t(p.DataType),
		alpha:        C.float(p.Alpha),
		beta:         C.float(p.Beta),
		weights_type: C.int32_t(p.WeightsType),
		bias_type:    C.int32_t(p.BiasType),
		dst_type:     C.int32_t(p.DstType),
		kernel:       C.int32_t(p.Kernel),
		stride:       C.int32_t(p.Stride),
		padding:      C.int32_t(p.Padding),
		src1:         p.Src1.constC(),
	}
}
