package model

// batchNormAttrs always write inference: Paddle's saved programs mean it, even
// the old ones that do not say so.
var batchNormAttrs = []pirAttr{
	attrFlag("is_test", true).fixed(), attrF32("momentum", 0.9), attrF32("epsilon", 1e-5), attrText("data_format", "NCHW").was("data_layout"),
	attrFlag("use_global_stats", false), attrFlag("trainable_statistics", false),
}

// batchNormOperands come in an order of their own.
var batchNormOperands = []pirOperand{argOne("X"), argOne("Mean"), argOne("Variance"), argOptional("Scale"), argOptional("Bias")}

var batchNormResults = []pirResult{
	out("Y"), outOver("MeanOut", "Mean"), outOver("VarianceOut", "Variance"), out("SavedMean"), out("SavedVariance"), out(""),
}

// pirNormOps are normalisations and softmax.
var pirNormOps = []pirOp{
	{name: "batch_norm_", op: "batch_norm", in: batchNormOperands, out: batchNormResults, attrs: batchNormAttrs},
	{name: "batch_norm", op: "batch_norm", in: batchNormOperands, out: batchNormResults, attrs: batchNormAttrs},
	{name: "sync_batch_norm_", op: "sync_batch_norm", in: batchNormOperands, out: batchNormResults, attrs: batchNormAttrs},
	{
		name: "layer_norm", op: "layer_norm", in: []pirOperand{argOne("X"), argOptional("Scale"), argOptional("Bias")},
		out:   []pirResult{out("Y"), out("Mean"), out("Variance")},
		attrs: []pirAttr{attrF32("epsilon", 1e-5), attrI32("begin_norm_axis", 1)},
	},
	{
		name: "group_norm", op: "group_norm", in: []pirOperand{argOne("X"), argOptional("Scale"), argOptional("Bias")},
		out:   []pirResult{out("Y"), out("Mean"), out("Variance")},
		attrs: []pirAttr{attrF64("epsilon", 1e-5), attrI32("groups", -1), attrText("data_format", "NCHW").was("data_layout")},
	},
	{
		name: "instance_norm", op: "instance_norm", in: []pirOperand{argOne("X"), argOptional("Scale"), argOptional("Bias")},
		out:   []pirResult{out("Y"), out("SavedMean"), out("SavedVariance")},
		attrs: []pirAttr{attrF32("epsilon", 1e-5)},
	},
	{
		name: "affine_channel", op: "affine_channel", in: []pirOperand{argOne("X"), argOne("Scale"), argOne("Bias")},
		out: []pirResult{out("Out")}, attrs: []pirAttr{attrText("data_layout", "AnyLayout")},
	},
	{
		name: "lrn", op: "lrn", in: []pirOperand{argOne("X")}, out: []pirResult{out("Out"), out("MidOut")},
		attrs: []pirAttr{attrI32("n", 5), attrF32("k", 2), attrF32("alpha", 1e-4), attrF32("beta", .75), attrText("data_format", "AnyLayout")},
	},
	{
		name: "norm", op: "norm", in: []pirOperand{argOne("X")}, out: []pirResult{out("Out"), out("Norm")},
		attrs: []pirAttr{attrI32("axis", -1), attrF32("epsilon", 1e-10), attrFlag("is_test", true).fixed()},
	},
	{
		name: "p_norm", op: "p_norm", in: []pirOperand{argOne("X")}, out: []pirResult{out("Out")},
		attrs: []pirAttr{attrF32("porder", 2), attrI32("axis", -1), attrF32("epsilon", 1e-12), attrFlag("keepdim", false), attrFlag("asvector", false)},
	},
	{name: "softmax", op: "softmax", in: []pirOperand{argOne("X")}, out: []pirResult{out("Out")}, attrs: []pirAttr{attrI32("axis", -1)}},
	{name: "log_softmax", op: "log_softmax", in: []pirOperand{argOne("X")}, out: []pirResult{out("Out")}, attrs: []pirAttr{attrI32("axis", -1)}},
}
