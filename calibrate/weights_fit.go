package calibrate

import (
	"math"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/internal/parallel"
	"github.com/octet-dnn/octet/model"
)

// The scales tried for a channel run from 1/16 below 127/max|w|, where no
// weight is clipped but the grid falls differently, to a quarter above it, where
// the largest are clipped to 4/5.
const (
	fitSteps = 128 // a step is 1/128 of the first scale
	fitBelow = -8
	fitAbove = 32
)

// FitWeightScales is WeightScales with each scale moved to where rounding and
// clipping the channel's weights leave the smallest square error, among 41
// scales around 127/max|w| that every form of program can say. It costs no data, and on channels of few weights,
// as depthwise filters have, it removes much of the error: 9 weights seldom
// fall well on the grid that their largest one sets. (Choosing clipping by the
// square error is common for weights, e.g. R. Banner et al., "Post training
// 4-bit quantization of convolutional networks", 2019; at 8 bits the better
// grid matters more than the clipping.)
func FitWeightScales(w *model.Tensor, axis int) ([]float32, error) {
	scales, err := WeightScales(w, axis)
	if err != nil {
		return nil, err
	}
	x, inner := w.Float32s(), 1
	for _, d := range w.Dims[axis+1:] {
		inner *= int(d)
	}
	parallel.Each(len(scales), func(c int) {
		scales[c] = fitScale(channelOf(x, c, len(scales), inner), scales[c])
	})
	return scales, nil
}

// channelOf gathers the weights of one channel, which lie in runs of inner.
func channelOf(x []float32, c, channels, inner int) []float32 {
	out := make([]float32, 0, len(x)/channels)
	for at := c * inner; at < len(x); at += channels * inner {
		out = append(out, x[at:at+inner]...)
	}
	return out
}

// fitScale returns the scale with the smallest error; on a tie, the first
// tried, beginning with first itself.
func fitScale(w []float32, first float32) float32 {
	first = graph.SnapScale(first, math.MaxInt8)
	best, least := first, roundingError(w, first, math.Inf(1))
	for k := fitBelow; k <= fitAbove; k++ {
		s := graph.SnapScale(float32(float64(first)*(1+float64(k)/fitSteps)), math.MaxInt8)
		if e := roundingError(w, s, least); e < least && !math.IsInf(float64(s), 1) {
			best, least = s, e
		}
	}
	return best
}

// roundingError returns the sum of square errors of w quantised with scale, as
// executors do it, or some number above limit once that is passed.
func roundingError(w []float32, scale float32, limit float64) float64 {
	var e float64
	inverse := 1 / float64(scale)
	for len(w) > 0 && e < limit {
		n := min(len(w), 64)
		for _, v := range w[:n] {
			q := min(max(math.RoundToEven(float64(v*scale)), math.MinInt8), math.MaxInt8)
			d := float64(v) - q*inverse
			e += d * d
		}
		w = w[n:]
	}
	return e
}
