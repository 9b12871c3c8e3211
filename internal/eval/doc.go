// Package eval counts how often a classifier is right on labelled pictures, and
// how far a quantised copy of it departs from the original.
//
// It runs networks through [Runner], so it works with any executor and builds
// without cgo.
package eval

import "errors"

// ErrModel is wrapped by every error about a model that is not a classifier
// of pictures, or does not take the pictures that it is given.
var ErrModel = errors.New("not a classifier of these pictures")

// ErrLabels is wrapped where labels are missing or beyond the model's classes.
var ErrLabels = errors.New("labels do not fit")

// ErrNotFinite is wrapped where a network's outputs are not numbers.
var ErrNotFinite = errors.New("not finite")
