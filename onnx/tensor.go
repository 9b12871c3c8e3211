package onnx

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
	"github.com/octet-dnn/octet/onnx/internal/pb"
)

// elemTypes are the numbers of TensorProto.DataType.
var elemTypes = map[model.DType]int32{
	model.FP32: 1, model.UInt8: 2, model.Int8: 3, model.Int16: 5, model.Int32: 6, model.Int64: 7,
	model.Bool: 9, model.FP16: 10, model.FP64: 11, model.BF16: 16,
}

func toProto(name string, t *model.Tensor) (*pb.Tensor, error) {
	data, err := t.Bytes()
	if err != nil {
		return nil, err
	}
	typ, ok := elemTypes[t.DType]
	if !ok {
		return nil, refuse("elements of type %v", t.DType)
	}
	return &pb.Tensor{Name: proto.String(name), DataType: proto.Int32(typ), Dims: t.Dims, RawData: data}, nil
}

// in returns the name under which nodes read v; "" for an absent one.
func (e *exporter) in(v *graph.Value) (string, error) {
	if v == nil {
		return "", nil
	}
	t := e.consts[v]
	if t == nil {
		return v.Name, nil
	}
	if _, ok := e.stored[v]; !ok {
		if err := e.initializer(v.Name, t); err != nil {
			return "", err
		}
		e.stored[v] = v.Name
	}
	return v.Name, nil
}

// ins is in for all of list.
func (e *exporter) ins(list ...*graph.Value) ([]string, error) {
	names := make([]string, len(list))
	for i, v := range list {
		var err error
		if names[i], err = e.in(v); err != nil {
			return nil, err
		}
	}
	return names, nil
}

func (e *exporter) initializer(name string, t *model.Tensor) error {
	p, err := toProto(name, t)
	e.out.Initializer = append(e.out.Initializer, p)
	return err
}

// reshaped returns an initializer with the data of constant v under other dims.
func (e *exporter) reshaped(v *graph.Value, dims ...int64) (string, error) {
	t := e.consts[v]
	if t == nil {
		return "", refuse("%q must be a constant", v.Name)
	}
	if slices.Equal(t.Dims, dims) {
		return e.in(v)
	}
	name := e.freshName(v.Name + "@reshaped")
	return name, e.initializer(name, t.WithDims(dims...))
}

// constant returns an initializer of small data, the same for equal data.
func (e *exporter) constant(label string, d model.DType, dims []int64, x ...float64) string {
	key := fmt.Sprint(d, dims, x)
	if name, ok := e.shared[key]; ok {
		return name
	}
	t, ok := tensorOf(d, x, dims)
	if !ok {
		panic(fmt.Sprintf("onnx: a constant of type %v", d)) // the callers below know what tensorOf has
	}
	name := e.freshName(label)
	p, _ := toProto(name, t) // in memory, of a type that ONNX has
	e.out.Initializer = append(e.out.Initializer, p)
	e.shared[key] = name
	return name
}

// number is a scalar of FP32.
func (e *exporter) number(x float32) string { return e.typed(model.FP32, float64(x)) }

// typed is a scalar of a type.
func (e *exporter) typed(d model.DType, x float64) string {
	return e.constant(fmt.Sprintf("const_%g", x), d, nil, x)
}

// list is a vector of int64, as ONNX wants dims and axes.
func (e *exporter) list(x ...int) string {
	label, wide := "ints", make([]float64, len(x))
	for i, n := range x {
		label += fmt.Sprintf("_%d", n)
		wide[i] = float64(n)
	}
	return e.constant(label, model.Int64, []int64{int64(len(x))}, wide...)
}

// tensorOf makes a tensor of numbers that the type can hold.
func tensorOf(d model.DType, x []float64, dims []int64) (*model.Tensor, bool) {
	var data []byte
	for _, v := range x {
		switch d {
		case model.FP32:
			data = binary.LittleEndian.AppendUint32(data, math.Float32bits(float32(v)))
		case model.Int32:
			data = binary.LittleEndian.AppendUint32(data, uint32(int32(v)))
		case model.Int64:
			data = binary.LittleEndian.AppendUint64(data, uint64(int64(v)))
		case model.UInt8, model.Int8:
			data = append(data, byte(int8(v)))
		default:
			return nil, false
		}
	}
	return &model.Tensor{DType: d, Dims: dims, Data: data}, true
}
