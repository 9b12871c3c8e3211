package calibrate

import (
	"fmt"
	"math"
	"slices"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// Pixels says how pictures of 8 bits became what the network reads: channel c
// of its input, times Scale[c], plus Shift[c], is a whole number of 0…255. For an
// input of (pixel/255 − mean)/std these are 255·std and 255·mean.
type Pixels struct{ Scale, Shift []float32 }

// readPixels makes the first convolution of g read the pixels that its input
// was made of: it multiplies and shifts them back, and the weights and the bias
// of the convolution make up for that. Pixels are integers, so that
// quantising them errs nowhere, where quantising what the network reads takes a
// share of the accuracy of everything behind it.
//
// Padding stands for zeros of the input, which are no zeros of pixels: so the input is padded,
// not the pixels, and what the integers err there is a rounding of Shift.
// The value of the pixels is returned, with the layers that make it.
func readPixels(g *graph.Graph, n nameSet, p *Pixels) (*graph.Value, []*graph.Layer, error) {
	conv, window, err := p.reader(g)
	if err != nil {
		return nil, nil, err
	}
	var head []*graph.Layer
	step := func(suffix string, op graph.Op, in ...*graph.Value) *graph.Value {
		v := &graph.Value{Name: n.take(conv.In[0].Name + suffix), DType: model.FP32}
		v.Producer = &graph.Layer{Name: v.Name, Op: op, In: in, Out: []*graph.Value{v}}
		head = append(head, v.Producer)
		return v
	}
	x := conv.In[0]
	if window.Pads != [4]int{} {
		x = step(".padded", &graph.Pad{
			Before: []int{0, 0, window.Pads[0], window.Pads[2]}, After: []int{0, 0, window.Pads[1], window.Pads[3]},
		}, x)
	}
	scale, err := constant(n.take(conv.In[0].Name+".scale"), p.Scale, 1, int64(len(p.Scale)), 1, 1)
	if err != nil {
		return nil, nil, err
	}
	shift, err := constant(n.take(conv.In[0].Name+".shift"), p.Shift, 1, int64(len(p.Shift)), 1, 1)
	if err != nil {
		return nil, nil, err
	}
	x = step(".scaled", &graph.Binary{Type: graph.MulElem, Axis: -1}, x, scale)
	x = step(".pixels", &graph.Binary{Type: graph.Add, Axis: -1, Act: graph.Activation{Kind: graph.ActReLU}}, x, shift)
	if err := p.fold(conv, n, len(g.Consumers()[conv.In[1]]) > 1); err != nil {
		return nil, nil, err
	}
	op := conv.Op.(*graph.Conv)
	op.Pads, op.PadMode = [4]int{}, graph.PadExplicit
	conv.In[0] = x
	g.Layers = slices.Insert(g.Layers, slices.Index(g.Layers, conv), head...)
	return x, head, nil
}

// reader finds the convolution that reads the picture.
func (p *Pixels) reader(g *graph.Graph) (*graph.Layer, graph.Window, error) {
	fail := func(format string, args ...any) (*graph.Layer, graph.Window, error) {
		return nil, graph.Window{}, fmt.Errorf("pixels of graph %q: %s: %w", g.Name, fmt.Sprintf(format, args...), ErrOptions)
	}
	l := firstConv(g)
	if l == nil {
		return fail("no convolution reads them")
	}
	op := l.Op.(*graph.Conv)
	if !quantisable(l) || !slices.Contains(g.Inputs, l.In[0]) || op.Groups != 1 {
		return fail("the first convolution %q does not read an input of the network", l.Name)
	}
	filter := l.In[1].Const.Dims
	if n := int64(len(p.Scale)); filter[1] != n {
		return fail("the first convolution %q reads %d channels, %d are described", l.Name, filter[1], n)
	}
	if op.PadMode == graph.PadExplicit {
		return l, graph.Window{Pads: op.Pads}, nil
	}
	dims, weights := make(graph.Shape, 4), make(graph.Shape, 4)
	for i := range weights {
		weights[i] = int(filter[i])
		if len(l.In[0].Dims) == 4 {
			dims[i] = int(l.In[0].Dims[i])
		}
	}
	dims[0] = 1
	if min(dims[1], dims[2], dims[3]) <= 0 {
		return fail("the padding of convolution %q depends on the size of the pictures", l.Name)
	}
	w, err := op.Resolve(dims, weights)
	return l, w, err
}

// fold makes conv compute from pixels what it computed from the input. shared
// tells that other layers read its weights too.
func (p *Pixels) fold(conv *graph.Layer, n nameSet, shared bool) error {
	w := conv.In[1].Const
	outputs, area := int(w.Dims[0]), int(w.Dims[2]*w.Dims[3])
	to, bias := slices.Clone(w.Float32s()), make([]float64, outputs)
	if b := conv.In[2]; b != nil {
		for i, v := range b.Const.Float32s() {
			bias[i] = float64(v)
		}
	}
	for i, v := range to {
		c := i / area % len(p.Scale)
		f := float64(v) / float64(p.Scale[c])
		to[i] = float32(f)
		bias[i/(area*len(p.Scale))] -= f * float64(p.Shift[c])
	}
	biases := make([]float32, outputs)
	for i, v := range bias {
		biases[i] = float32(v)
	}
	name := conv.In[1].Name
	if shared {
		name = n.take(name + ".pixels")
	}
	weights, err := constant(name, to, w.Dims...)
	if err != nil {
		return err
	}
	folded, err := constant(n.take(conv.In[1].Name+".bias"), biases, int64(outputs))
	if err != nil {
		return err
	}
	conv.In = slices.Clone(conv.In)
	conv.In[1], conv.In[2] = weights, folded
	return nil
}

// centre corrects the bias of conv, which is to have weights of these scales, so
// that rounding them changes nothing of what it gives for a picture of zeros:
// unlike the zeros, its pixels are large.
func (p *Pixels) centre(conv *graph.Layer, scales []float32) error {
	w, b := conv.In[1].Const, conv.In[2]
	q, err := graph.QuantizeWeights(w, scales, 0)
	if err != nil {
		return err
	}
	bias := slices.Clone(b.Const.Float32s())
	size := w.Len() / len(bias)
	for o := range bias {
		scale, shift := float64(scales[o%len(scales)]), 0.0
		for i, x := range w.Float32s()[o*size : (o+1)*size] {
			c := i / (size / len(p.Shift))
			shift += (float64(x) - float64(q[o*size+i])/scale) * float64(p.Shift[c])
		}
		bias[o] = float32(float64(bias[o]) + shift)
	}
	conv.In = slices.Clone(conv.In)
	conv.In[2], err = constant(b.Name, bias, b.Dims...)
	return err
}

// Check reports why the first convolution of g cannot read pixels: it has to read
// an input of as many channels as are described, and nothing before it may change that.
// The error wraps ErrOptions.
func (p *Pixels) Check(g *graph.Graph) error {
	if err := p.check(); err != nil {
		return err
	}
	_, _, err := p.reader(g)
	return err
}

// check refuses what is no picture.
func (p *Pixels) check() error {
	if p == nil {
		return nil
	}
	if len(p.Scale) == 0 || len(p.Scale) != len(p.Shift) {
		return fmt.Errorf("pixels with %d scales and %d shifts: want one of each a channel: %w", len(p.Scale), len(p.Shift), ErrOptions)
	}
	for i, s := range p.Scale {
		if t := p.Shift[i]; !(s > 0) || math.IsInf(float64(s), 0) || math.IsNaN(float64(t)) || math.IsInf(float64(t), 0) {
			return fmt.Errorf("pixels of channel %d: scale %v, shift %v: want a positive and a finite number: %w", i, s, t, ErrOptions)
		}
	}
	return nil
}
