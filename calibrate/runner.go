package calibrate

import (
	"context"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// A Runner runs an FP32 graph and shows some of its values. infer.NewRunner
// makes one; a Calibrator calls it from one goroutine at a time.
type Runner interface {
	// Run executes one batch and returns the fetches in order. It calls observe
	// once for each watched value of each image, in any order; where layers mix
	// the images of a batch, once for the value of the whole batch. Calls may
	// come at the same time, and the data is valid only during the call. An error from
	// observe ends the run and is returned. What an image gives must not depend
	// on the size of its batch.
	Run(ctx context.Context, in []*model.Tensor, observe func(Activation) error) ([]*model.Tensor, error)
	Close() error
}

// An Activation is a watched value of one image.
type Activation struct {
	Name  string
	Image int   // in the batch, from 0, or AllImages
	Dims  []int // of what is shown
	// ChannelsLast says that Data, of four dims, lies in the order NHWC; all else is row-major.
	ChannelsLast bool
	Data         []float32
}

// AllImages is the Image of an Activation that shows all images of the batch.
const AllImages = -1

// A NewRunner makes a Runner for g that shows the values named in watch.
type NewRunner func(g *graph.Graph, watch []string) (Runner, error)
