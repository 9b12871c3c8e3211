package onnx

import (
	"slices"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// elementwise writes layers that take elements one by one.
func (e *exporter) elementwise(l *graph.Layer) error {
	in, err := e.ins(l.In...)
	if err != nil {
		return err
	}
	y, i := l.Out[0], e.infoOf(l.Out[0])
	switch op := l.Op.(type) {
	case *graph.Act:
		if y.DType != model.FP32 {
			return e.integerAct(l, op.Activation, in[0])
		}
		e.give(e.act(y, op.Activation, in[0], i), y)
	case *graph.Cast:
		typ, ok := elemTypes[op.To]
		if !ok {
			return refuse("elements of type %v", op.To)
		}
		e.result(y, "Cast", in, intAttr("to", int(typ)))
	case *graph.Identity:
		e.result(y, "Identity", in)
	case *graph.Binary:
		return e.binary(l, op)
	}
	return nil
}

// integerAct writes scales and shifts of integers, as programs compute dims.
func (e *exporter) integerAct(l *graph.Layer, a graph.Activation, x string) error {
	y, i := l.Out[0], e.infoOf(l.Out[0])
	if a.Kind != graph.ActLinear {
		return refuse("%v of %v", a, y.DType)
	}
	product := e.step(y, "Mul", i, []string{x, e.typed(y.DType, float64(a.Alpha))})
	e.give(e.step(y, "Add", i, []string{product, e.typed(y.DType, float64(a.Beta))}), y)
	return nil
}

var binaryOps = map[graph.BinaryKind]string{
	graph.Add: "Add", graph.Sub: "Sub", graph.MulElem: "Mul", graph.Div: "Div", graph.Max: "Max", graph.Min: "Min", graph.Pow: "Pow",
}

func (e *exporter) binary(l *graph.Layer, op *graph.Binary) error {
	in := make([]string, 2)
	for n := range in {
		var err error
		if in[n], err = e.operand(l, op, n); err != nil {
			return err
		}
	}
	y, i := l.Out[0], e.infoOf(l.Out[0])
	two := func(op, x, y string) string { return e.step(l.Out[0], op, i, []string{x, y}) }
	var z string
	switch name, ok := binaryOps[op.Type]; {
	case ok:
		z = two(name, in[0], in[1])
	case y.DType == model.FP32: // ONNX's Mod has the sign of x for reals
		z = e.step(y, "Floor", i, []string{two("Div", in[0], in[1])})
		if op.Type == graph.Mod {
			z = two("Sub", in[0], two("Mul", z, in[1]))
		}
	default: // and that of y for integers, whose Div rounds to 0
		z = two("Mod", in[0], in[1])
		if op.Type == graph.FloorDiv {
			z = two("Div", two("Sub", in[0], z), in[1])
		}
	}
	e.give(e.act(y, op.Act, z, i), y)
	return nil
}

// operand returns input n with the dims that make ONNX broadcast it as Paddle
// does: with Axis it may lie in the middle of the other.
func (e *exporter) operand(l *graph.Layer, op *graph.Binary, n int) (string, error) {
	v := l.In[n]
	x, _ := e.shapes(l.In[0])
	other, _ := e.shapes(l.In[1])
	ax, ay, err := op.Align(x, other)
	if err != nil {
		return "", err
	}
	aligned := [2]graph.Shape{ax, ay}[n]
	have, _ := e.shapes(v)
	if op.Axis < 0 || len(have) == len(aligned) {
		return e.in(v)
	}
	if e.consts[v] != nil {
		return e.reshaped(v, int64s(aligned)...)
	}
	name, err := e.in(v)
	if err != nil {
		return "", err
	}
	// Ones go in front and behind; those that do not fit behind go away.
	var behind []int
	for d := op.Axis + len(have); d < len(aligned); d++ {
		behind = append(behind, d)
	}
	if op.Axis+len(have) > len(aligned) {
		return "", refuse("dims of 1 at the end of %q", v.Name)
	}
	i := e.infoOf(v)
	i.dims = slices.Concat(i.dims, slices.Repeat([]int64{1}, len(behind)))
	if len(behind) == 0 {
		return name, nil
	}
	for d := range behind {
		behind[d] -= op.Axis
	}
	return e.step(v, "Unsqueeze", i, []string{name, e.list(behind...)}), nil
}
