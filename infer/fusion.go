package infer

import (
	"slices"

	"github.com/octet-dnn/octet/dnnl"
	"github.com/octet-dnn/octet/graph"
)

// A fusion extends a layer by those that follow it: the addition of another
// tensor, an activation, the quantisation of the sum. Programs keep them apart,
// because Paddle has no INT8 kernel that does all; oneDNN does it in one pass
// over the output.
type fusion struct {
	add   *graph.Value // the other operand of the addition, or nil
	act   graph.Activation
	scale float32 // of the quantisation
	out   *graph.Value
}

// A finder looks for fusions in a body.
type finder struct {
	g      *graph.Graph
	fixed  map[*graph.Value]bool // read from outside
	shapes map[*graph.Value]graph.Shape
	users  map[*graph.Value][]*graph.Layer
	order  map[*graph.Layer]int

	found  map[*graph.Layer]*fusion
	skip   map[*graph.Layer]bool // taken into another layer
	direct map[*graph.Layer]bool // dequantizes whose readers take the integers
}

// newFinder finds all fusions; shapes are those of some size of the inputs.
func newFinder(g *graph.Graph, fixed map[*graph.Value]bool, shapes map[*graph.Value]graph.Shape) *finder {
	f := &finder{g: g, fixed: fixed, shapes: shapes, users: consumers(g), order: map[*graph.Layer]int{},
		found: map[*graph.Layer]*fusion{}, skip: map[*graph.Layer]bool{}, direct: map[*graph.Layer]bool{}}
	for i, l := range g.Layers {
		f.order[l] = i
	}
	f.sums()
	f.light()
	return f
}

// only returns the layer that alone reads v, or nil.
func (f *finder) only(v *graph.Value) *graph.Layer {
	if len(f.users[v]) != 1 || f.fixed[v] {
		return nil
	}
	return f.users[v][0]
}

// sums finds, for INT8 convolutions that give FP32, the chain
// add → activation → quantize.
func (f *finder) sums() {
	for _, l := range f.g.Layers {
		b, ok := l.Op.(*graph.Binary)
		if !ok || b.Type != graph.Add {
			continue
		}
		q := f.only(l.Out[0])
		if q == nil {
			continue
		}
		quantize, ok := q.Op.(*graph.Quantize)
		if !ok {
			continue
		}
		i := f.lastConv(l)
		if i < 0 || !sameValueShape(l) {
			continue
		}
		conv := l.In[i].Producer
		f.found[conv] = &fusion{add: l.In[1-i], act: b.Act, scale: quantize.Scale, out: q.Out[0]}
		f.skip[l], f.skip[q] = true, true
	}
}

// lastConv returns the operand of an addition whose convolution runs last and
// can take the addition in, or -1.
func (f *finder) lastConv(l *graph.Layer) int {
	best := -1
	for i, v := range l.In {
		p := v.Producer
		if p == nil || f.only(v) != l {
			continue
		}
		c, ok := p.Op.(*graph.Conv)
		if !ok || c.Int8 == nil || !c.Int8.ForceFP32 || c.Act.Kind != graph.ActNone || len(p.In) > 3 && p.In[3] != nil {
			continue
		}
		other := l.In[1-i].Producer
		if other != nil && f.order[other] > f.order[p] {
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
	e.linear(f.scale) // not a scale of dst: the inverse of 1/scale may be another number
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
