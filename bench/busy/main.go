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
	// settle is how long runs do not count after the hog has come: a predictor
	// needs one slow run to notice. make hog leaves out as much.
	settle       = 300 * time.Millisecond
	quietTime    = 3 * time.Second
	besideTime   = 8 * time.Second
	wideBeside   = 4 * time.Second
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
	one, _, err := bench.INT8(ctx, m, infer.Options{Streams: 1, Threads: 1})
	if err != nil {
		return err
	}
	alone, err := latencies(ctx, one, quietTime)
	if err := errors.Join(err, one.Close()); err != nil {
		return err
	}
	net, _, err := bench.INT8(ctx, m, infer.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, net.Close()) }()
	calm, err := latencies(ctx, net, quietTime)
	if err != nil {
		return err
	}
	in, err := bench.Inputs(net.Inputs(), batch)
	if err != nil {
		return err
	}
	many, err := bench.NewProbe(ctx, net, in)
	if err != nil {
		return err
	}
	quiet, err := many.Window(ctx, quietTime)
	if err != nil {
		return err
	}
	late, rate, err := beside(ctx, net, many)
	if err != nil {
		return err
	}
	if len(late) < leastSamples {
		return fmt.Errorf("only %d runs in %v beside the hog", len(late), besideTime)
	}
	single, p99 := bench.Quantile(alone, 0.5), bench.Quantile(late, 0.99)
	g.AtMost(name+" INT8: p99 of one thread's latency", p99/single, wantedLatency, "",
		fmt.Sprintf("one thread %.1f ms; quiet p50 %.1f, p99 %.1f ms; beside the hog p50 %.1f, p99 %.1f ms, worst %.1f",
			1e3*single, 1e3*bench.Quantile(calm, 0.5), 1e3*bench.Quantile(calm, 0.99), 1e3*bench.Quantile(late, 0.5), 1e3*p99, 1e3*bench.Quantile(late, 1)))
	g.AtLeast(name+" INT8: throughput of quiet", 100*rate/quiet, wantedThroughput, " %",
		fmt.Sprintf("%.1f -> %.1f img/s", quiet, rate))
	return nil
}

// beside measures beside a hog: what single pictures take, in seconds, and
// images a second of large batches.
func beside(ctx context.Context, net *infer.Predictor, many *bench.Probe) (late []float64, rate float64, err error) {
	busy, err := hog.Start(ctx)
	if err != nil {
		return nil, 0, err
	}
	defer func() { err = errors.Join(err, busy.End()) }()
	if _, err = latencies(ctx, net, settle); err != nil {
		return nil, 0, err
	}
	if late, err = latencies(ctx, net, besideTime); err != nil {
		return nil, 0, err
	}
	rate, err = many.Window(ctx, wideBeside)
	return late, rate, err
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
