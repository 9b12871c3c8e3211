package graph

import "github.com/octet-dnn/octet/model"

// mergeScales joins scales in a row: a2·(a1·x+b1)+b2.
func mergeScales(r *rewriter) error {
	for l := range r.layers() {
		outer := linearOf(l)
		if outer == nil {
			continue
		}
		before := r.producer(l.In[0])
		if inner := linearOf(before); inner != nil {
			x := before.In[0]
			r.remove(before)
			r.replace(l, &Act{Activation{
				Kind:  ActLinear,
				Alpha: outer.Alpha * inner.Alpha,
				Beta:  outer.Alpha*inner.Beta + outer.Beta,
			}}, x)
		}
	}
	return nil
}

func linearOf(l *Layer) *Act {
	if l == nil {
		return nil
	}
	if a, ok := l.Op.(*Act); ok && a.Activation.Kind == ActLinear {
		return a
	}
	return nil
}

// foldScales moves a scale without bias, as dropout leaves, into the weights of
// the fully connected layer behind it.
func foldScales(r *rewriter) error {
	for l := range r.layers() {
		fc, ok := l.Op.(*FC)
		if !ok || fc.Int8 != nil {
			continue
		}
		before := r.producer(l.In[0])
		if a := linearOf(before); a != nil && a.Beta == 0 && before.In[0].DType == model.FP32 {
			r.setIn(l, 1, r.mapped(l.In[1], "_scaled", func(_ int, w float64) float64 { return w * float64(a.Alpha) }))
			r.bypass(before, before.In[0])
		}
	}
	return nil
}

// mapped applies f to every element of an FP32 constant, in float64.
func (r *rewriter) mapped(v *Value, suffix string, f func(i int, x float64) float64) *Value {
	src := v.Const.Float32s()
	dst := make([]float32, len(src))
	for i, x := range src {
		dst[i] = float32(f(i, float64(x)))
	}
	return floatConst(r.newName(v, suffix), dst, v.Dims...)
}
