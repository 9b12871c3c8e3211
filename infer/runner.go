package infer

import (
	"context"

	"github.com/octet-dnn/octet/calibrate"
	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// runner shows a calibrator the values inside a network.
type runner struct{ p *Predictor }

// NewRunner runs g for calibration: see [calibrate.Runner]. Its plans take one image
// at a time, so that what it gives does not depend on the batch, and stop after each
// layer that makes a watched value to show it; the streams work in parallel.
func NewRunner(g *graph.Graph, watch []string) (calibrate.Runner, error) {
	p, err := Compile(g, Options{MicroBatch: 1, Threads: 1, watch: watch})
	if err != nil {
		return nil, err
	}
	return &runner{p}, nil
}

// Run executes one batch and shows its watched values.
func (r *runner) Run(ctx context.Context, in []*model.Tensor, observe func(calibrate.Activation) error) ([]*model.Tensor, error) {
	g, err := r.p.geometry(in)
	if err != nil {
		return nil, err
	}
	out := g.newOutputs()
	return out, r.p.runWith(ctx, g, in, out, extras{observe: observe})
}

// Close frees the runner.
func (r *runner) Close() error { return r.p.Close() }
