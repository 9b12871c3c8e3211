package operators

import (
	"fmt"
	"slices"
	"testing"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/infer"
	"github.com/octet-dnn/octet/model"
)

// tolerance is the project's promise for FP32, relative to the largest
// magnitude.
const tolerance = 1e-4

// TestGoldens imports, infers, runs and exports every golden.
func TestGoldens(t *testing.T) {
	for _, g := range goldens(t) {
		t.Run(g.name, func(t *testing.T) {
			net, err := graph.Build(g.model)
			if err != nil {
				t.Fatalf("import: %v", err)
			}
			if err := shapes(net, g); err != nil {
				t.Errorf("shapes: %v", err)
			}
			for _, o := range []infer.Options{{}, {Streams: 1, Threads: 1, MicroBatch: 1}} {
				if err := run(t, net, g, o); err != nil {
					t.Errorf("run with %+v: %v", o, err)
				}
			}
			for _, form := range []graph.Form{graph.FormFused, graph.FormV13} {
				if err := exported(t, net, g, form); err != nil {
					t.Errorf("export as %v: %v", form, err)
				}
			}
		})
	}
}

// shapes compares the inferred dims of the outputs with Paddle's, where they do
// not depend on data.
func shapes(net *graph.Graph, g golden) error {
	var in []graph.Shape
	for _, x := range g.in {
		in = append(in, shapeOf(x))
	}
	inferred, err := graph.InferShapes(net, in)
	if err != nil {
		return err
	}
	for i, o := range net.Outputs {
		if p := o.Value.Producer; p != nil && graph.Bounded(p.Op) {
			continue
		}
		if got, want := inferred[o.Value], shapeOf(g.out[i]); !slices.Equal(got, want) {
			return fmt.Errorf("output %d is %v, want %v", i, got, want)
		}
	}
	return nil
}

func shapeOf(x *model.Tensor) graph.Shape {
	s := graph.Shape{}
	for _, d := range x.Dims {
		s = append(s, int(d))
	}
	return s
}

func run(t *testing.T, net *graph.Graph, g golden, o infer.Options) error {
	p, err := infer.Compile(net, o)
	if err != nil {
		return err
	}
	defer p.Close()
	out, err := p.Run(t.Context(), g.in)
	if err != nil {
		return err
	}
	for i := range out {
		if msg := compare(out[i], g.out[i], tolerance); msg != "" {
			return fmt.Errorf("output %d: %s", i, msg)
		}
	}
	return nil
}

// exported writes net as a program, reads that and runs it.
func exported(t *testing.T, net *graph.Graph, g golden, form graph.Form) error {
	m, err := graph.ToModel(net, form)
	if err != nil {
		return err
	}
	again, err := graph.Build(m)
	if err != nil {
		return fmt.Errorf("read again: %w", err)
	}
	return run(t, again, g, infer.Options{})
}
