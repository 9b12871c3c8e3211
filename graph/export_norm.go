package graph

import "github.com/octet-dnn/octet/model"

// norm writes normalisations, means and products of computed matrices.
func (e *exporter) norm(l *Layer) error {
	x, out := l.In[0].Name, l.Out[0]
	switch op := l.Op.(type) {
	case *BatchNorm:
		return e.batchNorm(l, op)
	case *LayerNorm:
		in := model.Slots("X", x)
		for i, slot := range []string{"Scale", "Bias"} {
			if v := l.In[1+i]; v != nil {
				in = append(in, model.Slots(slot, v.Name)...)
			}
		}
		rows := e.declared[l.In[0]][:op.Begin]
		e.block.AddOp("layer_norm", in, model.Slots("Y", out.Name,
			"Mean", e.temp(out, "mean", model.FP32, rows...), "Variance", e.temp(out, "variance", model.FP32, rows...)),
			model.FloatAttr("epsilon", op.Epsilon), model.IntAttr("begin_norm_axis", int32(op.Begin)))
	case *LRN:
		e.block.AddOp("lrn", model.Slots("X", x), model.Slots("Out", out.Name, "MidOut", e.step(out, "mid")),
			model.IntAttr("n", int32(op.Size)), model.FloatAttr("k", op.K), model.FloatAttr("alpha", op.Alpha),
			model.FloatAttr("beta", op.Beta), model.StringAttr("data_format", "NCHW"), model.BoolAttr("is_test", true))
	case *Softmax:
		e.simple(l, "softmax", model.IntAttr("axis", int32(op.Axis)), model.BoolAttr("is_test", true))
	case *Reduce:
		e.reduce(l, op)
	case *MatMul:
		e.matmul(l, op)
	case *PReLU:
		e.prelu(l)
	case *Mul:
		e.block.AddOp("mul", model.Slots("X", x, "Y", l.In[1].Name), model.Slots("Out", out.Name),
			model.IntAttr("x_num_col_dims", int32(op.XCols)), model.IntAttr("y_num_col_dims", int32(op.YCols)))
	}
	return nil
}

// prelu writes the mode that the number of slopes means.
func (e *exporter) prelu(l *Layer) {
	mode, n := "element", l.In[1].Const.Len()
	if x := e.declared[l.In[0]]; n == 1 {
		mode = "all"
	} else if int64(n) == x[1] {
		mode = "channel"
	}
	e.block.AddOp("prelu", model.Slots("X", l.In[0].Name, "Alpha", l.In[1].Name), model.Slots("Out", l.Out[0].Name),
		model.StringAttr("mode", mode), model.StringAttr("data_format", "NCHW"))
}

func (e *exporter) batchNorm(l *Layer, op *BatchNorm) error {
	out := l.Out[0].Name
	if op.Act.Kind != ActNone {
		out = e.step(l.Out[0], "normalised")
	}
	if op.plain(l) {
		e.block.AddOp("affine_channel", model.Slots("X", l.In[0].Name, "Scale", l.In[1].Name, "Bias", l.In[2].Name),
			model.Slots("Out", out), model.StringAttr("data_layout", "NCHW"))
	} else {
		e.normalise(l, op.Epsilon, out)
	}
	if op.Act.Kind != ActNone {
		return e.act(op.Act, out, l.Out[0].Name)
	}
	return nil
}

func (e *exporter) normalise(l *Layer, epsilon float32, out string) {
	channels := l.In[1].Dims
	e.block.AddOp("batch_norm",
		model.Slots("X", l.In[0].Name, "Scale", l.In[1].Name, "Bias", l.In[2].Name, "Mean", l.In[3].Name, "Variance", l.In[4].Name),
		model.Slots("Y", out, "MeanOut", l.In[3].Name, "VarianceOut", l.In[4].Name,
			"SavedMean", e.temp(l.Out[0], "mean", model.FP32, channels...),
			"SavedVariance", e.temp(l.Out[0], "variance", model.FP32, channels...)),
		model.FloatAttr("epsilon", epsilon), model.FloatAttr("momentum", .9), model.BoolAttr("is_test", true),
		model.StringAttr("data_layout", "NCHW"), model.BoolAttr("use_global_stats", true))
}

func (e *exporter) reduce(l *Layer, op *Reduce) {
	if op.Type == ReduceMean && len(op.Axes) == 0 && !op.KeepDim {
		e.simple(l, "mean")
		return
	}
	e.simple(l, op.Kind(), intsAttr("dim", op.Axes...), model.BoolAttr("keep_dim", op.KeepDim),
		model.BoolAttr("reduce_all", len(op.Axes) == 0))
}

// matmul writes matmul_v2, or the older matmul where alpha or the form needs it.
func (e *exporter) matmul(l *Layer, op *MatMul) {
	in, out := model.Slots("X", l.In[0].Name, "Y", l.In[1].Name), model.Slots("Out", l.Out[0].Name)
	if e.form != FormV13 && op.Alpha == 1 {
		e.block.AddOp("matmul_v2", in, out, model.BoolAttr("trans_x", op.TransX), model.BoolAttr("trans_y", op.TransY))
		return
	}
	e.block.AddOp("matmul", in, out, model.BoolAttr("transpose_X", op.TransX), model.BoolAttr("transpose_Y", op.TransY),
		model.FloatAttr("alpha", op.Alpha))
}

func (e *exporter) pool(l *Layer, p *Pool) {
	kind, kernel := "avg", p.Kernel
	if p.Type == MaxPool {
		kind = "max"
	}
	if p.Global {
		kernel = [2]int{1, 1} // Paddle wants numbers though it does not read them
	}
	attrs := []model.Attr{
		model.StringAttr("pooling_type", kind),
		intsAttr("ksize", kernel[:]...),
		intsAttr("strides", p.Strides[:]...),
		intsAttr("paddings", padList(p.Pads)...),
		model.BoolAttr("global_pooling", p.Global),
		model.BoolAttr("ceil_mode", p.CeilMode),
		model.BoolAttr("exclusive", p.Type != AvgPoolInclusive),
		model.BoolAttr("adaptive", p.Adaptive),
		model.BoolAttr("use_cudnn", false),
		model.BoolAttr("is_test", true),
	}
	if e.form != FormV13 || p.PadMode != PadExplicit {
		attrs = append(attrs, model.StringAttr("padding_algorithm", p.PadMode.String()))
	}
	layout := "NCHW"
	if e.form == FormV13 {
		layout = "AnyLayout"
	}
	e.simple(l, "pool2d", append(attrs, model.StringAttr("data_format", layout))...)
}
