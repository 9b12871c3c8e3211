package model

import (
	"fmt"
	"slices"
	"strconv"
)

// pirWriters write the classical operators that are more than another spelling
// of one of PIR: those whose attributes PIR expresses by other operators, and
// those of 1.x that 2.x replaced.
var pirWriters map[string]func(*pirWriter, *Op) error

func init() { // they write by rows of the table, or by each other
	pirWriters = map[string]func(*pirWriter, *Op) error{
		"reshape":         renamed("reshape2"),
		"transpose":       renamed("transpose2"),
		"squeeze":         renamed("squeeze2"),
		"unsqueeze":       renamed("unsqueeze2"),
		"expand_v2":       (*pirWriter).shapeTensors,
		"reshape2":        (*pirWriter).shapeTensors,
		"flatten":         (*pirWriter).flatten2,
		"flatten2":        (*pirWriter).flatten2,
		"top_k":           renamed("top_k_v2"),
		"pad2d":           (*pirWriter).pad2d,
		"fill_constant":   (*pirWriter).fillConstant,
		"assign_value":    (*pirWriter).assignValue,
		"cross_entropy":   (*pirWriter).crossEntropy,
		"cross_entropy2":  (*pirWriter).crossEntropy,
		"nearest_interp":  (*pirWriter).interpV1,
		"bilinear_interp": (*pirWriter).interpV1,
	}
	for _, row := range pirElementwiseOps {
		if row.read != nil {
			pirWriters[row.op] = (*pirWriter).alignY
		}
	}
	for _, row := range pirReduceOps {
		if row.read != nil {
			pirWriters[row.op] = (*pirWriter).reduceAll
		}
	}
}

// renamed writes an operator of 1.x by the row of its successor in 2.x, which
// has the same slots and attributes and more of them.
func renamed(to string) func(*pirWriter, *Op) error {
	return func(w *pirWriter, o *Op) error {
		c := o.Clone()
		c.Type = to
		return w.write(c)
	}
}

// rowOf writes o by the row of its own type.
func (w *pirWriter) rowOf(o *Op) error { return w.byRow(o, classicalRow(o)) }

// temp makes a variable that the program does not have.
func (w *pirWriter) temp(t pirType) string {
	name := fmt.Sprintf("\x00%d", len(w.vars)) // nobody else's
	w.vars[name] = &Var{Name: name, Type: VarLoDTensor, DType: t.dtype, Dims: t.dims}
	return name
}

// dropAttr removes an attribute.
func (o *Op) dropAttr(name string) {
	o.Attrs = slices.DeleteFunc(o.Attrs, func(a Attr) bool { return a.Name == name })
}

// alignY reshapes a Y that the attribute axis aligns with inner dims of X, as
// PIR broadcasts trailing dims only.
func (w *pirWriter) alignY(o *Op) error {
	c := o.Clone()
	axis := int(o.Int("axis", -1))
	c.dropAttr("axis")
	if len(o.In("X")) != 1 || len(o.In("Y")) != 1 || axis == -1 {
		return w.rowOf(c)
	}
	x, err := w.typeOf(o.In("X")[0])
	if err != nil {
		return err
	}
	y, err := w.typeOf(o.In("Y")[0])
	if err != nil {
		return err
	}
	dims := slices.Clone(y.dims)
	for axis+len(dims) > len(x.dims) && dims[len(dims)-1] == 1 {
		dims = dims[:len(dims)-1]
	}
	switch {
	case axis < 0 || axis+len(dims) > len(x.dims):
		return unsupported("attribute axis", fmt.Sprintf("a place for %v in %v", y.dims, x.dims), fmt.Sprint(axis))
	case axis+len(y.dims) == len(x.dims):
		return w.rowOf(c)
	}
	dims = append(slices.Repeat([]int64{1}, axis), dims...)
	dims = append(dims, slices.Repeat([]int64{1}, len(x.dims)-len(dims))...)
	if n := len(dims) - len(slices.DeleteFunc(slices.Clone(dims), func(d int64) bool { return d == -1 })); n > 1 {
		return unsupported("attribute axis", "at most one unknown dim of Y", fmt.Sprint(y.dims))
	}
	id, err := w.value(o.In("Y")[0])
	if err != nil {
		return err
	}
	return w.reshaped(o.In("Y")[0], id, pirType{dtype: y.dtype, dims: dims}, func() error { return w.rowOf(c) })
}

// reshaped lets f see the variable name, which holds value id, with other dims.
func (w *pirWriter) reshaped(name string, id int64, t pirType, f func() error) error {
	shape, err := w.ints(t.dims)
	if err != nil {
		return err
	}
	if w.env[name], err = w.one("1.reshape", nil, []int64{id, shape}, t); err != nil {
		return err
	}
	aligned := w.env[name]
	err = f()
	if w.env[name] == aligned { // f did not write the variable
		w.env[name] = id
	}
	return err
}

// reduceAll says by no axes what classically is a flag.
func (w *pirWriter) reduceAll(o *Op) error {
	c := o.Clone()
	if o.Bool("reduce_all", false) {
		c.SetAttr(IntsAttr("dim"))
	}
	return w.rowOf(c)
}

// shapeTensors joins a shape that is given as a list of tensors of one element.
func (w *pirWriter) shapeTensors(o *Op) error {
	c := o.Clone()
	for i, s := range c.Inputs {
		if (s.Name != "ShapeTensor" && s.Name != "expand_shapes_tensor") || len(s.Args) == 0 {
			continue
		}
		if len(o.In("Shape")) > 0 {
			c.Inputs[i].Args = nil // Shape wins
			continue
		}
		list, err := w.list(s.Args, false)
		if err != nil {
			return err
		}
		axis, err := w.number(Int32, int32(0))
		if err != nil {
			return err
		}
		t, err := w.typeOf(s.Args[0])
		if err != nil {
			return err
		}
		t.dims = []int64{int64(len(s.Args))}
		id, err := w.one("1.concat", nil, []int64{list, axis}, t)
		if err != nil {
			return err
		}
		joined := w.temp(t)
		w.env[joined] = id
		c.Inputs[i] = Slot{"Shape", []string{joined}}
	}
	return w.rowOf(c)
}

// flatten2 makes two dims of x, split before axis.
func (w *pirWriter) flatten2(o *Op) error {
	if axis := o.Int("axis", 1); axis != 1 {
		return unsupported("attribute axis", "1, to write it as PIR", fmt.Sprint(axis))
	}
	c := o.Clone()
	c.Type = "flatten_contiguous_range"
	c.dropAttr("axis")
	c.Attrs = append(c.Attrs, IntAttr("start_axis", 1), IntAttr("stop_axis", -1))
	return w.rowOf(c)
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

// interpV1 writes resampling of 1.x, which has one scale.
func (w *pirWriter) interpV1(o *Op) error {
	c := o.Clone()
	c.Type = o.Type + "_v2"
	scale := float32(o.Float("scale", 0))
	c.dropAttr("scale")
	if scale > 0 {
		c.Attrs = append(c.Attrs, FloatsAttr("scale", scale, scale))
	}
	return w.rowOf(c)
}

// fillConstant is one number everywhere.
func (w *pirWriter) fillConstant(o *Op) error {
	value := o.Float("value", 0)
	if s := o.Str("str_value", ""); s != "" {
		f, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return malformed("attribute str_value", "a number", quote(s))
		}
		value = f
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
	_, err := w.full(t, value, o.Out("Out")[0])
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
