package graph

import "github.com/octet-dnn/octet/model"

var convImporters = map[string]importFunc{
	"conv2d":                     importConv,
	"depthwise_conv2d":           importConv,
	"fused_conv2d":               importConv,
	"conv2d_transpose":           importDeconv,
	"depthwise_conv2d_transpose": importDeconv,
}

// importConv reads conv2d of every version and fused_conv2d. Bias, residual and
// activation are honoured wherever they are written: Paddle ≥ 2.6 ignores them
// on conv2d, but the programs that carry them were written by versions that
// did not.
func importConv(r *reader) {
	c := &Conv{
		Strides:   r.pair("strides", 1, 1),
		Dilations: r.pair("dilations", 1, 1),
		Pads:      r.pads("paddings"),
		PadMode:   r.padMode(),
		Groups:    r.groups(),
		Act:       r.fusedActivation(),
	}
	if r.flag("fuse_relu_before_depthwise_conv", false) {
		r.fail(unsupportedErr("relu fused in front of the convolution"))
	}
	x, filter, bias := r.in("Input"), r.param("Filter"), r.optionalParam("Bias")
	var residual *Value
	if r.flag("fuse_residual_connection", false) {
		residual = r.in("ResidualData")
	}
	dt := model.FP32
	if isInt8(x) {
		c.Int8 = r.convScales(residual)
		dt = c.int8Type(residual)
	} else {
		r.float(x, residual)
	}
	nhwc := r.channelsLast("data_format")
	if nhwc && residual != nil {
		residual = r.toNCHW(residual)
	}
	r.spatial("Output", nhwc, c, x, dt, filter, bias, residual)
}

func (r *reader) groups() int {
	g := r.int("groups", 1)
	if g < 1 {
		r.fail(programErr("attribute groups is %d: want a positive number", g))
	}
	return g
}

// convScales reads the INT8 attributes, which kept their names in all versions.
func (r *reader) convScales(residual *Value) *Int8 {
	q := &Int8{
		ScaleIn:        r.scale("Scale_in", 1),
		ScaleOut:       r.scale("Scale_out", 1),
		ScaleInEltwise: r.scale("Scale_in_eltwise", 1),
		ScaleWeights:   r.weightScales("Scale_weights"),
		ForceFP32:      r.flag("force_fp32_output", false),
	}
	if residual != nil {
		if q.ForceFP32 {
			r.fail(unsupportedErr("a residual with force_fp32_output"))
		}
		if !isInt8(residual) {
			r.fail(unsupportedErr("residual %q of type %v on an INT8 convolution", residual.Name, residual.DType))
		}
	}
	return q
}

// weightScales reads scales of which 0 means a dead channel: its weights are
// all 0, so that any scale will do.
func (r *reader) weightScales(name string) []float32 {
	scales := r.numbers(name, 1)
	if len(scales) == 0 {
		r.fail(programErr("attribute %s is empty", name))
	}
	for i, s := range scales {
		if s == 0 {
			scales[i] = 1
		} else if s < 0 {
			r.fail(programErr("attribute %s holds %v", name, s))
		}
	}
	return scales
}

// int8Type is the type of an INT8 convolution's output by Paddle's rule: u8
// behind relu or relu6, else s8; but with a residual the arithmetic is done in
// the residual's type. Behind a relu over an s8 residual the result, 0…127, is
// then called u8.
func (c *Conv) int8Type(residual *Value) model.DType {
	switch {
	case c.Int8.ForceFP32:
		return model.FP32
	case residual != nil && residual.DType == model.UInt8:
		return model.UInt8
	case c.Act.Unsigned():
		c.Int8.SaturateS8 = residual != nil
		return model.UInt8
	}
	return model.Int8
}

func importDeconv(r *reader) {
	d := &Deconv{
		Strides:   r.pair("strides", 1, 1),
		Dilations: r.pair("dilations", 1, 1),
		Pads:      r.pads("paddings"),
		PadMode:   r.padMode(),
		Groups:    r.groups(),
		Act:       r.fusedActivation(),
	}
	r.twoIfAny("output_size", &d.OutputSize)
	r.twoIfAny("output_padding", &d.OutputPadding)
	x, filter, bias := r.in("Input"), r.param("Filter"), r.optionalParam("Bias")
	r.float(x)
	r.spatial("Output", r.channelsLast("data_format"), d, x, model.FP32, filter, bias)
}

// twoIfAny reads a list that is empty or holds two numbers.
func (r *reader) twoIfAny(name string, to *[2]int) {
	switch list := r.ints(name); len(list) {
	case 0:
	case 2:
		*to = [2]int(list)
	default:
		r.fail(programErr("attribute %s is %v: want two numbers", name, list))
	}
}

// channelsLast reads a layout attribute: true for NHWC.
func (r *reader) channelsLast(attr string) bool {
	switch s := r.text(attr, "NCHW"); s {
	case "NCHW", "AnyLayout", "MKLDNNLAYOUT", "":
		return false
	case "NHWC":
		return true
	default:
		r.fail(unsupportedErr("%s %q", attr, s))
		return false
	}
}

// spatial emits an op over NCHW, between transpositions if the program's data
// is NHWC.
func (r *reader) spatial(slot string, nhwc bool, op Op, x *Value, dt model.DType, more ...*Value) {
	if !nhwc {
		r.emit(op, append([]*Value{x}, more...)...).out(slot, dt)
		return
	}
	y := r.emit(op, append([]*Value{r.toNCHW(x)}, more...)...).hidden(dt)
	r.emit(&Transpose{Perm: []int{0, 2, 3, 1}}, y).out(slot, dt)
}

func (r *reader) toNCHW(x *Value) *Value {
	return r.emit(&Transpose{Perm: []int{0, 3, 1, 2}}, x).hidden(typeOf(x))
}
