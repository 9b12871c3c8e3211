package calibrate

import (
	"errors"
	"fmt"
)

// Sentinels for what callers branch on.
var (
	// ErrNotFinite: an activation or a weight is NaN or infinite.
	ErrNotFinite = errors.New("not finite")
	// ErrNoSamples: a table was asked for before any batch was sampled.
	ErrNoSamples = errors.New("no samples")
	// ErrClosed: the Calibrator has been closed.
	ErrClosed = errors.New("calibrator is closed")
	// ErrOptions: options contradict each other or name something unknown.
	ErrOptions = errors.New("bad options")
	// ErrRunner: the Runner broke its contract.
	ErrRunner = errors.New("runner broke its contract")
	// ErrNoStatistics: a table holds thresholds only, so that neither can others
	// be chosen from it nor tables be merged.
	ErrNoStatistics = errors.New("calibration table without statistics")
	// ErrNoProbes: Auto or Refine lacks the samples that it measures with, see Calibrator.Offer.
	ErrNoProbes = errors.New("samples to measure with are missing")
	// ErrMismatch: two things to be merged were made for different ends.
	ErrMismatch = errors.New("do not belong together")

	// ErrTable: the text is not a calibration table.
	ErrTable = errors.New("malformed calibration table")
	// ErrTruncated: the table ends before its end line.
	ErrTruncated = errors.New("truncated calibration table")
	// ErrOtherModel: the table was made from another model.
	ErrOtherModel = errors.New("calibration table of another model")
	// ErrUnknownTensor: the table names a tensor that the graph does not have.
	ErrUnknownTensor = errors.New("unknown tensor")
	// ErrMissingTensor: the table lacks a tensor that has to be quantised.
	ErrMissingTensor = errors.New("tensor missing from the calibration table")
)

// A NotFiniteError says where a NaN or an infinity was found.
// errors.Is(err, ErrNotFinite) holds.
type NotFiniteError struct {
	Tensor string // "" while the observer does not know it
	Layer  string // kind and name of the layer that computed it, "" for an input of the network
	Sample int    // the image in the batch, from 0
	Index  int    // in the data of the image, in the order of memory
	Value  float32
}

// Error returns the message.
func (e *NotFiniteError) Error() string {
	switch {
	case e.Tensor == "":
		return fmt.Sprintf("element %d is %v: %v", e.Index, e.Value, ErrNotFinite)
	case e.Layer == "":
		return fmt.Sprintf("image %d of the batch: input %q: element %d is %v: %v", e.Sample, e.Tensor, e.Index, e.Value, ErrNotFinite)
	}
	return fmt.Sprintf("image %d of the batch: tensor %q of layer %s: element %d is %v: %v", e.Sample, e.Tensor, e.Layer, e.Index, e.Value, ErrNotFinite)
}

// Unwrap returns ErrNotFinite.
func (e *NotFiniteError) Unwrap() error { return ErrNotFinite }
