package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/infer"
	"github.com/octet-dnn/octet/model"
)

const (
	// pricerRounds is how often, at least, each of two networks is profiled, in
	// turns, pricerTime how long, and pricerRuns how often it runs each time.
	pricerRounds = 5
	pricerTime   = 400 * time.Millisecond
	pricerRuns   = 3
	// pricerImages is how many pictures a stream computes at once.
	pricerImages = 4
)

// A Pricer measures networks beside one of which they are variations. It must be closed.
type Pricer struct {
	base *infer.Predictor
	in   []*model.Tensor
}

// NewPricer compiles the base. Its inputs must leave open nothing but the batch.
func NewPricer(base *graph.Graph) (*Pricer, error) {
	p := &Pricer{}
	var err error
	if p.base, err = infer.Compile(base, infer.Options{MicroBatch: pricerImages}); err != nil {
		return nil, err
	}
	if p.in, err = Inputs(p.base.Inputs(), pricerImages*infer.CPULimit()); err != nil {
		return nil, errors.Join(err, p.base.Close())
	}
	return p, nil
}

// Close frees the base.
func (p *Pricer) Close() error { return p.base.Close() }

// A Cost is what a network takes for a picture, in one stream while all others run too.
type Cost struct {
	Base      time.Duration // of the base
	Extra     time.Duration // what the other network takes beyond it
	OtherLoad float64       // see Row
}

// Price measures g beside the base. Both are profiled in turns; times are medians. Only
// layers that g computes otherwise than the base count, by other kernels or for
// other shapes: what is the same takes the same, and its noise would hide small differences. What it
// took says how fast the machine was meanwhile.
func (p *Pricer) Price(ctx context.Context, g *graph.Graph) (c Cost, err error) {
	other, err := infer.Compile(g, infer.Options{MicroBatch: pricerImages})
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, other.Close()) }()
	var profiles [2][]*infer.Profile
	load, start := StartLoad(), time.Now()
	for r := 0; r < pricerRounds || time.Since(start) < pricerTime; r++ {
		for i, net := range []*infer.Predictor{p.base, other} {
			one, err := net.Profile(ctx, p.in, pricerRuns)
			if err != nil {
				return c, fmt.Errorf("bench %s: %w", g.Name, err)
			}
			profiles[i] = append(profiles[i], one)
		}
	}
	c.OtherLoad = load.Stop()
	n := time.Duration(profiles[0][0].Images)
	for _, t := range medianTimes(profiles[0]) {
		c.Base += t / n
	}
	c.Extra = difference(profiles[0], profiles[1]) / n
	return c, nil
}

// A work is what a layer does, by which equal layers of two networks are found.
type work struct {
	layer, kind, kernel, problem string
	steps                        int
}

func workOf(l infer.LayerTime) work { return work{l.Layer, l.Kind, l.Kernel, l.Problem, l.Steps} }

// difference returns how much longer b takes than a for what they do not have in
// common, at the speed at which a did what they have in common.
func difference(a, b []*infer.Profile) time.Duration {
	var works [2]map[work]bool
	for i, p := range [][]*infer.Profile{a, b} {
		works[i] = map[work]bool{}
		for _, l := range p[0].Layers {
			works[i][workOf(l)] = true
		}
	}
	var common, own [2]float64
	for i, p := range [][]*infer.Profile{a, b} {
		for k, t := range medianTimes(p) {
			if works[1-i][workOf(p[0].Layers[k])] {
				common[i] += float64(t)
			} else {
				own[i] += float64(t)
			}
		}
	}
	speed := 1.0
	if common[1] > 0 {
		speed = common[0] / common[1]
	}
	return time.Duration(own[1]*speed - own[0])
}

// medianTimes returns the median time of each layer.
func medianTimes(profiles []*infer.Profile) []time.Duration {
	times := make([]time.Duration, len(profiles[0].Layers))
	for k := range times {
		var all []time.Duration
		for _, p := range profiles {
			all = append(all, p.Layers[k].Time)
		}
		slices.Sort(all)
		times[k] = all[len(all)/2]
	}
	return times
}
