package model

import (
	"fmt"
	"slices"
)

// pirWriters write the classical operators that are more than another spelling
// of one of PIR: those whose attributes PIR expresses by other operators, and
// those of 1.x that 2.x replaced.
var pirWriters map[string]func(*pirWriter, *Op) error

func init() { // they write by rows of the table, or by each other
	pirWriters = map[string]func(*pirWriter, *Op) error{
		"reshape":                       renamed("reshape2"),
		"transpose":                     renamed("transpose2"),
		"squeeze":                       renamed("squeeze2"),
		"unsqueeze":                     renamed("unsqueeze2"),
		"top_k":                         renamed("top_k_v2"),
		"multiclass_nms":                (*pirWriter).nms,
		"multiclass_nms2":               (*pirWriter).nms,
		"reshape2":                      (*pirWriter).joinTensors,
		"unsqueeze2":                    (*pirWriter).joinTensors,
		"expand_v2":                     (*pirWriter).joinTensors,
		"tile":                          (*pirWriter).joinTensors,
		"slice":                         (*pirWriter).joinTensors,
		"strided_slice":                 (*pirWriter).joinTensors,
		"flatten":                       (*pirWriter).flatten2,
		"flatten2":                      (*pirWriter).flatten2,
		"pad2d":                         (*pirWriter).pad2d,
		"fill_constant":                 (*pirWriter).fillConstant,
		"fill_constant_batch_size_like": (*pirWriter).fillLike,
		"assign_value":                  (*pirWriter).assignValue,
		"cross_entropy":                 (*pirWriter).crossEntropy,
		"cross_entropy2":                (*pirWriter).crossEntropy,
		"nearest_interp":                (*pirWriter).interpV1,
		"bilinear_interp":               (*pirWriter).interpV1,
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

// joinedSlots are lists of tensors of one element each, and the slots for one
// tensor that say the same.
var joinedSlots = map[string]string{
	"ShapeTensor": "Shape", "expand_shapes_tensor": "Shape", "repeat_times_tensor": "RepeatTimes", "AxesTensorList": "AxesTensor",
	"StartsTensorList": "StartsTensor", "EndsTensorList": "EndsTensor", "StridesTensorList": "StridesTensor",
}

// joinTensors joins what is given as a list of tensors of one element.
func (w *pirWriter) joinTensors(o *Op) error {
	c := o.Clone()
	c.Inputs = nil
	for _, s := range o.Inputs {
		as := joinedSlots[s.Name]
		switch {
		case len(s.Args) == 0:
		case as == "":
			c.Inputs = append(c.Inputs, s)
		case len(o.In(as)) == 0: // else the tensor wins
			joined, err := w.join(s.Args)
			if err != nil {
				return err
			}
			c.Inputs = append(c.Inputs, Slot{as, []string{joined}})
		}
	}
	return w.rowOf(c)
}

// join makes one vector of tensors of one element.
func (w *pirWriter) join(args []string) (string, error) {
	list, err := w.list(args, false)
	if err != nil {
		return "", err
	}
	t, err := w.typeOf(args[0])
	if err != nil {
		return "", err
	}
	joined := w.temp(pirType{dtype: t.dtype, dims: []int64{int64(len(args))}})
	if len(t.dims) == 0 {
		_, err = w.emit("1.stack", []pirJSONAttr{pirAttribute("axis", pirI32, int32(0))}, []int64{list}, w.outcome(joined))
		return joined, err
	}
	axis, err := w.number(Int32, int32(0))
	if err != nil {
		return "", err
	}
	_, err = w.emit("1.concat", nil, []int64{list, axis}, w.outcome(joined))
	return joined, err
}

// outcome is the result that becomes a temporary variable.
func (w *pirWriter) outcome(temp string) outcome {
	v := w.vars[temp]
	return outcome{pirType{dtype: v.DType, dims: v.Dims}, temp}
}
