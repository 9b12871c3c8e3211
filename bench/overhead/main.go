// Overhead measures what a run of one picture costs beyond the primitives of
// oneDNN that it consists of, and fails where that is more than Octet promises:
// 1 % for ResNet-50, 2 % for MobileNet-V1, and no allocation.
//
// The primitives alone are the same plan in the same memory on the same OS
// thread, executed on end by one call into C. A few runs and as many of the
// primitives alone take turns, since the CPUs of a virtual machine are not equally fast from
// one second to the next, and each turn is compared with its neighbour: the
// median of the ratios counts. The first of each turn does not: it follows the other kind, and after a long
// call into C Go's runtime keeps a CPU busy for milliseconds. Both ways through
// Octet are measured: a one-thread stream and the many-thread plan of small
// requests.
package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/octet-dnn/octet/bench"
	"github.com/octet-dnn/octet/bench/gate"
	"github.com/octet-dnn/octet/bench/nets"
	"github.com/octet-dnn/octet/infer"
	"github.com/octet-dnn/octet/model"
)

// A promise is the overhead allowed, in percent.
type promise struct {
	name  string
	build func(seed uint64) *model.Model
	most  float64
}

var promises = []promise{{"resnet50", nets.ResNet50, 1}, {"mobilenet_v1", nets.MobileNetV1, 2}}

const (
	// turnTime is for how long turns are measured. The quartiles of their ratios
	// are up to 5 % apart, so that 150 are needed to tell half a percent.
	turnTime = 12 * time.Second
	// turnRuns is how many runs are a turn, with the first.
	turnRuns = 4
)

func main() { gate.Main("overhead", run) }

func run(ctx context.Context, g *gate.Gate) error {
	for _, p := range promises {
		q, err := bench.Quantize(ctx, p.build(1))
		if err != nil {
			return err
		}
		for _, mode := range []infer.Mode{infer.Throughput, infer.Latency} {
			if err := p.check(ctx, g, q, mode); err != nil {
				return fmt.Errorf("%s, %v: %w", p.name, mode, err)
			}
		}
	}
	return nil
}

func (p promise) check(ctx context.Context, g *gate.Gate, m *model.Model, mode infer.Mode) (err error) {
	net, err := infer.NewPredictor(m, infer.Options{Mode: mode})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, net.Close()) }()
	in, err := bench.Inputs(net.Inputs(), 1)
	if err != nil {
		return err
	}
	out, err := net.Run(ctx, in)
	if err != nil {
		return err
	}
	c := comparison{net: net, in: in, out: out}
	if err := c.measure(ctx); err != nil {
		return err
	}
	what := fmt.Sprintf("%s INT8, %v: ", p.name, mode)
	g.AtMost(what+"overhead", bench.Spread(c.over).Median, p.most, " %", fmt.Sprintf("quartiles %.2f and %.2f, %d turns, primitives %.0f µs, handing over and back %.1f µs",
		bench.Quantile(c.over, 0.25), bench.Quantile(c.over, 0.75), len(c.over), bench.Spread(c.bare).Median, bench.Spread(c.hand).Median))
	g.AtMost(what+"allocations", c.allocs, 0, "", "")
	return nil
}

// A comparison holds what turns took.
type comparison struct {
	net     *infer.Predictor
	in, out []*model.Tensor
	over    []float64 // runs beyond the primitives of the same turn, in percent of these
	bare    []float64 // the primitives alone, in microseconds
	hand    []float64 // a call beyond its own primitives, in microseconds
	allocs  float64   // a run
}

func (c *comparison) measure(ctx context.Context) error {
	const warm = 2
	for i, start := 0, time.Now(); i < warm || time.Since(start) < turnTime; i++ {
		if i == warm {
			c.over, c.bare, c.hand = nil, nil, nil
		}
		if err := c.turn(ctx); err != nil {
			return err
		}
	}
	return c.count(ctx)
}

// count sets allocs.
func (c *comparison) count(ctx context.Context) error {
	const runs = 200
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range runs {
		if err := c.net.RunInto(ctx, c.in, c.out); err != nil {
			return err
		}
	}
	runtime.ReadMemStats(&after)
	c.allocs = float64((after.Mallocs - before.Mallocs) / runs) // whole ones, as testing.AllocsPerRun
	return nil
}

func (c *comparison) turn(ctx context.Context) error {
	var whole time.Duration
	for i := range turnRuns {
		start := time.Now()
		if err := c.net.RunInto(ctx, c.in, c.out); err != nil {
			return err
		}
		if i > 0 {
			whole += time.Since(start)
		}
	}
	var each [turnRuns]time.Duration
	start := time.Now()
	if err := c.net.Bare(ctx, c.in, c.out, each[:]); err != nil {
		return err
	}
	hand, alone := time.Since(start)-each[0], time.Duration(0)
	for _, t := range each[1:] {
		alone += t
	}
	hand -= alone
	c.over = append(c.over, 100*float64(whole-alone)/float64(alone))
	c.bare = append(c.bare, micros(alone)/(turnRuns-1))
	c.hand = append(c.hand, micros(hand))
	return nil
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
