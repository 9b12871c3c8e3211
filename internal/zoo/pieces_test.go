package zoo

import (
	"fmt"
	"slices"
	"testing"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/infer"
	"github.com/octet-dnn/octet/model"
)

// mostMoved is the largest share of its integers by one each that pieces of a
// network, given Paddle's integers, round otherwise than Paddle where only what lies
// half between two integers does: because scales are multiplied, or FP32 sums
// added up, in another order. A wrong scale, bias or activation moves a hundred
// times as many.
const mostMoved = 1e-4

// An apart is what a network computes from Paddle's integers.
type apart struct {
	integers, moved int
}

// pieceByPiece runs g in pieces, between one tensor of integers and the next,
// each on what Paddle gives to it: paddle runs a program on in. It tells a layer
// that computes something else from a network in which one integer that is
// rounded otherwise moves others, and those more.
func pieceByPiece(t *testing.T, g *graph.Graph, in []*model.Tensor, paddle func(*model.Model) ([]*model.Tensor, error)) (a apart, err error) {
	pieces, err := cut(g, in)
	if err != nil {
		return a, err
	}
	opened := *g
	opened.Outputs = nil
	for _, p := range pieces {
		opened.Outputs = append(opened.Outputs, graph.Output{Name: p.out.Name, Value: p.out})
	}
	m, err := graph.ToModel(&opened, graph.FormFused)
	if err != nil {
		return a, err
	}
	outs, err := paddle(m)
	if err != nil {
		return a, err
	}
	theirs := map[*graph.Value]*model.Tensor{}
	for i, v := range g.Inputs {
		theirs[v] = in[i]
	}
	for i, p := range pieces {
		theirs[p.out] = outs[i]
	}
	for _, p := range pieces {
		if err := a.add(t, p, theirs); err != nil {
			return a, fmt.Errorf("from Paddle's integers: %s %q: %w", p.out.Producer.Op.Kind(), p.out.Name, err)
		}
	}
	if float64(a.moved) > mostMoved*float64(a.integers) {
		return a, fmt.Errorf("from Paddle's integers: %d of %d are not Paddle's", a.moved, a.integers)
	}
	return a, nil
}

// A piece computes one tensor of a network from others, by layers that Octet may
// run as one.
type piece struct {
	out    *graph.Value
	from   []*graph.Value
	layers []*graph.Layer // in order
}

// cut divides what leads to the outputs of g at integers and at real numbers that
// several layers read, but not where those are only integers dequantised, nor where
// the first dimension is no longer that of the images in.
func cut(g *graph.Graph, in []*model.Tensor) ([]*piece, error) {
	var dims []graph.Shape
	for _, x := range in {
		s := graph.Shape{}
		for _, d := range x.Dims {
			s = append(s, int(d))
		}
		dims = append(dims, s)
	}
	shapes, err := graph.InferShapes(g, dims)
	if err != nil {
		return nil, err
	}
	users := g.Consumers()
	ends := func(v *graph.Value) bool {
		if v.Producer == nil || slices.ContainsFunc(g.Outputs, func(o graph.Output) bool { return o.Value == v }) {
			return true
		}
		_, dequantised := v.Producer.Op.(*graph.Dequantize)
		shared := v.DType != model.FP32 || !dequantised && len(users[v]) != 1
		return shared && shapes[v][0] == dims[0][0]
	}
	var pieces []*piece
	done := map[*graph.Value]bool{}
	var want func(v *graph.Value)
	want = func(v *graph.Value) {
		if v.Producer == nil || done[v] {
			return
		}
		done[v] = true
		p := &piece{out: v}
		p.walk(v.Producer, ends)
		for _, u := range p.from {
			want(u)
		}
		pieces = append(pieces, p)
	}
	for _, o := range g.Outputs {
		want(o.Value)
	}
	return pieces, nil
}

// walk adds l behind all that it reads.
func (p *piece) walk(l *graph.Layer, ends func(*graph.Value) bool) {
	if slices.Contains(p.layers, l) {
		return
	}
	for _, v := range l.In {
		switch {
		case v == nil || v.Const != nil:
		case !ends(v):
			p.walk(v.Producer, ends)
		case !slices.Contains(p.from, v):
			p.from = append(p.from, v)
		}
	}
	p.layers = append(p.layers, l)
}

// graph returns p as a network of its own, whose inputs are like given.
func (p *piece) graph(given []*model.Tensor) *graph.Graph {
	g, values := &graph.Graph{Name: p.out.Name}, map[*graph.Value]*graph.Value{nil: nil}
	for i, v := range p.from {
		c := &graph.Value{Name: v.Name, DType: v.DType, Dims: slices.Clone(given[i].Dims)}
		c.Dims[0] = -1
		values[v], g.Inputs = c, append(g.Inputs, c)
	}
	for _, l := range p.layers {
		c := &graph.Layer{Name: l.Name, Op: l.Op}
		for _, v := range l.In {
			if v != nil && v.Const != nil {
				values[v] = v
			}
			c.In = append(c.In, values[v])
		}
		for _, v := range l.Out {
			values[v] = &graph.Value{Name: v.Name, DType: v.DType, Producer: c}
			c.Out = append(c.Out, values[v])
		}
		g.Layers = append(g.Layers, c)
	}
	g.Outputs = []graph.Output{{Name: p.out.Name, Value: values[p.out]}}
	return g
}

// add compares one piece with Paddle.
func (a *apart) add(t *testing.T, p *piece, theirs map[*graph.Value]*model.Tensor) error {
	var in []*model.Tensor
	for _, v := range p.from {
		in = append(in, theirs[v])
	}
	net, err := infer.Compile(p.graph(in), infer.Options{})
	if err != nil {
		return err
	}
	defer net.Close()
	outs, err := net.Run(t.Context(), in)
	if err != nil {
		return err
	}
	return a.compare(outs[0], theirs[p.out])
}

// compare counts the integers of one tensor that are not Paddle's; real numbers
// are held to the tolerance of FP32.
func (a *apart) compare(got, want *model.Tensor) error {
	if got.DType != model.Int8 && got.DType != model.UInt8 {
		if d, err := relative([]*model.Tensor{got}, []*model.Tensor{want}); err != nil || !(d <= tolerance) {
			return fmt.Errorf("differs by %.2g (%v)", d, err)
		}
		return nil
	}
	if got.DType != want.DType || !slices.Equal(got.Dims, want.Dims) {
		return fmt.Errorf("%v %v: want %v %v", got.DType, got.Dims, want.DType, want.Dims)
	}
	a.integers += len(want.Data)
	for i, x := range want.Data {
		d := int(got.Data[i]) - int(x)
		if want.DType == model.Int8 {
			d = int(int8(got.Data[i])) - int(int8(x))
		}
		if d < -1 || d > 1 {
			return fmt.Errorf("integer %d is %d apart", i, d)
		}
		if d != 0 {
			a.moved++
		}
	}
	return nil
}
