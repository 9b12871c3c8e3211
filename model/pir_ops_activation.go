package model

// pirUnary is an operator of one input and one output.
func pirUnary(name, op string, attrs ...pirAttr) pirOp {
	return pirOp{name: name, op: op, in: []pirOperand{argOne("X")}, out: []pirResult{out("Out")}, attrs: attrs}
}

// pirActivationOps are the functions of single elements.
var pirActivationOps = []pirOp{
	pirUnary("relu", "relu"),
	pirUnary("relu6", "relu6"),
	pirUnary("sigmoid", "sigmoid"),
	pirUnary("logsigmoid", "logsigmoid"),
	pirUnary("tanh", "tanh"),
	pirUnary("tanh_shrink", "tanh_shrink"),
	pirUnary("silu", "silu"),
	pirUnary("swish", "swish"),
	pirUnary("mish", "mish", attrF32("lambda", 20).was("threshold")),
	pirUnary("gelu", "gelu", attrFlag("approximate", false)),
	pirUnary("hardswish", "hard_swish"),
	pirUnary("hardsigmoid", "hard_sigmoid", attrF32("slope", .2), attrF32("offset", .5)),
	pirUnary("hardtanh", "brelu", attrF32("t_min", 0), attrF32("t_max", 24)),
	pirUnary("hardshrink", "hard_shrink", attrF32("threshold", .5)),
	pirUnary("softshrink", "softshrink", attrF32("threshold", .5).was("lambda")),
	pirUnary("softplus", "softplus", attrF64("beta", 1), attrF64("threshold", 20)),
	pirUnary("softsign", "softsign"),
	pirUnary("elu", "elu", attrF32("alpha", 1)),
	pirUnary("leaky_relu", "leaky_relu", attrF64("negative_slope", .02).was("alpha")),
	pirUnary("thresholded_relu", "thresholded_relu", attrF32("threshold", 1), attrF32("value", 0).onlyIfSet()),
	pirUnary("abs", "abs"),
	pirUnary("ceil", "ceil"),
	pirUnary("floor", "floor"),
	pirUnary("round", "round", attrI32("decimals", 0).onlyIfSet()),
	pirUnary("sign", "sign"),
	pirUnary("exp", "exp"),
	pirUnary("log", "log"),
	pirUnary("erf", "erf"),
	pirUnary("sin", "sin"),
	pirUnary("cos", "cos"),
	pirUnary("sqrt", "sqrt"),
	pirUnary("rsqrt", "rsqrt"),
	pirUnary("square", "square"),
	pirUnary("reciprocal", "reciprocal"),
	yieldsBool(pirUnary("logical_not", "logical_not")),
	pirUnary("assign", "assign"),
	pirUnary("share_data", "share_data"),
	{
		name: "cast", op: "cast", in: []pirOperand{argOne("X")}, out: []pirResult{outAs("Out", elemDeclared)},
		attrs: []pirAttr{attrDType("dtype", undefinedDType).was("out_dtype")},
		read: func(r *pirReader, o *Op) {
			o.Attrs = append(o.Attrs, IntAttr("in_dtype", int32(r.vars[o.In("X")[0]].DType)))
		},
	},
	{
		name: "pow", op: "pow", in: []pirOperand{argOne("X")}, out: []pirResult{out("Out")},
		attrs: []pirAttr{attrF32("y", 1).was("factor")},
	},
	{
		name: "prelu", op: "prelu", in: []pirOperand{argOne("X"), argOne("Alpha")}, out: []pirResult{out("Out")},
		attrs: []pirAttr{attrText("data_format", "NCHW"), attrText("mode", "all")},
	},
	{
		name: "clip", op: "clip", in: []pirOperand{argOne("X"), constFloat("min", "Min", 0), constFloat("max", "Max", 0)},
		out: []pirResult{out("Out")},
	},
	{
		name: "scale", op: "scale", in: []pirOperand{argOne("X"), constFloat("scale", "ScaleTensor", 1)}, out: []pirResult{out("Out")},
		attrs: []pirAttr{attrF32("bias", 0), attrFlag("bias_after_scale", true)},
	},
	{
		name: "dropout", op: "dropout", in: []pirOperand{argOne("X"), argOptional("Seed"), constFloat("dropout_prob", "", .5)},
		out: []pirResult{out("Out"), outAs("Mask", elemDeclared)},
		attrs: []pirAttr{
			attrFlag("is_test", true).fixed(), attrText("mode", "downgrade_in_infer").was("dropout_implementation"),
			attrI32("seed", 0).onlyIfSet(), attrFlag("fix_seed", false).onlyIfSet(),
		},
	},
}
