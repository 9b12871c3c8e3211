package infer

import (
	"fmt"
	"slices"
	"sync"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// A family is the set of input shapes that differ only in the batch, where the
// body may be cut along it; otherwise it is a single input shape.
type family struct {
	shapes []graph.Shape // of the body's inputs; the batch as first seen
}

// at returns the body's input shapes for n images.
func (f *family) at(n int, separable bool) []graph.Shape {
	out := make([]graph.Shape, len(f.shapes))
	for i, s := range f.shapes {
		out[i] = slices.Clone(s)
		if separable {
			out[i][0] = n
		}
	}
	return out
}

// A geometry holds what follows from the exact dims of the inputs of a run.
type geometry struct {
	book
	family   *family
	in       [][]int64
	batch    int // images that the body sees; 1 if it is not separable
	inf      *graph.Inference
	shapes   map[*graph.Value]graph.Shape // of inf
	out      []outSpec
	pace     pace // for requests that could go by either way
	mu       sync.Mutex
	sessions []*session
}

type outSpec struct {
	name  string
	dtype model.DType
	dims  []int64
	bytes int
	open  bool // the data decide about dims and bytes
}

// geometry finds or makes the geometry of in, checking number, types and dims.
func (p *Predictor) geometry(in []*model.Tensor) (*geometry, error) {
	if err := p.checkInputs(in); err != nil {
		return nil, err
	}
	return p.geometryOf(in)
}

// geometryOf is geometry for inputs whose dims are known to be sound; their
// data may be missing.
func (p *Predictor) geometryOf(in []*model.Tensor) (*geometry, error) {
	g, known, err := p.findGeometry(in)
	switch {
	case err != nil:
		return nil, err
	case known:
		p.shelf.touch(&g.book)
	default:
		p.shelf.add(&g.book, len(g.shapes)*valueBytes)
	}
	return g, nil
}

// valueBytes is about what a geometry knows of a value takes: its shape, in two
// maps.
const valueBytes = 256

// findGeometry finds or makes the geometry of in. A new one must be put on the
// shelf.
func (p *Predictor) findGeometry(in []*model.Tensor) (g *geometry, known bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, g := range p.geometries {
		if g.matches(in) {
			return g, true, nil
		}
	}
	made, err := p.newGeometry(in)
	if err != nil {
		return nil, false, err
	}
	made.drop = func() { p.forget(made) }
	p.geometries = append(p.geometries, made)
	return made, false, nil
}

// forget gives up a geometry. Runs of it may be under way.
func (p *Predictor) forget(g *geometry) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := slices.Index(p.geometries, g); i >= 0 {
		p.geometries = slices.Delete(p.geometries, i, i+1)
	}
}

func (g *geometry) matches(in []*model.Tensor) bool {
	for i, t := range in {
		if !slices.Equal(t.Dims, g.in[i]) {
			return false
		}
	}
	return true
}

// checkInputs refuses tensors that do not hold what their dims say, before
// anything is computed from them.
func (p *Predictor) checkInputs(in []*model.Tensor) error {
	if len(in) != len(p.graph.Inputs) {
		return fmt.Errorf("infer: %d inputs given: %s takes %d", len(in), p.graph.Name, len(p.graph.Inputs))
	}
	for i, v := range p.graph.Inputs {
		t := in[i]
		if t == nil {
			return fmt.Errorf("infer: input %q is nil", v.Name)
		}
		if t.DType != v.DType {
			return fmt.Errorf("infer: input %q is %v: want %v", v.Name, t.DType, v.DType)
		}
		n := t.DType.Size()
		for _, d := range t.Dims {
			if d <= 0 || d > int64(len(t.Data)) {
				return fmt.Errorf("infer: input %q has dims %v and %d bytes: want positive dims that the data fills", v.Name, t.Dims, len(t.Data))
			}
			n *= int(d)
			if n > len(t.Data) {
				break
			}
		}
		if n != len(t.Data) {
			return fmt.Errorf("infer: input %q has dims %v of %v, which the %d bytes given do not fill exactly", v.Name, t.Dims, t.DType, len(t.Data))
		}
	}
	return nil
}

func (p *Predictor) newGeometry(in []*model.Tensor) (*geometry, error) {
	g := &geometry{batch: 1}
	shapes := make([]graph.Shape, len(in))
	for i, t := range in {
		g.in = append(g.in, slices.Clone(t.Dims))
		shapes[i] = toInts(t.Dims)
		if len(shapes[i]) != len(p.graph.Inputs[i].Dims) {
			return nil, fmt.Errorf("infer: input %q has dims %v: want %v", p.graph.Inputs[i].Name, t.Dims, p.graph.Inputs[i].Dims)
		}
	}
	var err error
	if g.inf, err = graph.Infer(p.graph, shapes); err != nil {
		return nil, fmt.Errorf("infer: inputs of %v: %w", shapes, err)
	}
	g.shapes = g.inf.Shapes
	body := make([]graph.Shape, len(p.body.feeds))
	for i, f := range p.body.feeds {
		body[i] = shapes[f]
	}
	if p.body.separable && len(body) > 0 {
		g.batch = body[0][0]
		for i, s := range body {
			if s[0] != g.batch {
				return nil, fmt.Errorf("infer: input %q holds %d images, input %q %d", p.body.inputs[i].Name, s[0], p.body.inputs[0].Name, g.batch)
			}
		}
	}
	g.family = p.familyOf(body)
	for _, o := range p.graph.Outputs {
		s := outSpec{name: o.Name, dtype: o.Value.DType, bytes: o.Value.DType.Size(), open: p.open[o.Value]}
		for _, d := range g.shapes[o.Value] {
			s.dims = append(s.dims, int64(d))
			s.bytes *= d
		}
		g.out = append(g.out, s)
	}
	return g, nil
}

// familyOf finds the family of body among those of geometries, and of plans
// whose geometries have gone, or makes it.
func (p *Predictor) familyOf(body []graph.Shape) *family {
	from := 0
	if p.body.separable {
		from = 1
	}
	matches := func(f *family) bool {
		return slices.EqualFunc(f.shapes, body, func(a, b graph.Shape) bool { return slices.Equal(a[from:], b[from:]) })
	}
	for _, g := range p.geometries {
		if matches(g.family) {
			return g.family
		}
	}
	if f := p.plans.family(matches); f != nil {
		return f
	}
	return &family{shapes: body}
}

func (g *geometry) newOutputs() []*model.Tensor {
	out := make([]*model.Tensor, len(g.out))
	for i, s := range g.out {
		if out[i] = (&model.Tensor{DType: s.dtype}); !s.open {
			out[i].Dims, out[i].Data = slices.Clone(s.dims), alloc(s.bytes)
		}
	}
	return out
}

func (g *geometry) checkOutputs(out []*model.Tensor) error {
	if len(out) != len(g.out) {
		return fmt.Errorf("infer: %d outputs given: the model has %d", len(out), len(g.out))
	}
	for i, s := range g.out {
		t := out[i]
		if s.open && t != nil && t.DType == s.dtype {
			continue
		}
		if t == nil || t.DType != s.dtype || !slices.Equal(t.Dims, s.dims) || len(t.Data) != s.bytes {
			return fmt.Errorf("infer: output %q must be a tensor of %v %v with %d bytes", s.name, s.dtype, s.dims, s.bytes)
		}
	}
	return nil
}
