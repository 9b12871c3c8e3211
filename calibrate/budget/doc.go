// Package budget finds which layers of an INT8 network to leave in FP32 so that it keeps
// a promised accuracy, at the least cost in time.
//
// [Find] goes from cheap to dear:
//
//  1. Sensitivity of each layer: the network in FP32 but for this one layer, run
//     from activations that are kept from the layer before, on some dozens of pictures; the mean
//     divergence of its probabilities from those of FP32 (sensitivity.go).
//     Small errors of several layers add up, so what leaving a layer in FP32 gains is about that.
//  2. Price of each layer: how much longer the INT8 network takes with it in FP32,
//     conversions and lost fusions included, measured.
//  3. Layers in the order of gain a millisecond; the shortest beginning of
//     that order that keeps the promise on all pictures, by doubling and halving; then every
//     layer that can be taken out of it again is (search.go).
//
// Everything that is found goes into a [State], so that a run that is killed goes on
// where it was. Given the prices, which are measured once, the answer depends on nothing but the
// model, the table and the pictures.
package budget

import "errors"

// ErrNotReached: the limits hold for no set of layers that leaves at least one in INT8.
var ErrNotReached = errors.New("accuracy budget not reached")

// ErrModel: the network is no classifier, so that its outputs cannot be compared.
var ErrModel = errors.New("no class probabilities")

// ErrState: the text is not a State.
var ErrState = errors.New("malformed budget state")
