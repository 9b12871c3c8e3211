package zoo

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/infer"
	"github.com/octet-dnn/octet/model"
)

// mostMoved is the largest share of its integers that a network may round
// otherwise than Paddle, by one each, where Paddle's integers are given to each
// layer. Sums that lie half between two integers do so: oneDNN before 3.10, as in
// Paddle 2.6 and 3.3, and all of its kernels for AMX multiply a sum by the product
// of the scales, the others by one scale after the other. A wrong scale, bias or
// order of additions moves a hundred times as many.
const mostMoved = 1e-5

// An apart is what the INT8 layers of a network compute from Paddle's integers.
type apart struct {
	integers, moved int
}

// layerByLayer runs every INT8 layer of g by itself on what Paddle gives to that
// layer. It tells a layer that computes something else from a network in which
// one integer that is rounded otherwise moves all that follow.
func layerByLayer(t *testing.T, w *worker, g *graph.Graph, inputs []string) (a apart, err error) {
	opened := *g
	opened.Outputs = nil
	for _, l := range g.Layers {
		for _, v := range slices.Concat(l.In, l.Out) {
			known := slices.ContainsFunc(opened.Outputs, func(o graph.Output) bool { return o.Value == v })
			if v != nil && v.Producer != nil && !known && integers(l) {
				opened.Outputs = append(opened.Outputs, graph.Output{Name: v.Name, Value: v})
			}
		}
	}
	m, err := graph.ToModel(&opened, graph.FormFused)
	if err != nil {
		return a, err
	}
	prefix := filepath.Join(t.TempDir(), "opened")
	if err := model.Save(m, prefix, model.WithForm(model.FormPdModel)); err != nil {
		return a, err
	}
	outs, err := w.run(t, prefix, "plain", inputs)
	if err != nil {
		return a, err
	}
	theirs := map[*graph.Value]*model.Tensor{}
	for i, o := range opened.Outputs {
		theirs[o.Value] = outs[i]
	}
	for _, l := range g.Layers {
		if integers(l) {
			if err := a.add(t, l, theirs); err != nil {
				return a, fmt.Errorf("%s %q: %w", l.Op.Kind(), l.Name, err)
			}
		}
	}
	if float64(a.moved) > mostMoved*float64(a.integers) {
		return a, fmt.Errorf("%d of %d integers are not Paddle's, given Paddle's in front of the layer", a.moved, a.integers)
	}
	return a, nil
}

// integers reports whether l gives 8-bit integers or takes them. Layers behind
// the network's inputs are left out: those are not Paddle's to give.
func integers(l *graph.Layer) bool {
	fed := slices.ContainsFunc(l.In, func(v *graph.Value) bool { return v != nil && v.Producer == nil && v.Const == nil })
	return !fed && slices.ContainsFunc(slices.Concat(l.In, l.Out), func(v *graph.Value) bool {
		return v != nil && v.Const == nil && (v.DType == model.Int8 || v.DType == model.UInt8)
	})
}

// add compares one layer.
func (a *apart) add(t *testing.T, l *graph.Layer, theirs map[*graph.Value]*model.Tensor) error {
	var in []*model.Tensor
	g, alone := &graph.Graph{Name: l.Name}, &graph.Layer{Name: l.Name, Op: l.Op}
	for _, v := range l.In {
		if v != nil && v.Producer != nil {
			x := theirs[v]
			v = &graph.Value{Name: v.Name, DType: v.DType, Dims: slices.Clone(x.Dims)}
			v.Dims[0] = -1
			in, g.Inputs = append(in, x), append(g.Inputs, v)
		}
		alone.In = append(alone.In, v)
	}
	for _, v := range l.Out {
		o := &graph.Value{Name: v.Name, DType: v.DType, Producer: alone}
		alone.Out, g.Outputs = append(alone.Out, o), append(g.Outputs, graph.Output{Name: v.Name, Value: o})
	}
	g.Layers = []*graph.Layer{alone}
	p, err := infer.Compile(g, infer.Options{})
	if err != nil {
		return err
	}
	defer p.Close()
	outs, err := p.Run(t.Context(), in)
	if err != nil {
		return err
	}
	for i, v := range l.Out {
		if err := a.compare(outs[i], theirs[v]); err != nil {
			return err
		}
	}
	return nil
}

// compare counts the integers of one tensor that are not Paddle's; real numbers
// are held to the tolerance of FP32.
func (a *apart) compare(got, want *model.Tensor) error {
	if got.DType == model.FP32 {
		if d, err := relative([]*model.Tensor{got}, []*model.Tensor{want}); err != nil || !(d <= tolerance) {
			return fmt.Errorf("real numbers differ by %.2g (%v)", d, err)
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
