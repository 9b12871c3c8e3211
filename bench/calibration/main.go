// Calibration measures what a calibration costs, and fails where that is more than
// Octet promises: 50 batches take 1.3 times what FP32 inference of the same
// batches takes, all thresholds of ResNet-50 by KL are chosen within a second,
// and the memory after 5000 pictures is that after 50.
//
// A calibration is what octet calibrate does with pictures that are decoded: Sample for each batch, in
// which those that refinement looks at are kept, and the table by KL at
// the end. Refinement itself, which runs some pictures again, is not in it.
// Batches are calibrated and inferred in turns, in one process, so that both meet
// the same machine. The networks and pictures are the real ones where OCTET_SHARED
// or ../shared has them, otherwise networks with seeded weights and noise.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/octet-dnn/octet/bench"
	"github.com/octet-dnn/octet/bench/gate"
	"github.com/octet-dnn/octet/calibrate"
	"github.com/octet-dnn/octet/infer"
)

// What is promised.
const (
	mostCost   = 1.3 // of FP32 inference
	mostSearch = 1.0 // seconds
	mostGrowth = 5.0 // percent
)

const (
	batches    = 50
	batchSize  = 8
	searches   = 5 // the median counts
	fewImages  = 50
	manyImages = 5000
)

func main() {
	child := flag.Bool("memory", false, "calibrate and print the memory as JSON (for the program itself)")
	flag.Parse()
	if !*child {
		gate.Main("calibration", run)
		return
	}
	if err := memoryOf(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, g *gate.Gate) error {
	for _, n := range []string{resnet, mobilenet} {
		s, err := load(ctx, n, batches*batchSize)
		if err != nil {
			return fmt.Errorf("%s: %w", n, err)
		}
		if err := s.check(ctx, g); err != nil {
			return fmt.Errorf("%s: %w", n, err)
		}
	}
	return checkMemory(ctx, g)
}

// check measures the calibration of one network.
func (s *subject) check(ctx context.Context, g *gate.Gate) (err error) {
	net, err := infer.NewPredictor(s.model, infer.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, net.Close()) }()
	c, err := calibrate.New(s.model, calibrate.Options{Algorithm: calibrate.KL, Runner: infer.NewRunner, Refine: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	sampling, inference, err := s.interleave(ctx, c, net)
	if err != nil {
		return err
	}
	start := time.Now()
	t, err := c.Table()
	if err != nil {
		return err
	}
	choosing := time.Since(start)
	g.AtMost(s.name+": cost", (sampling+choosing).Seconds()/inference.Seconds(), mostCost, " of FP32 inference",
		fmt.Sprintf("%d batches of %d %s: inference %.1f s, sampling %.1f s, thresholds %.2f s",
			len(s.batches), batchSize, s.kind, inference.Seconds(), sampling.Seconds(), choosing.Seconds()))
	if s.name != resnet {
		return nil
	}
	var took []float64
	for range searches {
		start := time.Now()
		if _, err := t.Rethreshold(calibrate.KL); err != nil {
			return err
		}
		took = append(took, time.Since(start).Seconds())
	}
	search := bench.Spread(took)
	g.AtMost(s.name+": all thresholds by KL", search.Median, mostSearch, " s",
		fmt.Sprintf("%d tensors, %.2f to %.2f", len(t.Entries), search.Min, search.Max))
	return nil
}

// interleave samples and infers every batch, the one first and then the other.
func (s *subject) interleave(ctx context.Context, c *calibrate.Calibrator, net *infer.Predictor) (sampling, inference time.Duration, err error) {
	for i, in := range s.batches {
		for turn := range 2 {
			start := time.Now()
			if turn == i%2 {
				_, err = c.Sample(ctx, in)
				sampling += time.Since(start)
			} else {
				_, err = net.Run(ctx, in)
				inference += time.Since(start)
			}
			if err != nil {
				return 0, 0, err
			}
		}
	}
	return sampling, inference, nil
}
