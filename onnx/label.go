package onnx

import (
	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// lnZero is what Paddle gives for -ln(0).
const lnZero = 1e20

// label writes the layers behind the class scores.
func (e *exporter) label(l *graph.Layer) error {
	in, err := e.ins(l.In...)
	if err != nil {
		return err
	}
	switch op := l.Op.(type) {
	case *graph.TopK:
		names := make([]string, 2)
		for i, v := range l.Out {
			names[i] = v.Name
			e.out.ValueInfo = append(e.out.ValueInfo, e.infoOf(v).proto(v.Name))
		}
		e.node("TopK", []string{in[0], e.list(op.K)}, names, intAttr("axis", op.Axis), flagAttr("largest", !op.Smallest))
	case *graph.ArgMax:
		e.result(l.Out[0], "ArgMax", in, intAttr("axis", op.Axis), flagAttr("keepdims", op.KeepDim))
	case *graph.CrossEntropy:
		e.loss(in[0], l.In[0], in[1], l.Out[0], op.IgnoreIndex)
	case *graph.SoftmaxCrossEntropy:
		e.result(l.Out[0], "Softmax", in[:1], intAttr("axis", op.Axis))
		e.loss(l.Out[0].Name, l.Out[0], in[1], l.Out[1], op.IgnoreIndex)
	case *graph.Accuracy:
		e.accuracy(l, op, in)
	}
	return nil
}

// loss writes -ln(p[label]), 0 for the label that is ignored.
func (e *exporter) loss(p string, rows *graph.Value, label string, y *graph.Value, ignore int64) {
	i := e.infoOf(y)
	skip := e.step(y, "Equal", i.as(model.Bool), []string{label, e.typed(model.Int64, float64(ignore))})
	class := e.step(y, "Where", i.as(model.Int64), []string{skip, e.typed(model.Int64, 0), label})
	at := e.step(y, "GatherElements", i, []string{p, class}, intAttr("axis", e.rank(rows)-1))
	ln := e.step(y, "Neg", i, []string{e.step(y, "Log", i, []string{at})})
	bounded := e.step(y, "Min", i, []string{ln, e.number(lnZero)})
	e.give(e.step(y, "Where", i, []string{skip, e.number(0), bounded}), y)
}

// accuracy counts the rows whose label is among their indices.
func (e *exporter) accuracy(l *graph.Layer, op *graph.Accuracy, in []string) {
	share := l.Out[0]
	cells, rows := e.infoOf(l.In[1]), e.infoOf(l.In[2])
	same := e.step(share, "Equal", cells.as(model.Bool), []string{in[1], in[2]})
	hit := e.step(share, "Cast", cells.as(model.FP32), []string{same}, intAttr("to", int(elemTypes[model.FP32])))
	hits := e.step(share, "ReduceMax", rows.as(model.FP32), []string{hit, e.list(1)}, flagAttr("keepdims", true))
	finish := func(v *graph.Value, kind string) {
		if v == nil {
			return
		}
		scalar := e.step(v, kind, plain(model.FP32), []string{hits}, flagAttr("keepdims", false))
		if v.DType != model.FP32 {
			scalar = e.step(v, "Cast", plain(v.DType), []string{scalar}, intAttr("to", int(elemTypes[v.DType])))
		}
		if !op.Scalar {
			scalar = e.step(v, "Reshape", e.infoOf(v), []string{scalar, e.list(1)})
		}
		e.give(scalar, v)
	}
	finish(share, "ReduceMean")
	if len(l.Out) > 1 {
		finish(l.Out[1], "ReduceSum")
	}
	if len(l.Out) > 2 && l.Out[2] != nil {
		total := l.Out[2]
		n := e.step(total, "Size", plain(model.Int64), []string{in[2]})
		n = e.step(total, "Cast", plain(total.DType), []string{n}, intAttr("to", int(elemTypes[total.DType])))
		if !op.Scalar {
			n = e.step(total, "Reshape", e.infoOf(total), []string{n, e.list(1)})
		}
		e.give(n, total)
	}
}
