package onnx

import (
	"reflect"
	"slices"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// move writes layers that put elements elsewhere.
func (e *exporter) move(l *graph.Layer) error {
	in, err := e.ins(graph.DataInputs(l)...)
	if err != nil {
		return err
	}
	y := l.Out[0]
	switch op := l.Op.(type) {
	case *graph.Reshape:
		if _, err := e.resolved(l); err != nil {
			dims, err := e.operands(l, l.In[1:])
			if err != nil {
				return err
			}
			e.result(y, "Reshape", []string{in[0], dims})
			return nil
		}
		z, err := e.reshape(y, in[0], l.In[0], y, len(e.infoOf(y).dims))
		if err != nil {
			return err
		}
		e.give(z, y)
	case *graph.Transpose:
		e.result(y, "Transpose", in, intsAttr("perm", op.Perm...))
	case *graph.Concat:
		e.result(y, "Concat", in, intAttr("axis", op.Axis))
	case *graph.ShuffleChannel:
		s, _ := e.shapes(l.In[0])
		e.result(y, "Gather", []string{in[0], e.list(shuffled(s[1], op.Groups)...)}, intAttr("axis", 1))
	case *graph.Split:
		return e.split(l, op, in[0])
	case *graph.Slice:
		return e.slice(l, in[0])
	}
	return nil
}

// shuffled lists the channels as a transposition of [groups, n/groups] leaves
// them.
func shuffled(n, groups int) []int {
	list := make([]int, 0, n)
	for i := range n / groups {
		for g := range groups {
			list = append(list, g*(n/groups)+i)
		}
	}
	return list
}

func (e *exporter) split(l *graph.Layer, op *graph.Split, x string) error {
	axis := op.Axis
	if axis < 0 {
		axis += e.rank(l.In[0])
	}
	sizes, names := make([]int, len(l.Out)), make([]string, len(l.Out))
	for i, v := range l.Out {
		a, b := e.shapes(v)
		if a[axis] != b[axis] {
			return refuse("pieces of an open dim")
		}
		sizes[i], names[i] = a[axis], v.Name
		e.out.ValueInfo = append(e.out.ValueInfo, e.infoOf(v).proto(v.Name))
	}
	e.node("Split", []string{x, e.list(sizes...)}, names, intAttr("axis", axis))
	return nil
}

func (e *exporter) slice(l *graph.Layer, x string) error {
	op := l.Op.(*graph.Slice)
	from, to, err := e.bounds(l, op)
	if err != nil {
		return err
	}
	steps := make([]int, len(op.Axes))
	for i := range steps {
		steps[i] = op.Step(i)
	}
	y := l.Out[0]
	i, err := e.cut(l, op)
	if err != nil {
		return err
	}
	cut := e.step(y, "Slice", i, []string{x, from, to, e.list(op.Axes...), e.list(steps...)})
	if drop := op.Squeeze; len(drop) > 0 {
		if len(drop) == len(i.dims) { // Paddle keeps one
			drop = drop[1:]
		}
		if len(drop) > 0 {
			cut = e.step(y, "Squeeze", e.infoOf(y), []string{cut, e.list(drop...)})
		}
	}
	e.give(cut, y)
	return nil
}

// bounds returns the starts and ends of a slice: lists, or what the shape
// operands say.
func (e *exporter) bounds(l *graph.Layer, op *graph.Slice) (from, to string, err error) {
	fixed, err := e.resolved(l)
	if err == nil {
		op := fixed.(*graph.Slice)
		return e.list(op.Starts...), e.list(op.Ends...), nil
	}
	from, to = e.list(op.Starts...), e.list(op.Ends...)
	split := 1 + op.StartOperands
	if op.StartOperands > 0 {
		if from, err = e.operands(l, l.In[1:split]); err != nil {
			return "", "", err
		}
	}
	if op.EndOperands > 0 {
		to, err = e.operands(l, l.In[split:])
		return from, to, err
	}
	return from, to, nil
}

// cut is what a slice leaves of its input, before dims are dropped.
func (e *exporter) cut(l *graph.Layer, op *graph.Slice) (info, error) {
	i := e.infoOf(l.In[0])
	var counts [2]graph.Shape
	for at := range counts {
		resolved, err := e.sizes[at].Op(l)
		if err != nil {
			return i, err
		}
		s := e.sizes[at].Shapes[l.In[0]]
		counts[at] = slices.Clone(s)
		for n, axis := range op.Axes {
			if axis < 0 {
				axis += len(s)
			}
			_, counts[at][axis] = resolved.(*graph.Slice).Range(n, s[axis])
		}
	}
	for d := range i.dims {
		if i.dims[d] = int64(counts[0][d]); counts[0][d] != counts[1][d] {
			i.dims[d] = -1
		}
	}
	i.batch = i.batch && !slices.Contains(op.Axes, 0)
	return i, nil
}

// resolved returns l's op with its shape operands as attributes, which must not
// depend on what the inputs leave open.
func (e *exporter) resolved(l *graph.Layer) (graph.Op, error) {
	a, err := e.sizes[0].Op(l)
	if err != nil {
		return nil, err
	}
	b, err := e.sizes[1].Op(l)
	if err != nil {
		return nil, err
	}
	if !reflect.DeepEqual(a, b) {
		return nil, refuse("its operands depend on the size of the inputs")
	}
	return a, nil
}

// operands joins shape operands of l to one vector of int64.
func (e *exporter) operands(l *graph.Layer, list []*graph.Value) (string, error) {
	var parts []string
	n := 0
	for _, v := range list {
		name, err := e.in(v)
		if err != nil {
			return "", err
		}
		s, _ := e.shapes(v)
		size := int64(1)
		for _, d := range s {
			size *= int64(d)
		}
		if v.DType != model.Int64 {
			name = e.step(v, "Cast", e.infoOf(v).as(model.Int64), []string{name}, intAttr("to", int(elemTypes[model.Int64])))
		}
		if len(s) != 1 {
			name = e.step(v, "Reshape", plain(model.Int64, size), []string{name, e.list(-1)})
		}
		parts, n = append(parts, name), n+int(size)
	}
	if len(parts) == 1 {
		return parts[0], nil
	}
	return e.step(l.Out[0], "Concat", plain(model.Int64, int64(n)), parts, intAttr("axis", 0)), nil
}
