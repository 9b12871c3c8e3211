package budget

import (
	"context"
	"errors"
	"slices"

	"github.com/octet-dnn/octet/calibrate"
	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// A shelf keeps those activations of the FP32 network, for all probed images,
// from which what is wanted later can be computed, and no others: it moves
// through the network from front to back, and computes each layer about once.
type shelf struct {
	*cutter
	fp32   *graph.Graph
	run    calibrate.NewRunner
	values map[string]*model.Tensor // nil data while only planning
}

// bytes returns what the shelf holds for one image.
func (s *shelf) bytes() (sum int) {
	for name := range s.values {
		sum += s.cutter.bytes(name)
	}
	return sum
}

func (s *shelf) has(name string) bool { _, ok := s.values[name]; return ok }

// missing returns those of the names that are not there.
func (s *shelf) missing(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), s.has)
}

// keepFor drops what none of later, lists of names, can be computed from.
func (s *shelf) keepFor(later [][]string) {
	use := map[string]bool{}
	for _, names := range later {
		_, from := s.part(s.fp32, names, s.has)
		for _, name := range from {
			use[name] = true
		}
	}
	for name := range s.values {
		if !use[name] {
			delete(s.values, name)
		}
	}
}

// bring computes what is missing of names.
func (s *shelf) bring(ctx context.Context, names []string) error {
	names = s.missing(names)
	if len(names) == 0 {
		return nil
	}
	part, from := s.part(s.fp32, names, s.has)
	out, err := runOnce(ctx, s.run, part, s.take(from))
	if err != nil {
		return err
	}
	for i, name := range names {
		s.values[name] = out[i]
	}
	return nil
}

func (s *shelf) take(names []string) []*model.Tensor {
	var list []*model.Tensor
	for _, name := range names {
		list = append(list, s.values[name])
	}
	return list
}

// runOnce runs g for one batch.
func runOnce(ctx context.Context, run calibrate.NewRunner, g *graph.Graph, in []*model.Tensor) (out []*model.Tensor, err error) {
	r, err := run(g, nil)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	return r.Run(ctx, in, nil)
}
