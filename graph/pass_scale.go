package graph

import (
	"github.com/octet-dnn/octet/internal/parallel"
	"github.com/octet-dnn/octet/model"
)

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
			r.setIn(l, 1, r.scaled(l.In[1], "_scaled", float64(a.Alpha)))
			r.bypass(before, before.In[0])
		}
	}
	return nil
}

// scaled multiplies an FP32 constant by factor, in float64.
func (r *rewriter) scaled(v *Value, suffix string, factor float64) *Value {
	return r.scaledRuns(v, suffix, int(v.Dims[len(v.Dims)-1]), func(int) float64 { return factor })
}

// scaledRuns multiplies an FP32 constant, in float64, by a factor for each run
// of so many elements, which lie one after the other.
func (r *rewriter) scaledRuns(v *Value, suffix string, run int, factor func(i int) float64) *Value {
	src := v.Const.Float32s()
	dst := make([]float32, len(src))
	run = max(run, 1) // of no elements at all
	parallel.Ranges(len(src), func(from, to int) {
		// Each goroutine takes the runs that begin in its range.
		for i := (from + run - 1) / run; i*run < to; i++ {
			scaleInto(dst[i*run:(i+1)*run], src[i*run:], factor(i))
		}
	})
	return floatConst(r.newName(v, suffix), dst, v.Dims...)
}

func scaleInto(dst, src []float32, factor float64) {
	src = src[:len(dst)]
	for i, x := range src {
		dst[i] = float32(float64(x) * factor)
	}
}
