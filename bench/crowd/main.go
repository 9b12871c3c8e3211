// Crowd lets 64 goroutines ask one predictor for a picture each, again and
// again, and fails where Octet promises more: the throughput of a single caller
// with large batches but for 3 %, 99 of 100 answers within twice the time that
// is a caller's fair share, and no OS threads for callers.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/octet-dnn/octet/bench"
	"github.com/octet-dnn/octet/bench/gate"
	"github.com/octet-dnn/octet/bench/nets"
	"github.com/octet-dnn/octet/infer"
	"github.com/octet-dnn/octet/model"
)

const (
	callers = 64
	rounds  = 10
	// The single caller asks for so many pictures at once, for so long.
	batch = 256
	turn  = time.Second
)

var networks = []struct {
	name  string
	build func(seed uint64) *model.Model
	turns int // pictures that a caller asks for in a round: more than a second's work for all
}{
	{"resnet50", nets.ResNet50, 4},
	{"mobilenet_v1", nets.MobileNetV1, 16},
}

func main() { gate.Main("crowd", run) }

func run(ctx context.Context, g *gate.Gate) error {
	for _, n := range networks {
		if err := check(ctx, g, n.name, n.build(1), n.turns); err != nil {
			return fmt.Errorf("%s: %w", n.name, err)
		}
	}
	return nil
}

func check(ctx context.Context, g *gate.Gate, name string, m *model.Model, turns int) (err error) {
	net, _, err := bench.INT8(ctx, m, infer.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, net.Close()) }()
	in, err := bench.Inputs(net.Inputs(), batch)
	if err != nil {
		return err
	}
	single, err := bench.NewProbe(ctx, net, in)
	if err != nil {
		return err
	}
	c, err := newCrowd(ctx, net)
	if err != nil {
		return err
	}
	alone, err := osThreads()
	if err != nil {
		return err
	}
	if _, err := c.round(ctx, 1); err != nil { // the Go runtime starts what threads it wants
		return err
	}
	before, err := osThreads()
	if err != nil {
		return err
	}
	c.took = nil
	s, err := compare(ctx, single, c, turns)
	if err != nil {
		return err
	}
	after, err := osThreads()
	if err != nil {
		return err
	}
	g.AtLeast(name+" INT8: throughput of one caller", s.share.Median, 97, " %",
		fmt.Sprintf("from %.1f to %.1f in %d rounds; %.1f img/s", s.share.Min, s.share.Max, rounds, s.rate.Median))
	g.AtMost(name+" INT8: 99th percentile of fair share", s.late, 2, "",
		fmt.Sprintf("%d answers, the median took %.2f of it, %.0f ms", len(c.took), s.half, 1000*callers/s.rate.Median))
	g.AtMost(name+" INT8: more OS threads", float64(after-before), 0, "",
		fmt.Sprintf("%d with one caller, %d with %d", alone, after, callers))
	return nil
}

type result struct {
	share, rate bench.Stat // of the single caller's throughput in percent; images a second
	half, late  float64    // median and 99th percentile of the answers' times, in fair shares
}

// compare lets the crowd and the single caller take turns. Each round of the
// crowd is compared with the single caller before and after it.
func compare(ctx context.Context, single *bench.Probe, c *crowd, turns int) (r result, err error) {
	var shares, rates []float64
	before, err := single.Window(ctx, turn)
	for range rounds {
		if err != nil {
			return r, err
		}
		rate, err := c.round(ctx, turns)
		if err != nil {
			return r, err
		}
		after, err := single.Window(ctx, turn)
		if err != nil {
			return r, err
		}
		shares, rates, before = append(shares, 100*rate/((before+after)/2)), append(rates, rate), after
	}
	return result{bench.Spread(shares), bench.Spread(rates), bench.Quantile(c.took, 0.5), bench.Quantile(c.took, 0.99)}, nil
}

// A crowd is many callers of one predictor.
type crowd struct {
	net     *infer.Predictor
	in, out [callers][]*model.Tensor
	took    []float64 // of every answer so far, as a share of 64 / throughput of its round
}

func newCrowd(ctx context.Context, net *infer.Predictor) (*crowd, error) {
	c := &crowd{net: net}
	var err error
	for i := range callers {
		if c.in[i], err = bench.Inputs(net.Inputs(), 1); err != nil {
			return nil, err
		}
		if c.out[i], err = net.Run(ctx, c.in[i]); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// round lets every caller ask so many times, all at once, and returns pictures
// a second from the first question to the last answer.
func (c *crowd) round(ctx context.Context, turns int) (float64, error) {
	took, errs := make([]time.Duration, callers*turns), make([]error, callers)
	start := time.Now()
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() {
			for t := range turns {
				asked := time.Now()
				if errs[i] = c.net.RunInto(ctx, c.in[i], c.out[i]); errs[i] != nil {
					return
				}
				took[i*turns+t] = time.Since(asked)
			}
		})
	}
	all.Wait()
	rate := float64(len(took)) / time.Since(start).Seconds()
	for _, d := range took {
		c.took = append(c.took, d.Seconds()*rate/callers)
	}
	return rate, errors.Join(errs...)
}

// osThreads returns how many OS threads this process has.
func osThreads() (int, error) {
	tasks, err := os.ReadDir("/proc/self/task")
	return len(tasks), err
}
