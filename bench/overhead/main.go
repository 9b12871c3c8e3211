// Overhead measures what a run of one picture costs beyond the primitives of
// oneDNN that it consists of, and fails where that is more than Octet promises:
// 1 % for ResNet-50, 2 % for MobileNet-V1, and no allocation.
//
// The primitives alone are the same plan in the same memory on the same OS
// thread, executed twice on end, of which the second counts. Runs of both kinds
// alternate, and each is compared with its neighbour: the CPUs of a virtual
// machine are not equally fast from one moment to the next. Both ways through
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

// pairTime is for how long pairs of runs are measured.
const pairTime = 5 * time.Second

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
	over := bench.Spread(c.over)
	g.AtMost(what+"overhead", over.Median, p.most, " %", fmt.Sprintf("%d runs, primitives %.0f µs, handing over and back %.1f µs",
		len(c.over), bench.Spread(c.bare).Median, bench.Spread(c.hand).Median))
	g.AtMost(what+"allocations", c.allocs, 0, "", "")
	return nil
}

// A comparison holds what pairs of runs took.
type comparison struct {
	net     *infer.Predictor
	in, out []*model.Tensor
	over    []float64 // a run beyond the primitives of its neighbour, in percent of these
	bare    []float64 // the primitives alone, in microseconds
	hand    []float64 // a run beyond its own primitives, in microseconds
	allocs  float64   // a run
}

func (c *comparison) measure(ctx context.Context) error {
	const warm = 5
	var before, after runtime.MemStats
	for i, start := 0, time.Now(); i < warm || time.Since(start) < pairTime; i++ {
		if i == warm {
			c.over, c.bare, c.hand = nil, nil, nil
		}
		if err := c.pair(ctx); err != nil {
			return err
		}
	}
	runs := len(c.over)
	runtime.ReadMemStats(&before)
	for range runs {
		if err := c.net.RunInto(ctx, c.in, c.out); err != nil {
			return err
		}
	}
	runtime.ReadMemStats(&after)
	c.allocs = float64((after.Mallocs - before.Mallocs) / uint64(runs)) // whole ones, as testing.AllocsPerRun
	return nil
}

func (c *comparison) pair(ctx context.Context) error {
	start := time.Now()
	if err := c.net.RunInto(ctx, c.in, c.out); err != nil {
		return err
	}
	whole := time.Since(start)
	var alone [2]time.Duration
	start = time.Now()
	if err := c.net.Bare(ctx, c.in, c.out, alone[:]); err != nil {
		return err
	}
	hand := time.Since(start) - alone[0] - alone[1]
	c.over = append(c.over, 100*float64(whole-alone[1])/float64(alone[1]))
	c.bare = append(c.bare, micros(alone[1]))
	c.hand = append(c.hand, micros(hand))
	return nil
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
