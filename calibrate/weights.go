package calibrate

import (
	"fmt"
	"math"

	"github.com/octet-dnn/octet/model"
)

// WeightScales returns one scale for each index of dim axis of an FP32 tensor:
// 127/max|w|, computed in float64. A channel of zeros, or of values so small
// that the quotient overflows, is dead and gets 1: Paddle 1.3 stored 0 there,
// by which later versions divide.
//
// Filters (OIHW) have their output channels in dim 0, fully connected weights
// ([K, N]) in dim 1. On a NaN or an infinity it fails with a *NotFiniteError.
func WeightScales(w *model.Tensor, axis int) ([]float32, error) {
	x := w.Float32s()
	if w.DType != model.FP32 || axis < 0 || axis >= len(w.Dims) || len(x) == 0 {
		return nil, fmt.Errorf("scales along dim %d of %v%v weights: %w", axis, w.DType, w.Dims, ErrOptions)
	}
	channels, inner := int(w.Dims[axis]), 1
	for _, d := range w.Dims[axis+1:] {
		inner *= int(d)
	}
	tops := make([]uint32, channels)
	for i := 0; i < len(x); i += inner {
		c := i / inner % channels
		tops[c] = max(tops[c], absTopOf(x[i:i+inner]))
	}
	scales := make([]float32, channels)
	for c, top := range tops {
		if top >= infBits {
			return nil, firstNotFinite(x)
		}
		scales[c] = float32(math.MaxInt8 / float64(math.Float32frombits(top)))
		if math.IsInf(float64(scales[c]), 1) {
			scales[c] = 1
		}
	}
	return scales, nil
}
