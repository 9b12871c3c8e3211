package infer

import (
	"slices"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// Values that follow from shapes alone are static: no layer computes them, a
// plan holds them as constants of its shape.

// staticValues returns the computed values that are static.
func staticValues(inf *graph.Inference) map[*graph.Value]bool {
	static := map[*graph.Value]bool{}
	for v := range inf.Contents {
		static[v] = v.Const == nil
	}
	return static
}

// allStatic reports whether nothing of l has to be computed.
func (b *body) allStatic(l *graph.Layer) bool {
	return !slices.ContainsFunc(l.Out, func(v *graph.Value) bool { return !b.static[v] })
}

// sameForEach reports whether a static operand says the same about every image,
// so that it may be made for any cut of the batch: two and three are two batch
// sizes that it was inferred for.
func sameForEach(v *graph.Value, two, three *graph.Inference) bool {
	if slices.Equal(two.Contents[v], three.Contents[v]) {
		return true
	}
	same := func(c []float64) bool {
		return len(c) > 0 && !slices.ContainsFunc(c, func(x float64) bool { return x != c[0] })
	}
	a, b := two.Contents[v], three.Contents[v]
	return same(a) && same(b) && a[0] == b[0]
}

// staticTensor returns a static operand as a constant.
func (lw *lowering) staticTensor(v *graph.Value) (*tensor, error) {
	dt, err := dataType(v.DType)
	if err != nil {
		return nil, err
	}
	return lw.constants.raw(lw.inf.Shapes[v], dt, contentsOf(lw.inf.Contents[v], v.DType))
}

// integer reports whether v is an index or a label rather than a number or a
// quantised number.
func integer(v *graph.Value) bool { return v.DType == model.Int64 || v.DType == model.Int32 }

// openValues returns the values whose dims follow from data.
func openValues(tail []*graph.Layer) map[*graph.Value]bool {
	open := map[*graph.Value]bool{}
	for _, l := range tail {
		from := graph.Bounded(l.Op) || slices.ContainsFunc(graph.DataInputs(l), func(v *graph.Value) bool { return open[v] })
		for _, v := range l.Out {
			open[v] = from
		}
	}
	return open
}
