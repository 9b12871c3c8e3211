package calibrate

import (
	"slices"

	"github.com/octet-dnn/octet/graph"
)

// A light layer computes in FP32, with a few operations an element: the gate of
// a squeeze-and-excitation block, a sum of two maps, a normalisation that no
// convolution could take in, an average over maps that something else reads too. Between integer tensors
// an executor does that in one pass, from integers to integers, so that such
// layers had better read and give integers: the program then has a Dequantize in
// front and a Quantize behind.

// light reports whether l is such a layer. What reads its result is known by now.
func (q *quantizer) light(l *graph.Layer) bool {
	if q.o.FP32Elementwise || slices.Contains(q.head, l) || len(l.Out) != 1 || q.real[l.Out[0]] {
		return false
	}
	out := l.Out[0]
	switch op := l.Op.(type) {
	case *graph.Binary:
		switch {
		case op.Type == graph.Add && q.want[out]:
			return !q.fusedSum(l)
		case op.Type == graph.MulElem:
			return q.want[out] || q.addedOnly(out, op)
		}
	case *graph.BatchNorm:
		return q.want[out]
	case *graph.Pool:
		return q.want[out] && globalAverage(op) && (!q.o.fp32AveragePool() || len(q.uses[l.In[0]]) > 1)
	}
	return false
}

// fusedSum reports whether a convolution takes the sum l in while it still has
// its own result in FP32.
func (q *quantizer) fusedSum(l *graph.Layer) bool {
	for _, v := range l.In {
		if p := v.Producer; p != nil && q.chosen[p] && len(q.uses[v]) == 1 {
			if c, ok := p.Op.(*graph.Conv); ok && c.Act.Kind == graph.ActNone && residualOf(p) == nil {
				return true
			}
		}
	}
	return false
}

// addedOnly reports whether the product v goes into one light sum, which then
// takes it in.
func (q *quantizer) addedOnly(v *graph.Value, op *graph.Binary) bool {
	if len(q.uses[v]) != 1 || q.want[v] || op.Act.Kind != graph.ActNone {
		return false
	}
	sum := q.uses[v][0].Layer
	add, ok := sum.Op.(*graph.Binary)
	return ok && add.Type == graph.Add && q.light(sum)
}

// readByLight notes what the light layer l had better read as integers: maps of
// the size of its result, or what it averages. Small operands, such as gates,
// stay exact.
func (q *quantizer) readByLight(l *graph.Layer) {
	_, binary := l.Op.(*graph.Binary)
	whole := q.shapes[l.Out[0]]
	for i, v := range l.In {
		switch {
		case v == nil || q.groups.find(v) == nil:
		case !binary && i == 0, binary && q.shapes[v].Equal(whole):
			q.near[v] = true
		default:
			q.real[v] = true
		}
	}
}

// wanted reports whether v had better be integers: some reader needs them, or
// all readers are light.
func (q *quantizer) wanted(v *graph.Value) bool { return q.want[v] || q.near[v] && !q.real[v] }

// giveIntegers makes v native. Light readers get it through a Dequantize.
func (q *quantizer) giveIntegers(v *graph.Value) {
	q.native[v] = true
	q.real[v] = q.real[v] || q.near[v]
}
