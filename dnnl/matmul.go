package dnnl

import "github.com/octet-dnn/octet/cgo"

// MatMul is dst = src * weights + bias, for MxK times KxN, or batches of them
// in leading dimensions; a batch dimension of one is repeated. Bias may be nil
// and has dst's number of dimensions, those of length one repeated.
type MatMul struct {
	Src, Weights, Bias, Dst *Desc
	Attr                    Attr
}

// New makes the primitive.
func (s MatMul) New(e *Engine) (*Primitive, error) {
	b := newBuilder("matmul", cgo.KindMatMul, s.Attr)
	b.product(s.Src, s.Weights, s.Bias, s.Dst)
	return b.create(e, s.Attr)
}

// InnerProduct is a fully connected layer: all dimensions of src after the
// first are summed over. Weights are OI for a src of NC, OIHW for NCHW. Bias
// may be nil.
type InnerProduct struct {
	Src, Weights, Bias, Dst *Desc
	Attr                    Attr
}

// New makes the primitive: an inference, forward.
func (s InnerProduct) New(e *Engine) (*Primitive, error) {
	b := newBuilder("inner_product", cgo.KindInnerProduct, s.Attr)
	b.product(s.Src, s.Weights, s.Bias, s.Dst)
	return b.create(e, s.Attr)
}

func (b *builder) product(src, weights, bias, dst *Desc) {
	b.spec.Src = b.operand("src", src)
	b.spec.Weights = b.operand("wei", weights)
	b.spec.Bias = b.optional("bias", bias)
	b.spec.Dst = b.operand("dst", dst)
}
