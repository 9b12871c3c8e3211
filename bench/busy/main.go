// Busy measures Octet beside a process that keeps one CPU busy at the same
// priority, and fails where it falls behind what is promised there: the 99th
// percentile of the latency of single pictures within three times what one
// thread needs on the quiet machine, and 60 % of the quiet machine's
// throughput. make hog measures the peers beside it.
package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/octet-dnn/octet/bench"
	"github.com/octet-dnn/octet/bench/gate"
	"github.com/octet-dnn/octet/bench/hog"
	"github.com/octet-dnn/octet/bench/nets"
	"github.com/octet-dnn/octet/infer"
	"github.com/octet-dnn/octet/model"
)

const (
	wantedLatency    = 3  // times that of one thread on the quiet machine
	wantedThroughput = 60 // percent of the quiet machine's
	batch            = 64
	// settle is how long runs do not count after the hog has come or gone: a
	// predictor needs one slow run to notice. make hog leaves out as much.
	settle = 300 * time.Millisecond
	// Each round has windows without and with the hog: CPUs of a virtual machine
	// are not equally fast from one second to the next.
	rounds       = 6
	quietTime    = 500 * time.Millisecond
	besideTime   = 1500 * time.Millisecond
	wideTime     = 700 * time.Millisecond
	leastSamples = 200 // for a 99th percentile
)

var networks = []struct {
	name  string
	build func(seed uint64) *model.Model
}{{"resnet50", nets.ResNet50}, {"mobilenet_v1", nets.MobileNetV1}}

func main() {
	hog.Serve()
	runtime.LockOSThread() // the hog dies with the thread that started it
	gate.Main("busy", run)
}

func run(ctx context.Context, g *gate.Gate) error {
	for _, n := range networks {
		if err := check(ctx, g, n.name, n.build(1)); err != nil {
			return fmt.Errorf("%s: %w", n.name, err)
		}
	}
	return nil
}

func check(ctx context.Context, g *gate.Gate, name string, m *model.Model) (err error) {
	c := comparison{}
	for _, o := range []infer.Options{{Streams: 1, Threads: 1}, {}} {
		net, _, err := bench.INT8(ctx, m, o)
		if err != nil {
			return errors.Join(err, c.close())
		}
		c.nets = append(c.nets, net)
	}
	defer func() { err = errors.Join(err, c.close()) }()
	if err := c.measure(ctx); err != nil {
		return err
	}
	if len(c.late) < leastSamples {
		return fmt.Errorf("only %d single pictures beside the hog, want %d", len(c.late), leastSamples)
	}
	single, p99 := bench.Quantile(c.single, 0.5), bench.Quantile(c.late, 0.99)
	g.AtMost(name+" INT8: p99 of one thread's latency", p99/single, wantedLatency, "",
		fmt.Sprintf("one thread p50 %.1f, p99 %.1f ms; quiet p50 %.1f, p99 %.1f; beside the hog p50 %.1f, p99 %.1f, worst %.1f", 1e3*single,
			1e3*bench.Quantile(c.single, 0.99), 1e3*bench.Quantile(c.calm, 0.5), 1e3*bench.Quantile(c.calm, 0.99), 1e3*bench.Quantile(c.late, 0.5), 1e3*p99, 1e3*bench.Quantile(c.late, 1)))
	share := bench.Spread(c.share)
	g.AtLeast(name+" INT8: throughput of quiet", share.Median, wantedThroughput, " %",
		fmt.Sprintf("from %.0f to %.0f in %d rounds", share.Min, share.Max, rounds))
	return nil
}

// A comparison holds what was measured without and with the hog.
type comparison struct {
	nets               []*infer.Predictor // with one thread, and as it comes
	single, calm, late []float64          // seconds of single pictures: one thread, quiet, beside the hog
	share              []float64          // throughput beside the hog, in percent of that before it
}

func (c *comparison) close() (err error) {
	for _, net := range c.nets {
		err = errors.Join(err, net.Close())
	}
	return err
}

func (c *comparison) measure(ctx context.Context) (err error) {
	in, err := bench.Inputs(c.nets[1].Inputs(), batch)
	if err != nil {
		return err
	}
	many, err := bench.NewProbe(ctx, c.nets[1], in)
	if err != nil {
		return err
	}
	busy, err := hog.Start(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, busy.End()) }()
	for range rounds {
		if err := busy.Pause(); err != nil {
			return err
		}
		quiet, err := c.window(ctx, many, &c.calm, quietTime)
		if err != nil {
			return err
		}
		one, err := latencies(ctx, c.nets[0], quietTime)
		if err != nil {
			return err
		}
		c.single = append(c.single, one...)
		if err := busy.Resume(); err != nil {
			return err
		}
		rate, err := c.window(ctx, many, &c.late, besideTime)
		if err != nil {
			return err
		}
		c.share = append(c.share, 100*rate/quiet)
	}
	return nil
}

// window adds to took what single pictures take, and returns images a second of
// large batches.
func (c *comparison) window(ctx context.Context, many *bench.Probe, took *[]float64, d time.Duration) (rate float64, err error) {
	if _, err := latencies(ctx, c.nets[1], settle); err != nil {
		return 0, err
	}
	some, err := latencies(ctx, c.nets[1], d)
	if err != nil {
		return 0, err
	}
	*took = append(*took, some...)
	return many.Window(ctx, wideTime)
}

// latencies runs a single picture again and again for d and returns what each
// run took, in seconds.
func latencies(ctx context.Context, net *infer.Predictor, d time.Duration) ([]float64, error) {
	in, err := bench.Inputs(net.Inputs(), 1)
	if err != nil {
		return nil, err
	}
	out, err := net.Run(ctx, in)
	if err != nil {
		return nil, err
	}
	var all []float64
	for start := time.Now(); time.Since(start) < d; {
		asked := time.Now()
		if err := net.RunInto(ctx, in, out); err != nil {
			return nil, err
		}
		all = append(all, time.Since(asked).Seconds())
	}
	return all, nil
}
