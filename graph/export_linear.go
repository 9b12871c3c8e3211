package graph

import (
	"slices"

	"github.com/octet-dnn/octet/model"
)

// fc writes mul, elementwise_add and the activation, which every Paddle knows.
// An INT8 layer is an fc in the fused form. In the 1.3 form it is 1.8's INT8
// mul with a float result; one with a quantised result needs 1.8's fc as well.
func (e *exporter) fc(l *Layer, f *FC) error {
	switch {
	case f.Int8 == nil:
		return e.mul(l, f)
	case f.Int8.ForceFP32 && e.form == FormV13:
		return e.mul(l, f,
			model.FloatAttr("scale_x", f.Int8.ScaleIn),
			model.FloatsAttr("scale_y", f.Int8.ScaleWeights...),
			model.FloatAttr("scale_out", f.Int8.ScaleOut),
			model.BoolAttr("force_fp32_output", true),
			model.BoolAttr("use_mkldnn", true))
	}
	return e.int8FC(l, f)
}

func (e *exporter) mul(l *Layer, f *FC, attrs ...model.Attr) error {
	attrs = append(attrs, model.IntAttr("x_num_col_dims", int32(f.NumColDims)), model.IntAttr("y_num_col_dims", 1))
	return e.withTail(l, f.Act, f.NumColDims, func(out string) {
		e.block.AddOp("mul", model.Slots("X", l.In[0].Name, "Y", l.In[1].Name), model.Slots("Out", out), attrs...)
	})
}

// int8FC writes the fc that Paddle's oneDNN kernel reads. Its activation
// attribute knows relu; others are written behind a float result.
func (e *exporter) int8FC(l *Layer, f *FC) error {
	if dt := f.int8Type(); dt != l.Out[0].DType {
		return unsupportedErr("output of type %v where Paddle's rule gives %v cannot be written", l.Out[0].DType, dt)
	}
	out, activation, behind := l.Out[0].Name, "", false
	switch {
	case f.Act.Kind == ActNone:
	case f.Act.Kind == ActReLU:
		activation = "relu"
	case f.Int8.ForceFP32:
		behind = true
		out = e.step(l.Out[0], "sum")
	default:
		return unsupportedErr("activation %v with a quantised result cannot be written", f.Act)
	}
	in := model.Slots("Input", e.fcInput(l, f), "W", l.In[1].Name)
	if l.In[2] != nil {
		in = append(in, model.Slots("Bias", l.In[2].Name)...)
	}
	e.block.AddOp("fc", in, model.Slots("Out", out), append(int8Attrs(f.Int8, false),
		model.IntAttr("in_num_col_dims", int32(f.NumColDims)),
		model.StringAttr("activation_type", activation),
		model.BoolAttr("padding_weights", false),
		model.BoolAttr("use_mkldnn", true),
		model.StringAttr("mkldnn_data_type", "int8"))...)
	if behind {
		return e.act(f.Act, out, l.Out[0].Name)
	}
	return nil
}

// fcInput returns the input of the fc for the INT8 layer l. Paddle's kernel
// cannot flatten maps that lie in memory as its convolutions leave them ("could
// not reshape a memory descriptor"), and a pass makes fully connected layers
// with relu in a row one operator, fusion_repeated_fc_relu, that knows no INT8:
// an op between them keeps them apart. Both are gone when the program is loaded.
func (e *exporter) fcInput(l *Layer, f *FC) string {
	x := l.In[0]
	dims := e.declared[x]
	if e.form != FormFused || f.NumColDims != 1 {
		return x.Name
	}
	if len(dims) == 4 && (dims[2] != 1 || dims[3] != 1) {
		flat := e.temp(l.Out[0], "in", x.DType, dims[0], l.In[1].Dims[0])
		e.moved("reshape2", x, x.Name, flat, intsAttr("shape", 0, int(l.In[1].Dims[0])))
		return flat
	}
	if x.Producer != nil && f.Act.Kind == ActReLU {
		if before, ok := x.Producer.Op.(*FC); ok && before.Act.Kind == ActReLU {
			apart := e.temp(l.Out[0], "in", x.DType, dims...)
			e.block.AddOp("assign", model.Slots("X", x.Name), model.Slots("Out", apart))
			return apart
		}
	}
	return x.Name
}

