package graph

import (
	"slices"

	"github.com/octet-dnn/octet/model"
)

// plainConv writes a convolution as Paddle's training API does, with bias,
// residual and activation behind it: its INT8 engine looks for that.
func (e *exporter) plainConv(l *Layer, c *Conv) error {
	attrs := []model.Attr{
		intsAttr("strides", c.Strides[:]...),
		intsAttr("paddings", padList(c.Pads)...),
		intsAttr("dilations", c.Dilations[:]...),
		model.IntAttr("groups", int32(c.Groups)),
		model.StringAttr("data_format", "NCHW"),
		model.StringAttr("padding_algorithm", c.PadMode.String()),
		model.BoolAttr("is_test", true),
	}
	out := l.Out[0]
	type step struct {
		operand *Value
		axis    int
		suffix  string
	}
	var steps []step // additions behind the convolution
	if bias := l.In[2]; bias != nil {
		steps = append(steps, step{bias, 1, "biased"})
	}
	if residual := l.In[3]; residual != nil {
		steps = append(steps, step{residual, -1, "sum"})
	}
	act := c.Act.Kind != ActNone
	name := out.Name
	if act || len(steps) > 0 {
		name = e.step(out, "conv")
	}
	e.block.AddOp("conv2d", model.Slots("Input", l.In[0].Name, "Filter", l.In[1].Name), model.Slots("Output", name), attrs...)
	for i, s := range steps {
		sum := out.Name
		if act || i < len(steps)-1 {
			sum = e.step(out, s.suffix)
		}
		e.block.AddOp("elementwise_add", model.Slots("X", name, "Y", s.operand.Name), model.Slots("Out", sum), model.IntAttr("axis", int32(s.axis)))
		name = sum
	}
	if act {
		return e.act(c.Act, name, out.Name)
	}
	return nil
}

// linearConversion writes quantize_linear or dequantize_linear. Their scales
// are thresholds: the reals that 127 stands for, in u8 255.
func (e *exporter) linearConversion(l *Layer) error {
	x, out := l.In[0], l.Out[0]
	typ, axis := "dequantize_linear", -1
	var scales []float32
	levels := levelsOf(x)
	switch op := l.Op.(type) {
	case *Quantize:
		if e.unsigned[x] != (out.DType == model.UInt8) {
			return unsupportedErr("quantisation to %v where readers will see the other sign cannot be written", out.DType)
		}
		typ, scales, levels = "quantize_linear", []float32{op.Scale}, levelsOf(out)
	case *Dequantize:
		scales = []float32{op.Scale}
	case *DequantizeWeights:
		axis, scales = op.Axis, op.Scales
		if channels := int(x.Dims[axis]); len(scales) != channels {
			scales = slices.Repeat(scales, channels)
		}
	}
	// Paddle declares the integers of activations as reals, which hold them.
	e.block.Var(out.Name).DType = model.FP32
	thresholds := make([]float32, len(scales))
	for i, s := range scales {
		thresholds[i] = linearThreshold(s, levels)
	}
	integers := x
	if typ == "quantize_linear" {
		integers = out
	}
	e.block.AddOp(typ, model.Slots("X", x.Name, "Scale", e.linearParam(integers, thresholds),
		"ZeroPoint", e.linearParam(nil, []float32{0})), model.Slots("Y", out.Name),
		model.IntAttr("quant_axis", int32(axis)), model.IntAttr("bit_length", 8), model.IntAttr("round_type", 0),
		model.BoolAttr("is_test", true), model.BoolAttr("only_observer", false))
	return nil
}

// linearParam returns the parameter with the scales of the integers v, which
// every conversion of v reads, or for nil the zero point of all: no kernel reads
// it, and so it needs no element a channel.
func (e *exporter) linearParam(v *Value, data []float32) string {
	if name, ok := e.linear[v]; ok {
		return name
	}
	base := &Value{Name: "quantize_linear"}
	suffix := "zero_point"
	if v != nil {
		base, suffix = v, "scale"
	}
	name := e.freshName(base, suffix)
	e.m.AddParam(name, floatConst(name, data, int64(len(data))).Const)
	e.linear[v] = name
	return name
}

// realParams gives INT8 layers of forms that store reals their weights as such.
func (e *exporter) realParams() error {
	done := make(map[*Value][]float32)
	for _, l := range e.g.Layers {
		q, axis := int8Of(l)
		if q == nil || l.In[1].DType != model.Int8 {
			continue
		}
		w := l.In[1]
		if old := done[w]; old != nil && !slices.Equal(old, q.ScaleWeights) {
			return unsupportedErr("integer weights %q with two lists of scales cannot be written", w.Name)
		}
		x, err := dequantizeWeights(w.Const, q.ScaleWeights, axis)
		if err != nil {
			return &OpError{Op: l.Op.Kind(), Var: l.Name, Err: err}
		}
		done[w] = q.ScaleWeights
		e.m.Params[w.Name] = floatConst(w.Name, x, w.Dims...).Const
		e.block.Var(w.Name).DType = model.FP32
	}
	return nil
}
