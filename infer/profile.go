package infer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// A Profile tells where the time of a network goes when one-thread streams run
// it, as they do for large batches.
type Profile struct {
	Images  int `json:"images"`  // that a stream computes at once
	Streams int `json:"streams"` // that ran side by side
	// Layers stand in order of execution. Layers fused into others are missing.
	Layers []LayerTime `json:"layers"`
}

// A LayerTime is what one layer costs a stream, all its primitives together.
type LayerTime struct {
	Layer   string `json:"layer"`
	Kind    string `json:"kind"`
	Kernel  string `json:"kernel"`  // implementation of its longest step, see Kernel.Impl
	Problem string `json:"problem"` // shapes and attributes of that step, if it is oneDNN's
	Out     []int  `json:"out"`     // dims of the first output, for the images at once
	Steps   int    `json:"steps"`   // executions of primitives
	// Time is for the images at once: the median of the runs.
	Time time.Duration `json:"ns"`
	// MACs are the multiply-adds with weights, padding included, see
	// [graph.LayerMACs], for the images at once.
	MACs int64 `json:"macs"`
}

// Rate returns multiply-adds a second.
func (l LayerTime) Rate() float64 {
	if l.Time <= 0 {
		return 0
	}
	return float64(l.MACs) / l.Time.Seconds()
}

// Total adds up times and multiply-adds of all layers.
func (p *Profile) Total() (t time.Duration, macs int64) {
	for _, l := range p.Layers {
		t += l.Time
		macs += l.MACs
	}
	return t, macs
}

// Profile measures layer by layer how long a stream takes for images of in, on
// as many streams side by side as the batch fills. Each stream runs its
// micro-batch once to warm up and then runs times. The streams are made for the
// purpose; other runs at the same time disturb the figures, not the results.
func (p *Predictor) Profile(ctx context.Context, in []*model.Tensor, runs int) (*Profile, error) {
	if runs < 1 {
		return nil, fmt.Errorf("infer: profile of %d runs: want one at least", runs)
	}
	g, err := p.geometry(in)
	if err != nil {
		return nil, err
	}
	p.use.RLock()
	defer p.use.RUnlock()
	if p.closed {
		return nil, ErrClosed
	}
	n := p.chunk(g.batch, g.batch)
	k := planKey{g.family, n, 1}
	pl, err := p.plans.get(k)
	if err != nil {
		return nil, err
	}
	defer pl.release()
	s, err := g.session(p)
	if err != nil {
		return nil, err
	}
	defer g.put(s)
	s.req.p, s.req.g, s.req.extras = p, g, extras{}
	s.bind(in, g.newOutputs())

	streams := min(p.opts.Streams, g.batch/n)
	times := make([][][]int64, streams)
	errs := make([]error, streams)
	var all sync.WaitGroup
	for i := range streams {
		all.Go(func() { times[i], errs[i] = p.timeSteps(ctx, k, s, i, runs) })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	layers, err := p.layerTimes(pl, g.family.at(n, p.body.separable), slices.Concat(times...))
	return &Profile{Images: n, Streams: streams, Layers: layers}, err
}

// timeSteps runs plan k again and again on the images of a stream, and returns
// the nanoseconds of each step of each run.
func (p *Predictor) timeSteps(ctx context.Context, k planKey, s *session, stream, runs int) ([][]int64, error) {
	w := newStream(p, stream)
	defer w.close()
	in, err := w.instance(k)
	if err != nil {
		return nil, err
	}
	times := make([][]int64, runs+1) // and one to warm up
	for i := range times {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		times[i] = make([]int64, len(in.plan.steps))
		in.place([]piece{{&s.req, stream * k.images, k.images}})
		if err := in.execute(times[i]); err != nil {
			return nil, fmt.Errorf("infer: %s: %w", p.graph.Name, err)
		}
	}
	return times[1:], nil
}

// layerTimes adds up the steps of each layer.
func (p *Predictor) layerTimes(pl *plan, in []graph.Shape, times [][]int64) ([]LayerTime, error) {
	shapes, err := graph.InferShapes(p.body.graph, in)
	if err != nil {
		return nil, err
	}
	layers := map[string]*graph.Layer{}
	for _, l := range p.body.graph.Layers {
		layers[l.Name] = l
	}
	var order []string
	steps := map[string][]int{}
	for i, s := range pl.steps {
		if steps[s.layer] == nil {
			order = append(order, s.layer)
		}
		steps[s.layer] = append(steps[s.layer], i)
	}
	var list []LayerTime
	for _, name := range order {
		long := slices.MaxFunc(steps[name], func(a, b int) int {
			return int(medianTime(times, []int{a}) - medianTime(times, []int{b}))
		})
		s := pl.steps[long]
		t := LayerTime{Layer: name, Kind: s.kind, Kernel: s.kernel().Impl,
			Steps: len(steps[name]), Time: medianTime(times, steps[name])}
		if s.prim != nil {
			t.Problem = s.prim.String()
		}
		if l := layers[name]; l != nil { // nil for the copy of a result
			t.Out, t.MACs = shapes[l.Out[0]], graph.LayerMACs(l, shapes)
		}
		list = append(list, t)
	}
	return list, nil
}

// medianTime returns the median over the runs of the sum of some steps.
func medianTime(times [][]int64, steps []int) time.Duration {
	sums := make([]int64, len(times))
	for r, ns := range times {
		for _, i := range steps {
			sums[r] += ns[i]
		}
	}
	slices.Sort(sums)
	n := len(sums)
	return time.Duration(sums[(n-1)/2]+sums[n/2]) / 2
}
