// Modes measures small batches in each of infer's modes, in turns, and fails
// where Auto, which chooses for every request, is slower than the better of the
// two fixed ones by more than measuring alone explains.
package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/octet-dnn/octet/bench"
	"github.com/octet-dnn/octet/bench/gate"
	"github.com/octet-dnn/octet/bench/nets"
	"github.com/octet-dnn/octet/infer"
	"github.com/octet-dnn/octet/model"
)

const (
	largest = 8
	rounds  = 9
	window  = 60 * time.Millisecond
	warm    = 200 * time.Millisecond
	// settle does not count at the start of a window: threads of OpenMP spin for
	// some 15 ms after their last work, and take CPUs from whoever is next.
	settle = 40 * time.Millisecond
	// wanted allows for what medians of the same thing differ by.
	wanted = 95 // percent of the better mode
)

var modes = []infer.Mode{infer.Auto, infer.Throughput, infer.Latency}

var networks = []struct {
	name  string
	build func(seed uint64) *model.Model
}{{"resnet50", nets.ResNet50}, {"mobilenet_v1", nets.MobileNetV1}}

func main() { gate.Main("modes", run) }

func run(ctx context.Context, g *gate.Gate) error {
	for _, n := range networks {
		if err := check(ctx, g, n.name, n.build(1)); err != nil {
			return fmt.Errorf("%s: %w", n.name, err)
		}
	}
	return nil
}

func check(ctx context.Context, g *gate.Gate, name string, m *model.Model) (err error) {
	q, err := bench.Quantize(ctx, m)
	if err != nil {
		return err
	}
	var all []*infer.Predictor
	defer func() {
		for _, net := range all {
			err = errors.Join(err, net.Close())
		}
	}()
	for _, mode := range modes {
		net, err := infer.NewPredictor(q, infer.Options{Mode: mode})
		if err != nil {
			return err
		}
		all = append(all, net)
	}
	g.Printf("%s INT8, images a second\n  | batch |", name)
	for _, mode := range modes {
		g.Printf(" %v |", mode)
	}
	g.Printf(" auto of the better |\n")
	worst, at := math.Inf(1), 0
	for batch := 1; batch <= largest; batch++ {
		rates, share, err := compare(ctx, all, batch)
		if err != nil {
			return err
		}
		g.Printf("  | %d | %.1f | %.1f | %.1f | %.0f %% |\n", batch, rates[0], rates[1], rates[2], share)
		if share < worst {
			worst, at = share, batch
		}
	}
	g.AtLeast(name+" INT8: auto of the better mode", worst, wanted, " %", fmt.Sprintf("batch %d", at))
	return nil
}

// compare returns the images a second of each predictor at a batch size, and
// what the first reaches of the better of the others, in percent. Windows are
// compared with those of the same round: CPUs of a virtual machine are not
// equally fast from one second to the next.
func compare(ctx context.Context, all []*infer.Predictor, batch int) (rates []float64, share float64, err error) {
	in, err := bench.Inputs(all[0].Inputs(), batch)
	if err != nil {
		return nil, 0, err
	}
	probes, seen := make([]*bench.Probe, len(all)), make([][]float64, len(all))
	for i, net := range all {
		if probes[i], err = bench.NewProbe(ctx, net, in); err != nil {
			return nil, 0, err
		}
		if _, err = probes[i].Window(ctx, warm); err != nil { // Auto tries both ways
			return nil, 0, err
		}
	}
	for range rounds {
		for i, p := range probes {
			if _, err := p.Window(ctx, settle); err != nil {
				return nil, 0, err
			}
			rate, err := p.Window(ctx, window)
			if err != nil {
				return nil, 0, err
			}
			seen[i] = append(seen[i], rate)
		}
	}
	share = math.Inf(1)
	for i, s := range seen {
		rates = append(rates, bench.Spread(s).Median)
		ratios := make([]float64, rounds)
		for r := range ratios {
			ratios[r] = 100 * seen[0][r] / s[r]
		}
		if i > 0 {
			share = min(share, bench.Spread(ratios).Median)
		}
	}
	return rates, share, nil
}
