package graph

import (
	"slices"
	"strconv"

	"github.com/octet-dnn/octet/model"
)

var dynamicImporters = map[string]importFunc{
	"shape":                         importShape,
	"fill_constant":                 importFill,
	"fill_constant_batch_size_like": importFillBatchLike,
	"fill_any_like":                 importFillLike,
	"fill_zeros_like":               importFillLike,
	"assign_value":                  importAssignValue,
	"expand":                        importExpand,
	"expand_v2":                     importExpand,
	"tile":                          importExpand,
	"expand_as_v2":                  importExpandAs,
}

// operands returns the variables of the first slot that has any: shape operands.
func (r *reader) operands(slots ...string) []*Value {
	for _, s := range slots {
		if len(r.op.In(s)) > 0 {
			return r.list(s)
		}
	}
	return nil
}

// fixedInts reads integers that a tensor may give instead of an attribute,
// which must be a constant then.
func (r *reader) fixedInts(attr string, slots ...string) []int {
	operands := r.operands(slots...)
	if len(operands) == 0 {
		return r.ints(attr)
	}
	var list []int
	for _, v := range operands {
		if r.err != nil {
			return nil
		}
		var c []float64
		if v.Const != nil {
			c = elements(v.Const)
		}
		if c == nil {
			r.fail(unsupportedErr("%s given as the computed tensor %q", attr, v.Name))
		}
		list = append(list, asInts(c)...)
	}
	return list
}

// fixedInt is fixedInts for one number.
func (r *reader) fixedInt(attr string, def int, slot string) int {
	if len(r.op.In(slot)) == 0 {
		return r.int(attr, def)
	}
	list := r.fixedInts(attr, slot)
	if r.err == nil && len(list) != 1 {
		r.fail(programErr("%s holds %v: want one number", slot, list))
	}
	if r.err != nil {
		return def
	}
	return list[0]
}

func importShape(r *reader) { r.emit(&ShapeOf{}, r.in("Input")).out("Out", model.Int32) }

// maxFill bounds the constants that fill_constant makes at once: it is for
// scalars and biases.
const maxFill = 1 << 20

// importFill makes a constant instead of a layer, where the dims are known.
func importFill(r *reader) {
	r.absent("ValueTensor")
	f := &Fill{Value: r.fillValue(), To: r.fillType(), Dims: r.ints("shape")}
	if operands := r.operands("ShapeTensor", "ShapeTensorList"); len(operands) > 0 {
		r.emit(f, operands...).out("Out", f.To)
		return
	}
	n, err := Shape(f.Dims).Elems()
	if err != nil {
		r.fail(err)
	} else if n > maxFill {
		r.fail(unsupportedErr("fill_constant of %v", Shape(f.Dims)))
	}
	if r.err == nil {
		r.bindConst(slices.Repeat([]float64{f.Value}, n), f.To, f.Dims)
	}
}

func (r *reader) fillValue() float64 {
	value := float64(r.number("value", 0))
	if s := r.text("str_value", ""); s != "" {
		f, err := strconv.ParseFloat(s, 64)
		if err != nil {
			r.fail(programErr("attribute str_value is %q", s))
		}
		r.finite("str_value", float32(f))
		value = f
	}
	return value
}

func (r *reader) fillType() model.DType {
	dt := model.DType(r.int("dtype", int(model.FP32)))
	switch dt {
	case model.FP32, model.Int32, model.Int64:
	default:
		r.fail(unsupportedErr("%s of type %v", r.op.Type, dt))
	}
	return dt
}

// bindConst makes the constant x the op's result.
func (r *reader) bindConst(x []float64, dt model.DType, dims []int) {
	name := r.arg(r.op.Outputs, "Out")
	if r.err != nil {
		return
	}
	v := constOf(name, x, dt, toDims(dims))
	r.im.bind(name, v, r)
	r.im.writes = append(r.im.writes, v)
}

func importAssignValue(r *reader) {
	dt, dims := r.fillType(), r.ints("shape")
	var x []float64
	switch dt {
	case model.FP32:
		for _, v := range r.numbers("fp32_values") {
			x = append(x, float64(v))
		}
	case model.Int32:
		x = float64s(r.ints("int32_values"))
	default:
		x = float64s(r.ints("int64_values"))
	}
	if n, err := Shape(dims).Elems(); err != nil || n != len(x) {
		r.fail(programErr("%d values for %v", len(x), Shape(dims)))
	}
	r.bindConst(x, dt, dims)
}

func float64s(list []int) []float64 {
	out := make([]float64, len(list))
	for i, v := range list {
		out[i] = float64(v)
	}
	return out
}

func importFillBatchLike(r *reader) {
	f := &Fill{
		Value: r.fillValue(), To: r.fillType(), Like: FillBatchLike, Dims: r.ints("shape"),
		From: r.int("input_dim_idx", 0), At: r.int("output_dim_idx", 0),
	}
	r.emit(f, r.in("Input")).out("Out", f.To)
}

func importFillLike(r *reader) {
	x := r.in("X")
	f := &Fill{Value: r.fillValue(), To: typeOf(x), Like: FillSame}
	if r.int("dtype", -1) >= 0 {
		f.To = r.fillType()
	}
	r.emit(f, x).out("Out", f.To)
}

// importExpand reads expand (expand_times) and tile (repeat_times), which
// repeat, and expand_v2 (shape), which stretches.
func importExpand(r *reader) {
	e := &Expand{}
	var operands []*Value
	switch r.op.Type {
	case "expand":
		e.Dims, operands = r.ints("expand_times"), r.operands("ExpandTimes", "expand_times_tensor")
	case "tile":
		e.Dims, operands = r.ints("repeat_times"), r.operands("RepeatTimes", "repeat_times_tensor")
	default:
		e.To, e.Dims, operands = true, r.ints("shape"), r.operands("Shape", "expand_shapes_tensor")
	}
	x := r.in("X")
	r.emit(e, append([]*Value{x}, operands...)...).out("Out", typeOf(x))
}

// importExpandAs stretches to the dims of another tensor.
func importExpandAs(r *reader) {
	x := r.in("X")
	e := &Expand{To: true, Dims: r.ints("target_shape")}
	in := []*Value{x}
	if y := r.optional("Y"); y != nil {
		in = append(in, r.emit(&ShapeOf{}, y).hidden(model.Int32))
	}
	r.emit(e, in...).out("Out", typeOf(x))
}
