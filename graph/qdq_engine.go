package graph

import (
	"slices"

	"github.com/octet-dnn/octet/model"
)

// The INT8 engine of Paddle (enable_mkldnn_int8, seen in 2.6.2 and 3.3.1) takes
// a QDQ program for a list of the scales of its variables, and decides itself
// what it computes in INT8. Left to that, it does not compute what the program
// says, or finds no kernel:
//
//   - It carries scales on: forwards through layers that move elements or pool
//     them, over the scale that their result has, backwards through them, and
//     from the result of a concatenation back over those of its inputs
//     (UpdateScales in compute_propagate_scales_onednn_pass.cc).
//   - Pools, concatenations, sums and products with scales on all sides become
//     INT8, whether there is a kernel for that or not.
//   - Unsigned are for it only results of relu, and of convolutions with relu or
//     relu6 (UpdateReluOutputScales there). It gives all others 127 levels.
//
// forEngine adds layers to g, a graph from ToQDQ, that change no value and stop
// that: copies, over which no scale goes, and a relu of what is never negative.
// Optimize removes them. integers has the names of the tensors that are INT8 in
// the graph that g spells. It returns the layers that are to stay in FP32.
func forEngine(g *Graph, integers map[string]bool) (stay map[*Layer]bool, err error) {
	shapes, err := probe(g)
	if err != nil {
		return nil, err
	}
	stay = make(map[*Layer]bool)
	r := newRewriter(g)
	guard := func(l *Layer, op Op) {
		x := l.In[0]
		out := &Value{Name: r.freshName(x.Name + "@apart"), DType: model.FP32}
		out.Producer = &Layer{Name: out.Name, Op: op, In: []*Value{nil}, Out: []*Value{out}}
		g.Layers = append(g.Layers, out.Producer)
		r.setIn(out.Producer, 0, x)
		r.setIn(l, 0, out)
	}
	for _, l := range slices.Clone(g.Layers) {
		real := !slices.ContainsFunc(l.Out, func(v *Value) bool { return integers[v.Name] })
		switch op := l.Op.(type) {
		case *Quantize:
			x := l.In[0]
			switch {
			case l.Out[0].DType == model.UInt8 && !seenUnsigned(x, shapes):
				guard(l, &Act{Activation: Activation{Kind: ActReLU}})
			case x.Producer != nil && !integers[x.Name]:
				if _, ok := x.Producer.Op.(*Concat); ok {
					guard(l, &Identity{})
				}
			}
		case *Concat, *Binary:
			stay[l] = real
		default:
			stay[l] = real && carriesScales(op)
			if stay[l] && slices.ContainsFunc(l.Out, func(v *Value) bool { return quantised(r.uses[v]) }) {
				guard(l, &Identity{})
			}
		}
	}
	r.finish()
	return stay, nil
}

// quantised reports whether a Quantize is among the uses of a value.
func quantised(uses []Use) bool {
	return slices.ContainsFunc(uses, func(u Use) bool {
		_, ok := u.Layer.Op.(*Quantize)
		return ok
	})
}

// carriesScales reports whether Paddle's engine gives the result of op the scale
// of its input.
func carriesScales(op Op) bool {
	switch op := op.(type) {
	case *Pool, *Transpose, *Split, *ShuffleChannel:
		return true
	case *Reshape:
		return op.Mode == ReshapeTo
	case *Slice:
		return op.Strides == nil
	case *Resize:
		return op.Nearest
	}
	return false
}

// seenUnsigned reports whether Paddle's engine knows that v is never negative.
func seenUnsigned(v *Value, shapes map[*Value]Shape) bool {
	p := v.Producer
	if p == nil {
		return false
	}
	switch op := p.Op.(type) {
	case *Conv: // with a residual it is one convolution only as an INT8 one
		return (op.Act.Kind == ActReLU || op.Act.Kind == ActClip && op.Act.Alpha == 0) && (p.In[3] == nil || p.In[1].Producer != nil)
	case *FC:
		return op.Act.Kind == ActReLU
	case *Act:
		return op.Activation.Kind == ActReLU
	case *Binary: // of the op sum the relu stays apart
		return op.Act.Kind == ActReLU && op.Type == Add && op.Axis == -1 && shapes[p.In[0]].Equal(shapes[p.In[1]])
	case *Quantize, *Dequantize:
		return seenUnsigned(p.In[0], shapes)
	}
	return carriesScales(p.Op) && v == p.Out[0] && seenUnsigned(p.In[0], shapes)
}

// needlessRelus removes relus of what is never negative.
func needlessRelus(r *rewriter) error {
	unsigned := unsignedValues(r.g)
	for l := range r.layers() {
		if a, ok := l.Op.(*Act); ok && a.Activation.Kind == ActReLU && unsigned[l.In[0]] {
			r.bypass(l, l.In[0])
		}
	}
	return nil
}
