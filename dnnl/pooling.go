package dnnl

import "github.com/octet-dnn/octet/cgo"

// Pooling takes the maximum or mean over a window. The lists have one number
// for every spatial dimension; nil means stride 1, dilation 0 (dense),
// padding 0. Kernel must be given.
type Pooling struct {
	Alg                PoolAlg
	Src, Dst           *Desc
	Kernel             []int
	Strides, Dilations []int
	PadL, PadR         []int
	Attr               Attr
}

// New makes the primitive: an inference, forward.
func (s Pooling) New(e *Engine) (*Primitive, error) {
	b := newBuilder("pooling", cgo.KindPooling, s.Attr)
	b.spec.Alg = int32(s.Alg)
	b.note("%v", s.Alg)
	b.spec.Src = b.operand("src", s.Src)
	b.spec.Dst = b.operand("dst", s.Dst)
	n := spatial(s.Src)
	if s.Kernel == nil {
		b.fail(invalid(b.op(), "no kernel"))
	}
	b.spec.Kernel = b.window("kernel", s.Kernel, n, 1)
	b.spec.Strides = b.window("strides", s.Strides, n, 1)
	b.spec.Dilations = b.window("dilations", s.Dilations, n, 0)
	b.spec.PadL = b.window("pad-l", s.PadL, n, 0)
	b.spec.PadR = b.window("pad-r", s.PadR, n, 0)
	return b.create(e, s.Attr)
}
