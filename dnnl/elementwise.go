package dnnl

import "github.com/octet-dnn/octet/cgo"

// Eltwise applies a function to every element.
type Eltwise struct {
	Alg         EltwiseAlg
	Src, Dst    *Desc
	Alpha, Beta float32
	Attr        Attr
}

// New makes the primitive: an inference, forward.
func (s Eltwise) New(e *Engine) (*Primitive, error) {
	b := newBuilder("eltwise", cgo.KindEltwise, s.Attr)
	b.spec.Alg = int32(s.Alg)
	b.spec.Alpha, b.spec.Beta = s.Alpha, s.Beta
	b.note("%v alpha %g beta %g", s.Alg, s.Alpha, s.Beta)
	b.spec.Src = b.operand("src", s.Src)
	b.spec.Dst = b.operand("dst", s.Dst)
	return b.create(e, s.Attr)
}

// Binary combines two tensors element by element. Dimensions of length one in
// Src1 are repeated.
type Binary struct {
	Alg             BinaryAlg
	Src0, Src1, Dst *Desc
	Attr            Attr
}

// New makes the primitive.
func (s Binary) New(e *Engine) (*Primitive, error) {
	b := newBuilder("binary", cgo.KindBinary, s.Attr)
	b.spec.Alg = int32(s.Alg)
	b.note("%v", s.Alg)
	b.spec.Src = b.operand("src0", s.Src0)
	b.spec.Weights = b.operand("src1", s.Src1)
	b.spec.Dst = b.operand("dst", s.Dst)
	return b.create(e, s.Attr)
}

// Softmax is e^x over the sum of e^x along one axis; with Log its logarithm.
type Softmax struct {
	Src, Dst *Desc
	Axis     int
	Log      bool
	Attr     Attr
}

// New makes the primitive: an inference, forward.
func (s Softmax) New(e *Engine) (*Primitive, error) {
	b := newBuilder("softmax", cgo.KindSoftmax, s.Attr)
	b.spec.Alg = algSoftmax
	if s.Log {
		b.spec.Alg = algLogSoftmax
	}
	b.spec.Axis = int32(s.Axis)
	b.note("axis %d log %v", s.Axis, s.Log)
	b.spec.Src = b.operand("src", s.Src)
	b.spec.Dst = b.operand("dst", s.Dst)
	return b.create(e, s.Attr)
}
