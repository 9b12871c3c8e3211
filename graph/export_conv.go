package graph

import "github.com/octet-dnn/octet/model"

func (e *exporter) conv(l *Layer, c *Conv) error {
	residual := l.In[3]
	if c.Int8 != nil {
		if err := e.sayable(l, c, residual); err != nil {
			return err
		}
	}
	in := model.Slots("Input", l.In[0].Name, "Filter", l.In[1].Name)
	if l.In[2] != nil {
		in = append(in, model.Slots("Bias", l.In[2].Name)...)
	}
	if residual != nil {
		in = append(in, model.Slots("ResidualData", residual.Name)...)
	}
	attrs := append(e.window(c), model.BoolAttr("fuse_residual_connection", residual != nil))
	if c.Int8 != nil {
		attrs = append(attrs, int8Attrs(c.Int8, residual != nil)...)
	}
	if e.form == FormQDQ {
		return e.plainConv(l, c)
	}
	if e.form == FormFused {
		name, alpha, beta := fusedName(c.Act)
		dt := "float32"
		if c.Int8 != nil {
			dt = "int8"
		}
		attrs = append(attrs, model.StringAttr("mkldnn_data_type", dt), model.StringAttr("fuse_activation", name),
			model.FloatAttr("fuse_alpha", alpha), model.FloatAttr("fuse_beta", beta))
		e.block.AddOp("fused_conv2d", in, model.Slots("Output", l.Out[0].Name), attrs...)
		return nil
	}
	attrs = append(attrs, model.BoolAttr("use_cudnn", false))
	return e.conv13(l, c, in, attrs)
}

// conv13 writes conv2d with the activations that 1.3 knows, others as an op
// behind it where its output is real, and as 1.5's attributes where it is not.
func (e *exporter) conv13(l *Layer, c *Conv, in []model.Slot, attrs []model.Attr) error {
	out := l.Out[0].Name
	relu := c.Act.Kind == ActReLU
	relu6 := c.Act.Kind == ActClip && c.Act.Alpha == 0
	attrs = append(attrs, model.BoolAttr("fuse_relu", relu))
	behind := false
	switch {
	case relu || c.Act.Kind == ActNone:
	case relu6:
		attrs = append(attrs, model.BoolAttr("fuse_brelu", true), model.FloatAttr("fuse_brelu_threshold", c.Act.Beta))
	case c.Int8 == nil || c.Int8.ForceFP32:
		behind = true
		out = e.step(l.Out[0], "conv")
	default:
		name, alpha, beta := fusedName(c.Act)
		attrs = append(attrs, model.StringAttr("fuse_activation", name),
			model.FloatAttr("fuse_alpha", alpha), model.FloatAttr("fuse_beta", beta))
	}
	e.block.AddOp("conv2d", in, model.Slots("Output", out), attrs...)
	if behind {
		return e.act(c.Act, out, l.Out[0].Name)
	}
	return nil
}

// sayable refuses an INT8 convolution whose output type or saturation is not
// what Paddle's rule gives: the program would not mean this layer.
func (e *exporter) sayable(l *Layer, c *Conv, residual *Value) error {
	if residual != nil && c.Int8.ForceFP32 {
		return unsupportedErr("a residual with a float32 result cannot be written")
	}
	twin := Conv{Act: c.Act, Int8: &Int8{ForceFP32: c.Int8.ForceFP32}}
	if dt := twin.int8Type(residual); dt != l.Out[0].DType {
		return unsupportedErr("output of type %v where Paddle's rule gives %v cannot be written", l.Out[0].DType, dt)
	}
	if twin.Int8.SaturateS8 && !c.Int8.SaturateS8 {
		return unsupportedErr("relu over an s8 residual cannot be written without saturation at 127")
	}
	if c.Int8.SaturateS8 && !twin.Int8.SaturateS8 {
		return unsupportedErr("saturation at 127 cannot be written without a relu over an s8 residual")
	}
	if c.Act.Kind == ActClip && c.Act.Alpha > 0 && !c.Int8.ForceFP32 {
		return unsupportedErr("a clip from %v with a u8 result cannot be written", c.Act.Alpha)
	}
	return nil
}

