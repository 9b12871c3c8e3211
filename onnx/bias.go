package onnx

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// maxBias is the largest bias of an INT8 layer, as a multiple of the scale of its
// sums. ONNX Runtime adds it to the sums in int32, without a look at overflow: the
// other half is for 32896 products of 255 and -128.
const maxBias = 1 << 30

// RoundBiases returns g as its ONNX file says it: the biases of INT8 layers are
// the nearest multiples of the scale of their sums, which is what int32 holds
// there. Octet itself adds biases in FP32; the rounding moves one result in some
// hundreds by one step, and so now and then a top-1. Channels that are next to
// nothing but their bias have coarser weights there too, see roomForBiases. Octet
// on the rounded graph and ONNX Runtime on the file compute the same, but for the
// last bit of reals. g is not changed.
func RoundBiases(g *graph.Graph) *graph.Graph {
	g = roomForBiases(g)
	uses := g.Consumers()
	for _, l := range g.Layers {
		q, _ := int8Of(l)
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

// int8Of returns the quantisation of a layer, nil if it has none, and the dim of
// its weights that counts the output channels.
func int8Of(l *graph.Layer) (q *graph.Int8, axis int) {
	switch op := l.Op.(type) {
	case *graph.Conv:
		return op.Int8, 0
	case *graph.FC:
		return op.Int8, 1
	}
	return nil, 0
}

// roomForBiases returns g with lower weight scales for the channels whose biases
// are above maxBias. Those are channels that training has given up, with weights
// of 1e-13 and a bias of -1: at the scales of such weights ONNX Runtime saturates
// the bias, and the channel is something else. What the coarser weights are off by
// is 2.4e-7 of the bias at most for each product of the sum. g is not changed.
func roomForBiases(g *graph.Graph) *graph.Graph {
	g = g.Clone()
	uses := g.Consumers()
	for _, l := range g.Layers {
		q, axis := int8Of(l)
		if q == nil || l.In[2] == nil || l.In[2].Const == nil || l.In[1].Const == nil {
			continue
		}
		bias := l.In[2].Const.Float32s()
		scales, lowered := make([]float32, len(bias)), false
		for i, b := range bias {
			s := q.ScaleWeights[min(i, len(q.ScaleWeights)-1)]
			scales[i] = roomy(b, q.ScaleIn, s)
			lowered = lowered || scales[i] != s
		}
		if !lowered {
			continue
		}
		if l.In[1].DType == model.Int8 {
			w, ok := coarser(l.In[1], axis, q.ScaleWeights, scales)
			if !ok {
				continue
			}
			if len(uses[l.In[1]]) > 1 {
				w.Name += "@" + l.Name
			}
			l.In[1] = w
		}
		q.ScaleWeights = scales
	}
	return g
}

// roomy returns the scale of weights, or so many halves of it that the bias b is
// maxBias at most.
func roomy(b, in, weights float32) float32 {
	multiple := float64(b) * float64(in) * float64(weights)
	if !(math.Abs(multiple) > maxBias) || math.IsInf(multiple, 0) {
		return weights
	}
	_, exponent := math.Frexp(multiple / maxBias)
	s := float32(math.Ldexp(float64(weights), -exponent))
	if math.IsInf(float64(inverse(s)), 0) {
		return weights
	}
	return s
}

// coarser returns the s8 weights w at other scales, and false for weights whose
// dims their scales do not fit.
func coarser(w *graph.Value, axis int, from, to []float32) (*graph.Value, bool) {
	old, err := graph.QuantizeWeights(w.Const, from, axis)
	if err != nil || int(w.Const.Dims[axis]) != len(to) {
		return nil, false
	}
	inner := 1
	for _, d := range w.Const.Dims[axis+1:] {
		inner *= int(d)
	}
	data := make([]byte, len(old))
	for i, q := range old {
		c := i / inner % len(to)
		ratio := float64(to[c]) / float64(from[min(c, len(from)-1)])
		data[i] = byte(int8(math.RoundToEven(float64(q) * ratio)))
	}
	t := &model.Tensor{DType: model.Int8, Dims: w.Const.Dims, Data: data}
	return &graph.Value{Name: w.Name, DType: model.Int8, Dims: w.Dims, Const: t}, true
}

// roundedBias returns a bias as multiples of the scales of the sums. It reports
// false where int32 cannot hold them: roomForBiases leaves that to infinities.
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
// input and the weights, or quantises the bias itself, with saturation.
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
