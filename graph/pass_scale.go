package graph

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"

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
	if a, ok := l.Op.(*Act); ok && a.Activation.Kind == ActLinear && l.In[0].DType == model.FP32 {
		return a // on integers, every scale rounds
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
// of so many elements, which lie one after the other. What is lazy stays so.
func (r *rewriter) scaledRuns(v *Value, suffix string, run int, factor func(i int) float64) *Value {
	run = max(run, 1) // of no elements at all
	name := r.newName(v, suffix)
	if v.Const.Lazy() {
		scaled := v.Const.Derived(scaling(v.Const.Len(), run, factor), func(data *model.Tensor) {
			x := data.Float32s()
			scaleRuns(x, x, 0, len(x), run, factor)
		})
		return &Value{Name: name, DType: v.DType, Dims: v.Dims, Const: scaled}
	}
	src := v.Const.Float32s()
	dst := make([]float32, len(src))
	parallel.Ranges(len(src), func(from, to int) { scaleRuns(dst, src, from, to, run, factor) })
	return floatConst(name, dst, v.Dims...)
}

// scaling names what scaledRuns does to n elements, see [model.Tensor.Identity].
func scaling(n, run int, factor func(i int) float64) string {
	h := sha256.New()
	var b [8]byte
	for i := range n / run {
		binary.LittleEndian.PutUint64(b[:], math.Float64bits(factor(i)))
		h.Write(b[:])
	}
	return fmt.Sprintf("runs of %d scaled by %x", run, h.Sum(nil))
}

// scaleRuns does the runs that begin in the range from … to.
func scaleRuns(dst, src []float32, from, to, run int, factor func(i int) float64) {
	for i := (from + run - 1) / run; i*run < to; i++ {
		f := factor(i)
		y := dst[i*run : (i+1)*run]
		for k, x := range src[i*run : (i+1)*run] {
			y[k] = float32(float64(x) * f)
		}
	}
}
