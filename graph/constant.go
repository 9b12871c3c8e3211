package graph

import (
	"encoding/binary"
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

// constOf makes a constant of dt, which is FP32, Int32 or Int64.
func constOf(name string, x []float64, dt model.DType, dims []int64) *Value {
	if dt == model.FP32 {
		f := make([]float32, len(x))
		for i, v := range x {
			f[i] = float32(v)
		}
		return floatConst(name, f, dims...)
	}
	b := make([]byte, 0, dt.Size()*len(x))
	for _, v := range x {
		if dt == model.Int64 {
			b = binary.LittleEndian.AppendUint64(b, uint64(int64(v)))
		} else {
			b = binary.LittleEndian.AppendUint32(b, uint32(int32(v)))
		}
	}
	return &Value{Name: name, DType: dt, Dims: dims, Const: &model.Tensor{DType: dt, Dims: dims, Data: b}}
}
