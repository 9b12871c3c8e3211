package budget

import (
	"context"
	"fmt"
	"math"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/internal/eval"
	"github.com/octet-dnn/octet/model"
)

const (
	// maxProbes bounds the images that sensitivities are measured on, and
	// probeMemory the bytes of the activations kept for them, so also their number.
	maxProbes   = 64
	probeMemory = 256 << 20
)

// A trial is the network with a single layer in INT8: the part of it that then
// differs from FP32.
type trial struct {
	layer string
	part  *graph.Graph
	from  []string // FP32 values that the part reads
}

// sensitivities finds for each layer how far the probabilities diverge when it
// alone is INT8.
func (j *Job) sensitivities(ctx context.Context) error {
	if j.State.knowsAll(j.Layers) {
		return nil
	}
	in := j.Probes
	out, err := runOnce(ctx, j.Runner, j.Graph, in)
	if err != nil {
		return err
	}
	c, err := newCutter(j.Graph, in, out)
	if err != nil {
		return err
	}
	trials, err := j.trials(c)
	if err != nil {
		return err
	}
	n := min(int(in[0].Dims[0]), maxProbes, max(1, probeMemory/max(1, c.peak(j.Graph, trials))))
	in = firstImages(in, n)
	reference, classes := eval.Probabilities(firstImages([]*model.Tensor{out[c.index(j.Graph)]}, n), n)
	s := &shelf{c, j.Graph, j.Runner, map[string]*model.Tensor{}}
	for i, v := range j.Graph.Inputs {
		s.values[v.Name] = in[i]
	}
	step := j.begin("sensitivity", len(trials))
	defer step(true)
	for i, t := range trials {
		// In a run that goes on, too: what a part computes may depend, in its
		// last bits, on where it starts.
		if err := s.bring(ctx, t.from); err != nil {
			return err
		}
		s.keepFor(froms(trials[i:]))
		if _, known := j.State.Sensitivities[t.layer]; known {
			step(false)
			continue
		}
		kl, err := s.divergence(ctx, t, reference, classes)
		if err != nil {
			return fmt.Errorf("sensitivity of layer %q: %w", t.layer, err)
		}
		j.State.Sensitivities[t.layer] = kl
		if err := j.changed(); err != nil {
			return err
		}
		step(false)
	}
	return nil
}

// trials makes a trial of each layer, in the order of the network.
func (j *Job) trials(c *cutter) ([]trial, error) {
	var list []trial
	for i, layer := range j.Layers {
		others := append(append([]string(nil), j.Layers[:i]...), j.Layers[i+1:]...)
		q, err := j.Quantize(others)
		if err != nil {
			return nil, err
		}
		changed := c.changed(q)
		part, from := c.part(q, []string{c.output}, func(name string) bool { return c.kept[name] && !changed[name] })
		list = append(list, trial{layer, part, from})
	}
	return list, nil
}

func froms(trials []trial) (list [][]string) {
	for _, t := range trials {
		list = append(list, t.from)
	}
	return list
}

// peak returns the most bytes of one image that a shelf holds on its way through the trials.
func (c *cutter) peak(g *graph.Graph, trials []trial) (most int) {
	s := &shelf{cutter: c, fp32: g, values: map[string]*model.Tensor{}}
	for _, v := range g.Inputs {
		s.values[v.Name] = nil
	}
	for i, t := range trials {
		for _, name := range t.from {
			s.values[name] = nil
		}
		most = max(most, s.bytes())
		s.keepFor(froms(trials[i:]))
	}
	return most
}

// index returns the place of the probabilities among the outputs of g.
func (c *cutter) index(g *graph.Graph) int {
	for i, o := range g.Outputs {
		if o.Value.Name == c.output {
			return i
		}
	}
	return -1
}

// divergence runs a trial and compares its probabilities with the reference.
func (s *shelf) divergence(ctx context.Context, t trial, reference []float32, classes int) (float64, error) {
	for _, o := range t.part.Outputs {
		if o.Value.Producer == nil { // the layer does not reach the output
			return 0, nil
		}
	}
	out, err := runOnce(ctx, s.run, t.part, s.take(t.from))
	if err != nil {
		return 0, err
	}
	n := len(reference) / classes
	rows, _ := eval.Probabilities(out, n)
	if len(rows) != len(reference) {
		return 0, fmt.Errorf("%d probabilities: want %d: %w", len(rows), len(reference), ErrModel)
	}
	sum := 0.0
	for i := range n {
		sum += eval.Divergence(reference[i*classes:(i+1)*classes], rows[i*classes:(i+1)*classes])
	}
	if math.IsNaN(sum) || math.IsInf(sum, 0) {
		return 0, fmt.Errorf("probabilities: %w", eval.ErrNotFinite)
	}
	return max(sum/float64(n), 0), nil
}

// firstImages returns the first n images of a batch, in the same memory.
func firstImages(batch []*model.Tensor, n int) []*model.Tensor {
	var few []*model.Tensor
	for _, t := range batch {
		dims := append([]int64{int64(n)}, t.Dims[1:]...)
		few = append(few, &model.Tensor{DType: t.DType, Dims: dims, Data: t.Data[:len(t.Data)/int(t.Dims[0])*n]})
	}
	return few
}
