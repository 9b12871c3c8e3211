package infer

import (
	"slices"

	"github.com/octet-dnn/octet/dnnl"
	"github.com/octet-dnn/octet/graph"
)

// A fusion extends a convolution by the layers that follow it: the addition of
// another tensor, an activation, the quantisation of the sum. Programs keep
// them apart, because Paddle's INT8 convolution takes no FP32 residual; oneDNN
// does all in one pass over the output.
type fusion struct {
	add   *graph.Value // the other operand of the addition
	act   graph.Activation
	scale float32 // of the quantisation
	out   *graph.Value
}

// fusions finds, for INT8 convolutions that give FP32, the chain
// add → activation → quantize. The layers taken in are returned as skip.
func fusions(g *graph.Graph, outputs map[*graph.Value]bool) (map[*graph.Layer]*fusion, map[*graph.Layer]bool) {
	found, skip := map[*graph.Layer]*fusion{}, map[*graph.Layer]bool{}
	users := consumers(g)
	order := map[*graph.Layer]int{}
	for i, l := range g.Layers {
		order[l] = i
	}
	only := func(v *graph.Value) *graph.Layer {
		if len(users[v]) != 1 || outputs[v] {
			return nil
		}
		return users[v][0]
	}
	for _, l := range g.Layers {
		b, ok := l.Op.(*graph.Binary)
		if !ok || b.Type != graph.Add {
			continue
		}
		q := only(l.Out[0])
		if q == nil {
			continue
		}
		quantize, ok := q.Op.(*graph.Quantize)
		if !ok {
			continue
		}
		i := lastConv(l, only, order)
		if i < 0 || !sameValueShape(l) {
			continue
		}
		conv := l.In[i].Producer
		found[conv] = &fusion{add: l.In[1-i], act: b.Act, scale: quantize.Scale, out: q.Out[0]}
		skip[l], skip[q] = true, true
	}
	return found, skip
}

// lastConv returns the operand of an addition whose convolution runs last and
// can take the addition in, or -1.
func lastConv(l *graph.Layer, only func(*graph.Value) *graph.Layer, order map[*graph.Layer]int) int {
	best := -1
	for i, v := range l.In {
		p := v.Producer
		if p == nil || only(v) != l {
			continue
		}
		c, ok := p.Op.(*graph.Conv)
		if !ok || c.Int8 == nil || !c.Int8.ForceFP32 || c.Act.Kind != graph.ActNone || len(p.In) > 3 && p.In[3] != nil {
			continue
		}
		other := l.In[1-i].Producer
		if other != nil && order[other] > order[p] {
			continue // the other operand does not exist yet
		}
		best = i
	}
	return best
}

// sameValueShape reports whether both operands are computed, so that an
// elementwise addition of two maps is meant and not a broadcast constant.
func sameValueShape(l *graph.Layer) bool {
	return !slices.ContainsFunc(l.In, func(v *graph.Value) bool { return v.Const != nil })
}

// joinFusion appends what was fused into the current layer; see gives the view
// of a map that the layer works on.
func (lw *lowering) joinFusion(e *epilogue, see func(*tensor) *tensor) {
	f := lw.fused[lw.layer]
	if f == nil || lw.err != nil {
		return
	}
	other := see(lw.ordered(lw.env[f.add], channelsLast))
	if lw.err != nil {
		return
	}
	e.binary(dnnl.BinaryAdd, other)
	e.act(f.act)
	e.scale(dnnl.ArgDst, 0, 1/f.scale)
}

func consumers(g *graph.Graph) map[*graph.Value][]*graph.Layer {
	users := map[*graph.Value][]*graph.Layer{}
	for _, l := range g.Layers {
		for _, v := range l.In {
			if v != nil {
				users[v] = append(users[v], l)
			}
		}
	}
	return users
}
