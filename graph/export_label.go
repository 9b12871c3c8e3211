package graph

import "github.com/octet-dnn/octet/model"

// label writes the layers that compare with labels: 1.3's ops in the 1.3 form,
// otherwise those that 2.6 still has.
func (e *exporter) label(l *Layer) {
	x, out := l.In[0].Name, l.Out
	switch op := l.Op.(type) {
	case *CrossEntropy:
		e.crossEntropy(l, op)
	case *SoftmaxCrossEntropy:
		e.block.AddOp("softmax_with_cross_entropy", model.Slots("Logits", x, "Label", l.In[1].Name),
			model.Slots("Softmax", out[0].Name, "Loss", out[1].Name), model.BoolAttr("soft_label", false),
			model.IntAttr("ignore_index", int32(op.IgnoreIndex)), model.IntAttr("axis", int32(op.Axis)),
			model.BoolAttr("numeric_stable_mode", true))
	case *TopK:
		e.topK(l, op)
	case *ArgMax:
		e.simple(l, "arg_max", model.LongAttr("axis", int64(op.Axis)), model.BoolAttr("keepdims", op.KeepDim),
			model.IntAttr("dtype", int32(model.Int64)))
	case *Accuracy:
		e.block.AddOp("accuracy", model.Slots("Out", x, "Indices", l.In[1].Name, "Label", l.In[2].Name),
			model.Slots("Accuracy", out[0].Name, "Correct", out[1].Name, "Total", out[2].Name))
	}
}

func (e *exporter) crossEntropy(l *Layer, op *CrossEntropy) {
	in, out := model.Slots("X", l.In[0].Name, "Label", l.In[1].Name), model.Slots("Y", l.Out[0].Name)
	ignore := model.IntAttr("ignore_index", int32(op.IgnoreIndex))
	if e.form == FormV13 {
		e.block.AddOp("cross_entropy", in, out, model.BoolAttr("soft_label", false), ignore)
		return
	}
	shape := append(append([]int64{}, e.declared[l.In[0]]...), 0)
	out = append(out, model.Slots("MatchX", e.step(l.Out[0], "match"), "XShape", e.temp(l.Out[0], "xshape", model.FP32, shape...))...)
	e.block.AddOp("cross_entropy2", in, out, ignore)
}

func (e *exporter) topK(l *Layer, op *TopK) {
	in, out := model.Slots("X", l.In[0].Name), model.Slots("Out", l.Out[0].Name, "Indices", l.Out[1].Name)
	k := model.IntAttr("k", int32(op.K))
	if e.form == FormV13 && op.Axis == -1 && !op.Smallest {
		e.block.AddOp("top_k", in, out, k)
		return
	}
	e.block.AddOp("top_k_v2", in, out, k, model.IntAttr("axis", int32(op.Axis)),
		model.BoolAttr("largest", !op.Smallest), model.BoolAttr("sorted", true))
}
