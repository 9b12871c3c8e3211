package model

import (
	"fmt"
	"math"
	"slices"
	"strconv"
)

// This file writes operators of 1.x that have no successor of the same slots
// and attributes, and constants.

// flatten2 makes two dims of x, split before axis: those from axis on become
// one, then those before it.
func (w *pirWriter) flatten2(o *Op) error {
	axis := o.Int("axis", 1)
	if len(o.In("X")) != 1 || len(o.Out("Out")) != 1 {
		return malformed("slots X and Out", "one variable each", "another number")
	}
	x, err := w.typeOf(o.In("X")[0])
	if err != nil {
		return err
	}
	if axis < 1 || axis >= int64(len(x.dims)) {
		return unsupported("attribute axis", fmt.Sprintf("an inner dim of %v, to write it as PIR", x.dims), fmt.Sprint(axis))
	}
	flatten := func(from, to string, start, stop int32) error {
		return w.rowOf(&Op{
			Type: "flatten_contiguous_range", Inputs: Slots("X", from), Outputs: Slots("Out", to),
			Attrs: []Attr{IntAttr("start_axis", start), IntAttr("stop_axis", stop)},
		})
	}
	if axis == 1 {
		return flatten(o.In("X")[0], o.Out("Out")[0], 1, -1)
	}
	rest := int64(1)
	for _, d := range x.dims[axis:] {
		if rest *= d; d < 0 {
			rest = -1
			break
		}
	}
	inner := w.temp(pirType{dtype: x.dtype, dims: append(slices.Clone(x.dims[:axis]), rest)})
	if err := flatten(o.In("X")[0], inner, int32(axis), -1); err != nil {
		return err
	}
	return flatten(inner, o.Out("Out")[0], 0, int32(axis-1))
}

// crossEntropy is the loss of probabilities: PIR has it as a mode of the loss
// of logits, which gives the probabilities back.
func (w *pirWriter) crossEntropy(o *Op) error {
	c := o.Clone()
	c.Type = "softmax_with_cross_entropy"
	for i := range c.Inputs {
		if c.Inputs[i].Name == "X" {
			c.Inputs[i].Name = "Logits"
		}
	}
	if len(o.In("X")) != 1 || len(o.Out("Y")) != 1 {
		return malformed("slots X and Y", "one variable each", "another number")
	}
	t, err := w.typeOf(o.In("X")[0])
	if err != nil {
		return err
	}
	c.Outputs = Slots("Softmax", w.temp(t), "Loss", o.Out("Y")[0])
	c.Attrs = append(c.Attrs, BoolAttr("use_softmax", false))
	return w.rowOf(c)
}

// pad2d pads a tensor that pad3d sees with a dim of depth 1.
func (w *pirWriter) pad2d(o *Op) error {
	p := o.Ints("paddings", []int64{0, 0, 0, 0})
	mode := o.Str("mode", "constant")
	if mode == "edge" {
		mode = "replicate"
	}
	if len(p) != 4 || len(o.In("X")) != 1 || len(o.Out("Out")) != 1 || len(o.In("Paddings")) > 0 || o.Str("data_format", "NCHW") != "NCHW" {
		return unsupported("", "four constant paddings of NCHW, to write it as PIR", "something else")
	}
	x, err := w.typeOf(o.In("X")[0])
	if err != nil {
		return err
	}
	y, err := w.typeOf(o.Out("Out")[0])
	if err != nil {
		return err
	}
	deep := func(t pirType) pirType {
		if len(t.dims) >= 2 {
			t.dims = slices.Insert(slices.Clone(t.dims), 2, 1)
		}
		return t
	}
	value, err := encodeOne(pirF64, o.Float("pad_value", 0))
	if err != nil {
		return err
	}
	id, err := w.value(o.In("X")[0])
	for _, step := range []struct {
		name  string
		ints  []int64
		attrs []pirJSONAttr
		out   outcome
	}{
		{"1.unsqueeze", []int64{2}, nil, outcome{typ: deep(x)}},
		{"1.pad3d", []int64{p[2], p[3], p[0], p[1], 0, 0}, []pirJSONAttr{
			pirAttribute("mode", pirStr, mode), {value, "pad_value"}, pirAttribute("data_format", pirStr, "NCDHW"),
		}, outcome{typ: deep(y)}},
		{"1.squeeze", []int64{2}, nil, outcome{y, o.Out("Out")[0]}},
	} {
		if err != nil {
			return err
		}
		var ids []int64
		var list int64
		if list, err = w.ints(step.ints); err != nil {
			return err
		}
		if ids, err = w.emit(step.name, step.attrs, []int64{id, list}, step.out); err == nil {
			id = ids[0]
		}
	}
	return err
}

