package infer

import (
	"slices"

	"github.com/octet-dnn/octet/graph"
)

// Light layers (sums and products of maps, normalisations, averages of maps)
// stand in programs between a dequantize and a quantize. One primitive does it
// all: it reads integers, computes reals in registers and rounds.

// light finds the layers that end in a quantize, a product with the sum behind
// it, and the dequantizes that only such layers read.
func (f *finder) light() {
	for _, l := range f.g.Layers {
		if !f.skip[l] && f.found[l] == nil && f.readsIntegers(l) {
			f.joinLight(l)
		}
	}
	for _, l := range f.g.Layers {
		if _, ok := l.Op.(*graph.Dequantize); ok {
			f.direct[l] = f.lightReaders(l.Out[0])
		}
	}
	for l, fu := range f.found { // averages cannot read reals and give integers
		if pools(l) && !f.direct[l.In[0].Producer] {
			f.release(l, fu)
		}
	}
}

func (f *finder) joinLight(l *graph.Layer) {
	last := l
	fu := &fusion{act: lightAct(l.Op)}
	if next := f.sumBehind(l); next != nil {
		last = next
		fu.add, fu.act = otherOperand(next, l.Out[0]), lightAct(next.Op)
	}
	q := f.only(last.Out[0])
	if q == nil {
		return
	}
	quantize, ok := q.Op.(*graph.Quantize)
	if !ok || pools(l) && integersOf(l.In[0]).DType != q.Out[0].DType {
		return
	}
	fu.scale, fu.out = quantize.Scale, q.Out[0]
	f.found[l] = fu
	f.skip[q], f.skip[last] = true, last != l
}

// release gives up a fusion.
func (f *finder) release(l *graph.Layer, fu *fusion) {
	delete(f.found, l)
	f.skip[fu.out.Producer] = false
}

// readsIntegers reports whether l is a light layer of maps with an operand that
// is dequantised: one of the size of its result, and another of the same or with
// one number a channel.
func (f *finder) readsIntegers(l *graph.Layer) bool {
	out := f.shapes[l.Out[0]]
	if len(out) != 4 {
		return false
	}
	if _, norm := l.Op.(*graph.BatchNorm); norm || pools(l) {
		return integersOf(l.In[0]) != nil
	}
	b, ok := l.Op.(*graph.Binary)
	if !ok || !product(l) && !sum(l) || !sameValueShape(l) {
		return false
	}
	x, y, err := b.Align(f.shapes[l.In[0]], f.shapes[l.In[1]])
	if err != nil {
		return false
	}
	whole := func(s graph.Shape) bool { return s.Equal(out) }
	channels := func(s graph.Shape) bool {
		return s[2]*s[3] == 1 && (s[0] == 1 || s[0] == out[0]) && (s[1] == 1 || s[1] == out[1])
	}
	return integersOf(l.In[0]) != nil && whole(x) && (whole(y) || channels(y)) ||
		integersOf(l.In[1]) != nil && whole(y) && (whole(x) || channels(x))
}

// sumBehind returns the sum that alone reads the product l, where its other
// operand is a map that exists already, or nil.
func (f *finder) sumBehind(l *graph.Layer) *graph.Layer {
	if !product(l) || lightAct(l.Op).Kind != graph.ActNone {
		return nil
	}
	next := f.only(l.Out[0])
	if next == nil || !sum(next) || f.skip[next] || !sameValueShape(next) {
		return nil
	}
	v := otherOperand(next, l.Out[0])
	if !f.shapes[v].Equal(f.shapes[l.Out[0]]) || v.Producer != nil && f.order[v.Producer] > f.order[l] {
		return nil
	}
	return next
}

// lightReaders reports whether all readers of v are light layers, which take
// the integers that v is made of. A sum that a product has taken in is none:
// oneDNN does not scale the operand of a post-operation, and computing in its
// steps instead would round differently from Paddle.
func (f *finder) lightReaders(v *graph.Value) bool {
	if f.fixed[v] {
		return false
	}
	return !slices.ContainsFunc(f.users[v], func(r *graph.Layer) bool {
		if f.found[r] == nil {
			return true
		}
		_, conv := r.Op.(*graph.Conv)
		return conv
	})
}

// integersOf returns the integers that v is made of, or nil.
func integersOf(v *graph.Value) *graph.Value {
	if v.Producer == nil {
		return nil
	}
	if _, ok := v.Producer.Op.(*graph.Dequantize); ok {
		return v.Producer.In[0]
	}
	return nil
}

func pools(l *graph.Layer) bool {
	p, ok := l.Op.(*graph.Pool)
	return ok && p.Type != graph.MaxPool && p.Global
}

func product(l *graph.Layer) bool { return isBinary(l, graph.MulElem) }

func sum(l *graph.Layer) bool { return isBinary(l, graph.Add) }

func isBinary(l *graph.Layer, kind graph.BinaryKind) bool {
	b, ok := l.Op.(*graph.Binary)
	return ok && b.Type == kind && l.In[0] != l.In[1]
}

func lightAct(op graph.Op) graph.Activation {
	switch op := op.(type) {
	case *graph.Binary:
		return op.Act
	case *graph.BatchNorm:
		return op.Act
	}
	return graph.Activation{}
}

func otherOperand(l *graph.Layer, v *graph.Value) *graph.Value {
	if l.In[0] == v {
		return l.In[1]
	}
	return l.In[0]
}