// window writes the geometry of a convolution.
func (e *exporter) window(c *Conv) []model.Attr {
	attrs := []model.Attr{
		intsAttr("strides", c.Strides[:]...),
		intsAttr("paddings", padList(c.Pads)...),
		intsAttr("dilations", c.Dilations[:]...),
		model.IntAttr("groups", int32(c.Groups)),
		model.BoolAttr("use_mkldnn", true),
		model.BoolAttr("is_test", true),
	}
	if e.form == FormV13 {
		attrs = append(attrs, model.StringAttr("data_format", "AnyLayout"))
		if c.PadMode == PadExplicit {
			return attrs
		}
		return append(attrs, model.StringAttr("padding_algorithm", c.PadMode.String()))
	}
	return append(attrs, model.StringAttr("data_format", "NCHW"), model.StringAttr("padding_algorithm", c.PadMode.String()))
}

// String returns Paddle's name of the padding algorithm.
func (m PadMode) String() string {
	switch m {
	case PadSame:
		return "SAME"
	case PadValid:
		return "VALID"
	}
	return "EXPLICIT"
}

// padList writes pads as two numbers where that says it all, as 1.3 needs.
func padList(p [4]int) []int {
	if p[0] == p[1] && p[2] == p[3] {
		return []int{p[0], p[2]}
	}
	return p[:]
}

func int8Attrs(q *Int8, residual bool) []model.Attr {
	attrs := []model.Attr{
		model.FloatAttr("Scale_in", q.ScaleIn),
		model.FloatAttr("Scale_out", q.ScaleOut),
		model.FloatsAttr("Scale_weights", q.ScaleWeights...),
		model.BoolAttr("force_fp32_output", q.ForceFP32),
	}
	if residual {
		attrs = append(attrs, model.FloatAttr("Scale_in_eltwise", q.ScaleInEltwise))
	}
	return attrs
}

// fusedName spells an activation as fuse_activation, fuse_alpha and fuse_beta.
func fusedName(a Activation) (name string, alpha, beta float32) {
	switch a.Kind {
	case ActReLU:
		return "relu", 0, 0
	case ActClip:
		if a.Alpha == 0 && a.Beta > 0 {
			return "relu6", 0, a.Beta
		}
		return "clip", a.Alpha, a.Beta
	case ActLeakyReLU:
		return "leaky_relu", a.Alpha, 0
	case ActSigmoid:
		return "sigmoid", 0, 0
	case ActTanh:
		return "tanh", 0, 0
	case ActSwish:
		return "swish", a.Alpha, 0
	case ActHardSwish:
		return "hard_swish", a.Alpha, a.Beta
	case ActHardSigmoid:
		return "hard_sigmoid", a.Alpha, a.Beta
	case ActGELUErf:
		return "gelu_erf", 0, 0
	case ActGELUTanh:
		return "gelu_tanh", 0, 0
	case ActMish:
		return "mish", 0, 0
	}
	return "", 0, 0
}

// deconv writes bias and activation as ops of their own: conv2d_transpose takes
// them in oneDNN only.
func (e *exporter) deconv(l *Layer, d *Deconv) error {
	attrs := []model.Attr{
		intsAttr("strides", d.Strides[:]...),
		intsAttr("paddings", padList(d.Pads)...),
		intsAttr("dilations", d.Dilations[:]...),
		model.IntAttr("groups", int32(d.Groups)),
		model.StringAttr("padding_algorithm", d.PadMode.String()),
		model.StringAttr("data_format", "NCHW"),
	}
	if d.OutputSize != [2]int{} {
		attrs = append(attrs, intsAttr("output_size", d.OutputSize[:]...))
	}
	if d.OutputPadding != [2]int{} {
		attrs = append(attrs, intsAttr("output_padding", d.OutputPadding[:]...))
	}
	return e.withTail(l, d.Act, 1, func(out string) {
		e.block.AddOp("conv2d_transpose", model.Slots("Input", l.In[0].Name, "Filter", l.In[1].Name), model.Slots("Output", out), attrs...)
	})
}

// withTail writes a layer as its op, an addition of the bias In[2] along axis,
// and an activation, with variables in between.
func (e *exporter) withTail(l *Layer, act Activation, axis int, op func(out string)) error {
	out, bias := l.Out[0], l.In[2]
	product, sum := out.Name, out.Name
	if act.Kind != ActNone {
		sum = e.step(out, "sum")
		product = sum
	}
	if bias != nil {
		product = e.step(out, "product")
	}
	op(product)
	if bias != nil {
		e.block.AddOp("elementwise_add", model.Slots("X", product, "Y", bias.Name), model.Slots("Out", sum),
			model.IntAttr("axis", int32(axis)))
	}
	if act.Kind != ActNone {
		return e.act(act, sum, out.Name)
	}
	return nil
}
