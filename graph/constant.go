package graph

import (
	"unsafe"

	"github.com/octet-dnn/octet/model"
)

// floatConst makes a constant of data, which it takes over.
func floatConst(name string, data []float32, dims ...int64) *Value {
	t := &model.Tensor{DType: model.FP32, Dims: dims}
	if len(data) > 0 {
		t.Data = unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(data))), 4*len(data))
	}
	return &Value{Name: name, DType: model.FP32, Dims: dims, Const: t}
}

// isParam reports whether v is an FP32 constant.
func isParam(v *Value) bool { return v != nil && v.Const != nil && v.DType == model.FP32 }

// reshaped is the constant v with other dims over the same data.
func reshaped(name string, v *Value, dims []int64) *Value {
	return &Value{Name: name, DType: v.DType, Dims: dims, Const: v.Const.WithDims(dims...)}
}

func toDims(s Shape) []int64 {
	dims := make([]int64, len(s))
	for i, d := range s {
		dims[i] = int64(d)
	}
	return dims
}
