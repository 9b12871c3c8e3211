package onnx

import (
	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
	"github.com/octet-dnn/octet/onnx/internal/pb"
)

// ONNX multiplies by a scale to get reals, Octet divides by it.
func inverse(scale float32) float32 { return float32(1 / float64(scale)) }

// scaleOf returns scale and zero point of the integers v as inputs of a node.
func (e *exporter) scaleOf(v *graph.Value, scale float32) []string {
	return []string{
		e.constant(v.Name+"@scale", model.FP32, nil, float64(inverse(scale))),
		e.constant("zero_point_"+v.DType.String(), v.DType, nil, 0),
	}
}

func (e *exporter) quantize(l *graph.Layer, op *graph.Quantize) error {
	x, err := e.in(l.In[0])
	if err != nil {
		return err
	}
	e.result(l.Out[0], "QuantizeLinear", append([]string{x}, e.scaleOf(l.Out[0], op.Scale)...))
	return nil
}

func (e *exporter) dequantize(l *graph.Layer, op *graph.Dequantize) error {
	x, err := e.in(l.In[0])
	if err != nil {
		return err
	}
	e.result(l.Out[0], "DequantizeLinear", append([]string{x}, e.scaleOf(l.In[0], op.Scale)...))
	return nil
}

func (e *exporter) dequantizeWeights(l *graph.Layer, op *graph.DequantizeWeights) error {
	w, err := e.in(l.In[0])
	if err != nil {
		return err
	}
	var dims []int64
	var attrs []*pb.Attribute
	scales := make([]float64, len(op.Scales))
	for i, s := range op.Scales {
		scales[i] = float64(inverse(s))
	}
	if len(scales) > 1 {
		dims, attrs = []int64{int64(len(scales))}, append(attrs, intAttr("axis", op.Axis))
	}
	e.result(l.Out[0], "DequantizeLinear", []string{
		w, e.constant(w+"@scale", model.FP32, dims, scales...), e.constant(w+"@zero_point", model.Int8, dims, make([]float64, len(scales))...),
	}, attrs...)
	return nil
}
