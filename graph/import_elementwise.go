package graph

import (
	"fmt"

	"github.com/octet-dnn/octet/model"
)

var elementwiseImporters = map[string]importFunc{
	"elementwise_add":      elementwise(Add),
	"elementwise_sub":      elementwise(Sub),
	"elementwise_mul":      elementwise(MulElem),
	"elementwise_div":      elementwise(Div),
	"elementwise_max":      elementwise(Max),
	"elementwise_min":      elementwise(Min),
	"elementwise_pow":      elementwise(Pow),
	"elementwise_mod":      elementwise(Mod),
	"elementwise_floordiv": elementwise(FloorDiv),
	"sum":                  importSum,
	"reduce_mean":          reduction(ReduceMean),
	"reduce_sum":           reduction(ReduceSum),
	"reduce_max":           reduction(ReduceMax),
	"reduce_min":           reduction(ReduceMin),
	"reduce_prod":          reduction(ReduceProd),
	"mean":                 importMean,
}

func elementwise(kind BinaryKind) importFunc {
	return func(r *reader) {
		x, y := r.in("X"), r.in("Y")
		r.arithmetic(x)
		if r.err == nil && x.DType != y.DType {
			r.fail(unsupportedErr("%v %q with %v %q", x.DType, x.Name, y.DType, y.Name))
		}
		r.emit(&Binary{Type: kind, Axis: r.int("axis", -1)}, x, y).out("Out", typeOf(x))
	}
}

// arithmetic requires a type that elementwise operations know: float32, or the
// integers that shapes and indices are computed in.
func (r *reader) arithmetic(v *Value) {
	switch typeOf(v) {
	case model.FP32, model.Int32, model.Int64:
	default:
		r.fail(unsupportedErr("input %q of type %v", v.Name, v.DType))
	}
}

// importSum adds its inputs from left to right.
func importSum(r *reader) {
	in := r.list("X")
	r.float(in...)
	switch {
	case r.err != nil:
		return
	case len(in) == 1:
		r.emit(&Identity{}, in[0]).out("Out", model.FP32)
		return
	}
	acc := in[0]
	for i, v := range in[1:] {
		n := r.emit(&Binary{Type: Add, Axis: -1}, acc, v)
		if i == len(in)-2 {
			n.out("Out", model.FP32)
			return
		}
		acc = n.hidden(model.FP32)
	}
}

func reduction(kind ReduceKind) importFunc {
	return func(r *reader) {
		red := &Reduce{Type: kind, Axes: r.ints("dim", 0), KeepDim: r.flag("keep_dim", false), Rank1: !r.scalar("Out")}
		if r.flag("reduce_all", false) {
			red.Axes = nil
		}
		x := r.in("X")
		if kind == ReduceMean {
			r.float(x)
		}
		r.arithmetic(x)
		r.emit(red, x).out("Out", typeOf(x))
	}
}

func importMean(r *reader) {
	x := r.in("X")
	r.float(x)
	r.emit(&Reduce{Rank1: !r.scalar("Out")}, x).out("Out", model.FP32)
}

// firstScalarVersion is the program version of Paddle 2.5, the first with
// tensors of rank 0.
const firstScalarVersion = 2005000

// scalar tells whether what is one number altogether has rank 0 or dims [1]:
// as it is declared, or else by the version that wrote the program.
func (r *reader) scalar(slot string) bool {
	if decl := r.im.vars[r.arg(r.op.Outputs, slot)]; decl != nil {
		return len(decl.Dims) == 0
	}
	return r.im.model.Program.Version >= firstScalarVersion
}

// String names the kind as Paddle's ops do.
func (k ReduceKind) String() string {
	names := [...]string{"mean", "sum", "max", "min", "prod"}
	if int(k) < len(names) {
		return names[k]
	}
	return fmt.Sprintf("reduce(%d)", uint8(k))
}

// String names the kind as messages and dumps do.
func (k BinaryKind) String() string {
	names := [...]string{"add", "sub", "mul", "div", "max", "min", "pow", "mod", "floordiv"}
	if int(k) < len(names) {
		return names[k]
	}
	return fmt.Sprintf("binary(%d)", uint8(k))
}
