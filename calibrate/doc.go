// Package calibrate turns an FP32 network into an INT8 one: it watches the
// activations of a network on sample inputs, chooses a scale for each tensor,
// and rewrites the graph with those scales.
//
// The steps are those of Paddle 1.3's Calibrator: [New], [Calibrator.Sample]
// for each batch, [Calibrator.SaveINT8Model].
//
// # Which way a scale multiplies
//
// Everywhere in Octet a scale multiplies the real value:
//
//	q = saturate(round(real · scale)),   real = q / scale,   scale = R / threshold
//
// R is the largest quantised value: 255 for u8, and 127 for s8 (−128 is left to
// rounding and never aimed at). The threshold is the real value that R stands
// for, and what algorithms choose; a larger one clips less and rounds more
// coarsely. Zero points are always 0. Thresholds are float64; a scale is
// computed in float64 and stored as float32.
//
// # What is watched
//
// Only tensors that own a scale are watched: those that a convolution, a fully
// connected layer or any other computing layer makes. Pooling, concatenation,
// reshape and transposition only pass integers on, so their outputs have the
// scale of their inputs, and all inputs of a concatenation share one. (Paddle
// 1.3 sampled a pooling's output on its own and wrote that scale into the next
// convolution, while the integers still had the scale from before.)
//
// The package is pure Go and runs no network itself: a [Runner] does.
package calibrate
