package calibrate

import (
	"context"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// A Runner runs an FP32 graph and shows some of its values. infer.NewRunner
// makes one; a Calibrator calls it from one goroutine at a time.
type Runner interface {
	// Run executes one batch and returns the fetches in order. For each watched
	// value it calls observe with the f32 elements of the batch, at once or in
	// parts, in any order. Calls come one at a time, and data is valid only
	// during the call. An error from observe ends the run and is returned.
	Run(ctx context.Context, in []*model.Tensor, observe func(name string, data []float32) error) ([]*model.Tensor, error)
	Close() error
}

// A NewRunner makes a Runner for g that shows the values named in watch.
type NewRunner func(g *graph.Graph, watch []string) (Runner, error)
