package onnx

import (
	"slices"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// norm writes normalisations and reductions.
func (e *exporter) norm(l *graph.Layer) error {
	switch op := l.Op.(type) {
	case *graph.LayerNorm:
		return e.layerNorm(l, op)
	case *graph.PReLU:
		return e.prelu(l)
	}
	in, err := e.ins(l.In...)
	if err != nil {
		return err
	}
	y := l.Out[0]
	switch op := l.Op.(type) {
	case *graph.BatchNorm:
		i := e.infoOf(y)
		e.give(e.act(y, op.Act, e.step(y, "BatchNormalization", i, in, floatAttr("epsilon", op.Epsilon)), i), y)
	case *graph.LRN: // ONNX divides alpha by the size
		e.result(y, "LRN", in, intAttr("size", op.Size), floatAttr("alpha", op.Alpha*float32(op.Size)), floatAttr("beta", op.Beta), floatAttr("bias", op.K))
	case *graph.Softmax:
		e.result(y, "Softmax", in, intAttr("axis", op.Axis))
	case *graph.Reduce:
		e.reduce(l, op, in[0])
	}
	return nil
}

// layerNorm gives scale and bias the dims that are normalised.
func (e *exporter) layerNorm(l *graph.Layer, op *graph.LayerNorm) error {
	x, err := e.in(l.In[0])
	if err != nil {
		return err
	}
	s, err := e.closed(l.In[0], op.Begin)
	if err != nil {
		return err
	}
	dims, names := int64s(s[op.Begin:]), []string{x, "", ""}
	for n, v := range l.In[1:] {
		switch {
		case v != nil:
			if names[1+n], err = e.reshaped(v, dims...); err != nil {
				return err
			}
		case n == 0: // ONNX insists on a scale
			names[1] = e.constant(l.Name+"@scale", model.FP32, dims, slices.Repeat([]float64{1}, int(product(dims)))...)
		}
	}
	e.result(l.Out[0], "LayerNormalization", names, intAttr("axis", op.Begin), floatAttr("epsilon", op.Epsilon))
	return nil
}

// prelu gives the slopes dims that broadcast to those of x.
func (e *exporter) prelu(l *graph.Layer) error {
	x, err := e.in(l.In[0])
	if err != nil {
		return err
	}
	s, _ := e.shapes(l.In[0])
	alpha := e.consts[l.In[1]]
	dims := slices.Repeat([]int64{1}, len(s)-1)
	switch n := alpha.Len(); {
	case n == 1:
	case n == s[1]:
		dims[0] = int64(n)
	default:
		if _, err := e.closed(l.In[0], 1); err != nil {
			return err
		}
		dims = int64s(s[1:])
	}
	slopes, err := e.reshaped(l.In[1], dims...)
	if err != nil {
		return err
	}
	e.result(l.Out[0], "PRelu", []string{x, slopes})
	return nil
}

var reductions = map[graph.ReduceKind]string{
	graph.ReduceMean: "ReduceMean", graph.ReduceSum: "ReduceSum", graph.ReduceMax: "ReduceMax", graph.ReduceMin: "ReduceMin", graph.ReduceProd: "ReduceProd",
}

func (e *exporter) reduce(l *graph.Layer, op *graph.Reduce, x string) {
	in, y, i := []string{x}, l.Out[0], e.infoOf(l.Out[0])
	if len(op.Axes) > 0 {
		in = append(in, e.list(op.Axes...))
	}
	rank := len(i.dims)
	whole := len(op.Axes) == 0 || len(op.Axes) == e.rank(l.In[0])
	if whole && op.Rank1 && !op.KeepDim {
		i.dims, rank = nil, 1
	}
	sum := e.step(y, reductions[op.Type], i, in, flagAttr("keepdims", op.KeepDim))
	if len(i.dims) != rank {
		sum = e.step(y, "Reshape", e.infoOf(y), []string{sum, e.list(1)})
	}
	e.give(sum, y)
}
