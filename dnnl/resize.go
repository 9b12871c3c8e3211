package dnnl

import "github.com/octet-dnn/octet/cgo"

// Resampling scales the spatial dimensions to those of Dst.
type Resampling struct {
	Alg      ResampleAlg
	Src, Dst *Desc
	Factors  []float32 // one for every spatial dimension; nil: from the dimensions
	Attr     Attr
}

// New makes the primitive: an inference, forward.
func (s Resampling) New(e *Engine) (*Primitive, error) {
	b := newBuilder("resampling", cgo.KindResampling, s.Attr)
	b.spec.Alg = int32(s.Alg)
	b.note("%v", s.Alg)
	b.spec.Src = b.operand("src", s.Src)
	b.spec.Dst = b.operand("dst", s.Dst)
	if n := spatial(s.Src); s.Factors != nil && len(s.Factors) != n {
		b.fail(invalid(b.op(), "factors %v: there are %d spatial dimensions", s.Factors, n))
	}
	b.spec.Factors = s.Factors
	return b.create(e, s.Attr)
}

// Reduction folds the dimensions that have length one in Dst and not in Src.
// P and Eps are for the norms.
type Reduction struct {
	Alg      ReductionAlg
	Src, Dst *Desc
	P, Eps   float32
	Attr     Attr
}

// New makes the primitive.
func (s Reduction) New(e *Engine) (*Primitive, error) {
	b := newBuilder("reduction", cgo.KindReduction, s.Attr)
	b.spec.Alg = int32(s.Alg)
	b.spec.Alpha, b.spec.Beta = s.P, s.Eps
	b.note("%v p %g eps %g", s.Alg, s.P, s.Eps)
	b.spec.Src = b.operand("src", s.Src)
	b.spec.Dst = b.operand("dst", s.Dst)
	return b.create(e, s.Attr)
}
