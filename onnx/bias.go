package onnx

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// RoundBiases returns g as its ONNX file says it: the biases of INT8 layers are
// the nearest multiples of the scale of their sums, which is what int32 holds
// there. Octet itself adds biases in FP32; the rounding moves one result in some
// hundreds by one step, and so now and then a top-1. Octet on the rounded graph
// and ONNX Runtime on the file compute the same. g is not changed.
func RoundBiases(g *graph.Graph) *graph.Graph {
	g = g.Clone()
	uses := g.Consumers()
	for _, l := range g.Layers {
		var q *graph.Int8
		switch op := l.Op.(type) {
		case *graph.Conv:
			q = op.Int8
		case *graph.FC:
			q = op.Int8
		}
		if q == nil || l.In[2] == nil || l.In[2].Const == nil {
			continue
		}
		bias := l.In[2]
		sums, scales, ok := roundedBias(bias.Const.Float32s(), q.ScaleIn, q.ScaleWeights)
		if !ok {
			continue
		}
		rounded := make([]float32, len(sums))
		for i, sum := range sums {
			rounded[i] = float32(float64(sum) * float64(scales[i]))
		}
		c, err := model.Float32Tensor(rounded, bias.Const.Dims...)
		if err != nil {
			continue // more or fewer numbers than its dims say: another function refuses that
		}
		v := &graph.Value{Name: bias.Name, DType: model.FP32, Dims: bias.Dims, Const: c}
		if len(uses[bias]) > 1 {
			v.Name += "@" + l.Name
		}
		l.In[2] = v
	}
	return g
}

// roundedBias returns a bias as multiples of the scales of the sums. It reports
// false where int32 cannot hold them.
func roundedBias(real []float32, in float32, weights []float32) (sums []int32, scales []float32, ok bool) {
	for i, b := range real {
		s := inverse(in) * inverse(weights[min(i, len(weights)-1)])
		q := math.RoundToEven(float64(b) / float64(s))
		if !(math.Abs(q) <= math.MaxInt32) {
			return nil, nil, false
		}
		sums, scales = append(sums, int32(q)), append(scales, s)
	}
	return sums, scales, len(sums) > 0
}

// bias returns the input of a node for the bias of l. ONNX Runtime computes in
// integers only with a bias of int32 whose scale is the product of those of the
// input and the weights; a bias beyond what int32 can hold stays FP32.
func (e *exporter) bias(l *graph.Layer, bias *graph.Value) (string, error) {
	x, w := l.In[0].Producer, l.In[1].Producer
	if bias == nil || e.consts[bias] == nil || x == nil || w == nil {
		return e.in(bias)
	}
	act, okX := x.Op.(*graph.Dequantize)
	weights, okW := w.Op.(*graph.DequantizeWeights)
	if !okX || !okW {
		return e.in(bias)
	}
	sums, scales, ok := roundedBias(e.consts[bias].Float32s(), act.Scale, weights.Scales)
	if !ok {
		return e.in(bias)
	}
	var data []byte
	list := make([]float64, len(scales))
	for i, q := range sums {
		data, list[i] = binary.LittleEndian.AppendUint32(data, uint32(q)), float64(scales[i])
	}
	dims := slices.Clone(e.consts[bias].Dims)
	name := e.freshName(bias.Name + "@int32")
	if err := e.initializer(name, &model.Tensor{DType: model.Int32, Dims: dims, Data: data}); err != nil {
		return "", err
	}
	return e.step(bias, "DequantizeLinear", plain(model.FP32, dims...), []string{
		name, e.constant(name+"@scale", model.FP32, dims, list...),
	}, intAttr("axis", 0)), nil
}
