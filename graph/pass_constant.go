package graph

import "github.com/octet-dnn/octet/model"

// foldConstants computes reshapes and transpositions of parameters, such as the
// reshape of a bias to [1,C,1,1] that Paddle 2.x exports as an op.
func foldConstants(r *rewriter) error {
	for l := range r.layers() {
		if len(l.In) != 1 || l.In[0].Const == nil {
			continue
		}
		x := l.In[0]
		var folded *Value
		switch op := l.Op.(type) {
		case *Identity:
			folded = x
		case *Reshape:
			shape, err := op.Infer([]Shape{toShape(x.Dims)})
			if err != nil {
				return &OpError{Op: op.Kind(), Var: l.Name, Err: err}
			}
			folded = reshaped(x.Name, x, toDims(shape[0]))
		case *Transpose:
			if x.DType != model.FP32 {
				continue
			}
			if _, err := op.Infer([]Shape{toShape(x.Dims)}); err != nil {
				return &OpError{Op: op.Kind(), Var: l.Name, Err: err}
			}
			folded = transposed(x.Name, x, op.Perm)
		default:
			continue
		}
		r.becomeConstant(l, folded)
	}
	return nil
}

// becomeConstant turns the output of l into a constant. If that is all the
// parameter was for, the constant takes over the parameter's name.
func (r *rewriter) becomeConstant(l *Layer, c *Value) {
	out := l.Out[0]
	if r.private(l.In[0]) && !r.fetched[out] {
		out.Name = c.Name
	}
	out.DType, out.Dims, out.Const, out.Producer = c.DType, c.Dims, c.Const, nil
	r.remove(l)
}

// transposed permutes the dims of an FP32 constant.
func transposed(name string, v *Value, perm []int) *Value {
	dims := make([]int64, len(perm))
	stride := make([]int, len(perm)) // of the source, by dim of the result
	for i, p := range perm {
		dims[i] = v.Dims[p]
		stride[i] = 1
		for _, d := range v.Dims[p+1:] {
			stride[i] *= int(d)
		}
	}
	src := v.Const.Float32s()
	dst := make([]float32, len(src))
	index := make([]int, len(perm))
	at := 0
	for i := range dst {
		dst[i] = src[at]
		for d := len(index) - 1; d >= 0; d-- {
			index[d]++
			at += stride[d]
			if index[d] < int(dims[d]) {
				break
			}
			at -= index[d] * stride[d]
			index[d] = 0
		}
	}
	return floatConst(name, dst, dims...)
}
