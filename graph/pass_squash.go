package graph

import (
	"slices"

	"github.com/octet-dnn/octet/model"
)

// squash leaves no conversion from integers to reals and back: a Dequantize in
// front of a Quantize goes, with the layers between them that integers pass
// through, and INT8 layers whose result is quantised give integers themselves.
// Every integer stays what it was.
func squash(r *rewriter) error {
	shapes, err := probe(r.g)
	if err != nil {
		return err
	}
	r.mergeConversions()
	for l := range r.layers() {
		q, ok := l.Op.(*Quantize)
		if !ok || r.joinResidual(l, q, shapes) || r.roundInside(l, q) {
			continue
		}
		from, ok := r.integersBehind(l.In[0])
		switch {
		case !ok || from.dtype != l.Out[0].DType:
		case from.scale == q.Scale:
			r.bypass(l, r.asIntegers(l.In[0], from.dtype))
		case !from.averaged: // an average would be rounded twice
			r.replace(l, &Requantize{ScaleIn: from.scale, ScaleOut: q.Scale}, r.asIntegers(l.In[0], from.dtype))
		}
	}
	return nil
}

// mergeConversions keeps one of several equal conversions of a value.
func (r *rewriter) mergeConversions() {
	type conversion struct {
		of, to model.DType
		from   *Value
		scale  float32
	}
	first := make(map[conversion]*Layer)
	for l := range r.layers() {
		var c conversion
		switch op := l.Op.(type) {
		case *Quantize:
			c = conversion{scale: op.Scale}
		case *Dequantize:
			c = conversion{scale: op.Scale}
		default:
			continue
		}
		c.from, c.of, c.to = l.In[0], l.In[0].DType, l.Out[0].DType
		if same := first[c]; same == nil {
			first[c] = l
		} else if !r.fetched[l.Out[0]] {
			r.bypass(l, same.Out[0])
		}
	}
}

// roundInside lets the INT8 layer in front of the Quantize l give integers.
func (r *rewriter) roundInside(l *Layer, q *Quantize) bool {
	p := r.producer(l.In[0])
	if p == nil {
		return false
	}
	inner, _ := int8Of(p)
	if inner == nil || !inner.ForceFP32 || !GivesIntegers(p.Op) || integerType(p) != l.Out[0].DType {
		return false
	}
	inner.ForceFP32, inner.ScaleOut = false, q.Scale
	p.Out[0].DType = l.Out[0].DType
	r.bypass(l, p.Out[0])
	return true
}

// joinResidual gives the sum in front of the Quantize l to the INT8 convolution
// that computes one of its operands, where the other operand is integers of the
// type of the result: those are the residuals that Paddle's kernels add.
func (r *rewriter) joinResidual(l *Layer, q *Quantize, shapes map[*Value]Shape) bool {
	sum := r.producer(l.In[0])
	if sum == nil {
		return false
	}
	add, ok := sum.Op.(*Binary)
	if !ok || add.Type != Add || sum.In[0] == sum.In[1] || !slices.Equal(shapes[sum.In[0]], shapes[sum.In[1]]) {
		return false
	}
	for side := range 2 {
		p, other := r.producer(sum.In[side]), sum.In[1-side].Producer
		if p == nil || other == nil {
			continue
		}
		conv, ok := p.Op.(*Conv)
		residual, integers := other.Op.(*Dequantize)
		if !ok || !integers || other.In[0].DType != l.Out[0].DType || !asWeighted(p).open() ||
			!GivesIntegers(&Conv{Act: add.Act}) {
			continue
		}
		conv.Act = add.Act
		conv.Int8.ScaleInEltwise, conv.Int8.ScaleOut, conv.Int8.ForceFP32 = residual.Scale, q.Scale, false
		r.setIn(p, 3, other.In[0])
		r.absorb(p, sum)
		p.Out[0].DType = l.Out[0].DType
		r.bypass(l, p.Out[0])
		return true
	}
	return false
}

// integers says what a value holds as integers.
type integers struct {
	scale    float32
	dtype    model.DType
	averaged bool // and rounded thereby
}

// integersBehind reports whether v, which a Quantize reads, could as well be
// computed in integers, because nothing but layers that pass them on stands
// between it and dequantised tensors of one kind.
func (r *rewriter) integersBehind(v *Value) (integers, bool) {
	p := v.Producer
	if p == nil {
		return integers{}, false
	}
	if d, ok := p.Op.(*Dequantize); ok {
		return integers{scale: d.Scale, dtype: p.In[0].DType}, true
	}
	if !PassesIntegers(p.Op) || !r.private(v) {
		return integers{}, false
	}
	var all integers
	for i, in := range DataInputs(p) {
		n, ok := r.integersBehind(in)
		if !ok || i > 0 && n != all {
			return integers{}, false
		}
		all = n
	}
	if pool, ok := p.Op.(*Pool); ok {
		averages := pool.Type != MaxPool
		if pool.Adaptive || averages && all.averaged {
			return integers{}, false
		}
		all.averaged = averages || all.averaged
	}
	return all, true
}

// asIntegers makes the layers behind v compute integers, and returns what holds
// those of v.
func (r *rewriter) asIntegers(v *Value, dt model.DType) *Value {
	p := v.Producer
	if _, ok := p.Op.(*Dequantize); ok {
		return p.In[0]
	}
	from, _ := r.integersBehind(v)
	for i, in := range DataInputs(p) {
		r.setIn(p, i, r.asIntegers(in, dt))
	}
	for _, out := range p.Out {
		out.DType = dt
		if out != v {
			r.dequantized(out, from.scale)
		}
	}
	return v
}

// dequantized lets all readers of v, which has become integers, read reals. If
// they are quantised again, that is squashed in its turn.
func (r *rewriter) dequantized(v *Value, scale float32) {
	twin := &Value{Name: r.freshName(v.Name + "@real"), DType: model.FP32}
	twin.Producer = &Layer{Name: twin.Name, Op: &Dequantize{Scale: scale}, In: []*Value{nil}, Out: []*Value{twin}}
	for _, u := range slices.Clone(r.uses[v]) {
		r.setIn(u.Layer, u.Index, twin)
	}
	for i, o := range r.g.Outputs {
		if o.Value == v {
			r.g.Outputs[i].Value, r.fetched[twin] = twin, true
		}
	}
	r.setIn(twin.Producer, 0, v)
	r.g.Layers = append(r.g.Layers, twin.Producer)
}