// interpV1 writes resampling of 1.x. Its one scale only gives the size of the
// output, of which the steps through the input follow; in 2.x the steps are
// those of the scale.
func (w *pirWriter) interpV1(o *Op) error {
	c := o.Clone()
	c.Type = o.Type + "_v2"
	scale := o.Float("scale", 0)
	c.dropAttr("scale")
	switch {
	case scale <= 0 || len(o.Out("Out")) != 1:
	case scale == math.Trunc(scale):
		c.Attrs = append(c.Attrs, FloatsAttr("scale", float32(scale), float32(scale)))
	default:
		y, err := w.typeOf(o.Out("Out")[0])
		if err != nil {
			return err
		}
		if len(y.dims) != 4 || y.dims[2] < 1 || y.dims[3] < 1 || o.Str("data_layout", "NCHW") == "NHWC" {
			return unsupported("attribute scale", "an integer, or a size that is known, to write it as PIR", fmt.Sprint(scale))
		}
		c.SetAttr(IntAttr("out_h", int32(y.dims[2])))
		c.SetAttr(IntAttr("out_w", int32(y.dims[3])))
	}
	return w.rowOf(c)
}

// nms adds the outputs that Paddle 2 gave to non-maximum suppression, and that
// Paddle 3 insists on.
func (w *pirWriter) nms(o *Op) error {
	c := o.Clone()
	c.Type = "multiclass_nms3"
	for _, s := range []struct {
		slot string
		dims []int64
	}{{"Index", []int64{-1, 1}}, {"NmsRoisNum", []int64{-1}}} {
		if len(o.Out(s.slot)) == 0 {
			c.Outputs = slices.DeleteFunc(c.Outputs, func(have Slot) bool { return have.Name == s.slot })
			c.Outputs = append(c.Outputs, Slot{s.slot, []string{w.temp(pirType{dtype: Int32, dims: s.dims})}})
		}
	}
	return w.rowOf(c)
}

// fillLike takes a value from the text that wins over the number.
func (w *pirWriter) fillLike(o *Op) error {
	c := o.Clone()
	value, err := o.fillValue()
	if err != nil {
		return err
	}
	c.SetAttr(FloatAttr("value", float32(value)))
	c.dropAttr("str_value")
	return w.rowOf(c)
}

// fillValue is the number that a fill is about.
func (o *Op) fillValue() (float64, error) {
	s := o.Str("str_value", "")
	if s == "" {
		return o.Float("value", 0), nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return 0, malformed("attribute str_value", "a number", quote(s))
	}
	return f, nil
}

// fillConstant is one number everywhere.
func (w *pirWriter) fillConstant(o *Op) error {
	value, err := o.fillValue()
	if err != nil {
		return err
	}
	for _, s := range o.Inputs {
		if len(s.Args) > 0 {
			return unsupported("slot "+s.Name, "no variables, to write it as PIR", fmt.Sprint(len(s.Args)))
		}
	}
	if len(o.Out("Out")) != 1 {
		return malformed("slot Out", "one variable", fmt.Sprint(len(o.Out("Out"))))
	}
	t := pirType{dtype: DType(o.Int("dtype", int64(FP32))), dims: o.Ints("shape", nil)}
	_, err = w.full(t, value, o.Out("Out")[0])
	return err
}

// assignValue is a list of numbers: PIR writes them over a constant.
func (w *pirWriter) assignValue(o *Op) error {
	t := pirType{dtype: DType(o.Int("dtype", int64(FP32))), dims: o.Ints("shape", nil)}
	as, ok := valueLists[t.dtype]
	a := o.Attr(as.attr)
	if !ok || a == nil || len(o.Out("Out")) != 1 {
		return unsupported("", "numbers of type bool, int32, int64, float32 or float64 for one variable", t.dtype.String())
	}
	list, err := classical(AttrFloat64s, loose(a.Value))
	if err != nil {
		return inPIROp(err, "attribute "+as.attr, -1)
	}
	values, err := encodeArray(pirF64, list.([]float64))
	if err != nil {
		return err
	}
	shape, err := encodeArray(pirI32, t.dims)
	if err != nil {
		return err
	}
	under, err := w.full(t, 0, "")
	if err != nil {
		return err
	}
	_, err = w.emit("1.assign_value_", []pirJSONAttr{
		{shape, "shape"}, pirAttribute("dtype", pirDType, int32(t.dtype)), {values, "values"}, constantPlace,
	}, under, outcome{t, o.Out("Out")[0]})
	return err
}