func (e *exporter) binary(l *Layer, b *Binary) error {
	out := l.Out[0].Name
	if b.Act.Kind != ActNone {
		out = e.step(l.Out[0], "sum")
	}
	if e.staysApart(l, b) {
		e.block.AddOp("sum", []model.Slot{{Name: "X", Args: []string{l.In[0].Name, l.In[1].Name}}}, model.Slots("Out", out))
	} else {
		e.block.AddOp("elementwise_"+b.Type.String(), model.Slots("X", l.In[0].Name, "Y", l.In[1].Name), model.Slots("Out", out),
			model.IntAttr("axis", int32(b.Axis)))
	}
	if b.Act.Kind != ActNone {
		return e.act(b.Act, out, l.Out[0].Name)
	}
	return nil
}

// staysApart reports whether the sum l must not be an elementwise_add: Paddle's
// oneDNN passes make that the residual of a convolution in front, also of an
// INT8 one with a float32 result, for which there is no kernel ("residual fusion
// does not support force output with fp32"), and of one that has a residual
// already. They leave the op sum alone, as does the engine of the QDQ form.
func (e *exporter) staysApart(l *Layer, b *Binary) bool {
	if e.form == FormV13 || b.Type != Add || b.Axis != -1 || !slices.Equal(e.declared[l.In[0]], e.declared[l.In[1]]) {
		return false
	}
	if e.form == FormQDQ {
		return true
	}
	return slices.ContainsFunc(l.In, func(v *Value) bool {
		if v.Producer == nil {
			return false
		}
		q, _ := int8Of(v.Producer)
		_, conv := v.Producer.Op.(*Conv)
		return q != nil || conv && v.Producer.In[3] != nil
	})
}

// act writes an activation as an op of its own.
func (e *exporter) act(a Activation, x, out string) error {
	typ, attrs := actOp(a)
	if typ == "" {
		return unsupportedErr("activation %v cannot be written", a)
	}
	e.block.AddOp(typ, model.Slots("X", x), model.Slots("Out", out), attrs...)
	return nil
}

// actOp spells an activation as an op; the type is empty if there is none.
func actOp(a Activation) (string, []model.Attr) {
	number := func(name string, x float32) []model.Attr { return []model.Attr{model.FloatAttr(name, x)} }
	switch a.Kind {
	case ActClip:
		if a.Alpha == 0 && a.Beta > 0 {
			return "relu6", number("threshold", a.Beta)
		}
		return "clip", append(number("min", a.Alpha), number("max", a.Beta)...)
	case ActLeakyReLU:
		return "leaky_relu", number("alpha", a.Alpha)
	case ActSwish:
		return "swish", number("beta", a.Alpha)
	case ActHardSwish:
		scale := 1 / a.Alpha
		return "hard_swish", append(append(number("threshold", scale), number("scale", scale)...), number("offset", a.Beta*scale)...)
	case ActHardSigmoid:
		return "hard_sigmoid", append(number("slope", a.Alpha), number("offset", a.Beta)...)
	case ActGELUErf, ActGELUTanh:
		return "gelu", []model.Attr{model.BoolAttr("approximate", a.Kind == ActGELUTanh)}
	case ActLinear:
		return "scale", append(append(number("scale", a.Alpha), number("bias", a.Beta)...), model.BoolAttr("bias_after_scale", true))
	case ActPow:
		return "pow", number("factor", a.Alpha)
	}
	return plainActs[a.Kind], nil
}

var plainActs = map[ActKind]string{
	ActReLU: "relu", ActSigmoid: "sigmoid", ActTanh: "tanh", ActMish: "mish",
	ActExp: "exp", ActSqrt: "sqrt", ActSquare: "square", ActAbs: "abs",
}

// conversion writes quantize, dequantize or requantize.
func (e *exporter) conversion(l *Layer) {
	var typ string
	attrs := []model.Attr{model.BoolAttr("use_mkldnn", true)}
	switch op := l.Op.(type) {
	case *Quantize:
		typ = "quantize"
		attrs = append(attrs, model.FloatAttr("Scale", op.Scale),
			model.BoolAttr("is_negative_input", l.Out[0].DType == model.Int8),
			model.StringAttr("data_format", "MKLDNNLAYOUT"))
	case *Dequantize:
		typ = "dequantize"
		attrs = append(attrs, model.FloatAttr("Scale", op.Scale), model.StringAttr("data_format", "MKLDNNLAYOUT"))
	case *Requantize: // 2.6 takes absent shifts for 1
		typ = "requantize"
		attrs = append(attrs, model.FloatAttr("Scale_in", op.ScaleIn), model.FloatAttr("Scale_out", op.ScaleOut),
			model.FloatAttr("Shift_in", 0), model.FloatAttr("Shift_out", 0))
	}
	e.block.AddOp(typ, model.Slots("Input", l.In[0].Name), model.Slots("Output", l.Out[0].Name), attrs...)
}
