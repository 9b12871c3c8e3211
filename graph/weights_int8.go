package graph

import (
	"math"
	"unsafe"

	"github.com/octet-dnn/octet/model"
)

// QuantizeWeights returns the integers of an INT8 layer's weights. A constant
// that is s8 already holds them; an FP32 one is rounded, w·scale half to even
// into -128..127, as Paddle does when it loads one. There is one scale, or one
// for each index of dim axis: 0 for the filter of a Conv, 1 for the weights of
// an FC. The result may share memory with w and must not be written to.
func QuantizeWeights(w *model.Tensor, scales []float32, axis int) ([]int8, error) {
	shape := toShape(w.Dims)
	n, err := shape.Elems()
	if err != nil {
		return nil, err
	}
	if axis < 0 || axis >= len(shape) || n*w.DType.Size() != w.Size() {
		return nil, shapeErr("weights of dims %v, %d bytes, with channels in dim %d", w.Dims, w.Size(), axis)
	}
	if len(scales) != 1 && len(scales) != shape[axis] {
		return nil, shapeErr("%d weight scales: want 1 or %d", len(scales), shape[axis])
	}
	if w.DType == model.Int8 {
		return int8sOf(w)
	}
	if w.DType != model.FP32 {
		return nil, unsupportedErr("weights of type %v", w.DType)
	}
	x := w.Float32s()
	if len(x) < n {
		_, err := w.Bytes()
		return nil, err
	}
	q := make([]int8, len(x))
	inner := innerSize(shape, axis)
	for start := 0; start < len(x); start += inner {
		s := scaleAt(scales, start/inner%shape[axis])
		for i, v := range x[start : start+inner] {
			q[start+i] = int8(min(max(math.RoundToEven(float64(v*s)), math.MinInt8), math.MaxInt8))
		}
	}
	return q, nil
}

// dequantizeWeights returns q/scale as FP32, from which QuantizeWeights makes
// the same integers again: two roundings of 2^-24 are far below half a step.
func dequantizeWeights(w *model.Tensor, scales []float32, axis int) ([]float32, error) {
	q, err := QuantizeWeights(w, scales, axis)
	if err != nil {
		return nil, err
	}
	shape := toShape(w.Dims)
	x := make([]float32, len(q))
	inner := innerSize(shape, axis)
	for start := 0; start < len(x); start += inner {
		s := float64(scaleAt(scales, start/inner%shape[axis]))
		for i, v := range q[start : start+inner] {
			x[start+i] = float32(float64(v) / s)
		}
	}
	return x, nil
}

// innerSize is how many elements lie together for one index of dim axis.
func innerSize(shape Shape, axis int) int {
	n := 1
	for _, d := range shape[axis+1:] {
		n *= d
	}
	return max(n, 1)
}

func scaleAt(scales []float32, channel int) float32 {
	if len(scales) == 1 {
		return scales[0]
	}
	return scales[channel]
}

// int8sOf views the elements of an s8 tensor.
func int8sOf(t *model.Tensor) ([]int8, error) {
	data, err := t.Bytes()
	return unsafe.Slice((*int8)(unsafe.Pointer(unsafe.SliceData(data))), len(data)), err
}

// int8Bytes views integers as the bytes of a tensor.
func int8Bytes(q []int8) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(q))), len(q))
}
