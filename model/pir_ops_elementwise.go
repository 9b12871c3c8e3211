package model

// pirBinary is an operator of two inputs that broadcasts as numpy does. The axis
// that aligns a smaller Y classically is gone: see alignY.
func pirBinary(name, op string) pirOp {
	return pirOp{name: name, op: op, in: []pirOperand{argOne("X"), argOne("Y")}, out: []pirResult{out("Out")}}
}

// pirElementwise is a binary operator whose classical form has an axis.
func pirElementwise(name, op string) pirOp {
	row := pirBinary(name, op)
	row.read = func(_ *pirReader, o *Op) { o.Attrs = append(o.Attrs, IntAttr("axis", -1)) }
	return row
}

// pirCompare is an elementwise operator that gives flags.
func pirCompare(name string) pirOp { return yieldsBool(pirElementwise(name, name)) }

func yieldsBool(row pirOp) pirOp {
	row.out[0].elem = elemBool
	return row
}

// pirElementwiseOps combine two tensors, or multiply two matrices.
var pirElementwiseOps = []pirOp{
	pirElementwise("add", "elementwise_add"),
	pirElementwise("subtract", "elementwise_sub"),
	pirElementwise("multiply", "elementwise_mul"),
	pirElementwise("divide", "elementwise_div"),
	pirElementwise("maximum", "elementwise_max"),
	pirElementwise("minimum", "elementwise_min"),
	pirElementwise("elementwise_pow", "elementwise_pow"),
	pirElementwise("remainder", "elementwise_mod"),
	pirElementwise("floor_divide", "elementwise_floordiv"),
	pirCompare("equal"),
	pirCompare("not_equal"),
	pirCompare("less_than"),
	pirCompare("less_equal"),
	pirCompare("greater_than"),
	pirCompare("greater_equal"),
	yieldsBool(pirBinary("logical_and", "logical_and")),
	yieldsBool(pirBinary("logical_or", "logical_or")),
	yieldsBool(pirBinary("logical_xor", "logical_xor")),
	pirBinary("bmm", "bmm"),
	{name: "add_n", op: "sum", in: []pirOperand{argList("X")}, out: []pirResult{out("Out")}},
	{
		name: "where", op: "where", in: []pirOperand{argOne("Condition"), argOne("X"), argOne("Y")},
		out: []pirResult{outAs("Out", elemDeclared)},
	},
	{
		name: "matmul", op: "matmul_v2", in: []pirOperand{argOne("X"), argOne("Y")}, out: []pirResult{out("Out")},
		attrs: []pirAttr{attrFlag("transpose_x", false).was("trans_x"), attrFlag("transpose_y", false).was("trans_y")},
	},
	{
		name: "legacy_matmul", op: "matmul", in: []pirOperand{argOne("X"), argOne("Y")}, out: []pirResult{out("Out")},
		attrs: []pirAttr{attrFlag("transpose_x", false).was("transpose_X"), attrFlag("transpose_y", false).was("transpose_Y"), attrF32("alpha", 1)},
	},
	{
		name: "fc", op: "fc", in: []pirOperand{argOne("Input"), argOne("W"), argOptional("Bias")}, out: []pirResult{out("Out")},
		attrs: []pirAttr{attrI32("in_num_col_dims", 1), attrText("activation_type", ""), attrFlag("padding_weights", false)},
	},
	{
		name: "matmul_with_flatten", op: "mul", in: []pirOperand{argOne("X"), argOne("Y")}, out: []pirResult{out("Out")},
		attrs: []pirAttr{attrI32("x_num_col_dims", 1), attrI32("y_num_col_dims", 1)},
	},
}

// reducedDims are the axes of a reduction.
var reducedDims = constInts("dim", "").as(AttrInts, []int32{0})

// pirReduce is a reduction over the axes of its second operand; none means all.
func pirReduce(name, op string, attrs ...pirAttr) pirOp {
	return pirOp{
		name: name, op: op, in: []pirOperand{argOne("X"), reducedDims}, out: []pirResult{out("Out")},
		attrs: append(attrs, attrFlag("keepdim", false).was("keep_dim")),
		read: func(_ *pirReader, o *Op) {
			o.Attrs = append(o.Attrs, BoolAttr("reduce_all", len(o.Ints("dim", nil)) == 0))
		},
	}
}

// pirReduceOps reduce dims.
var pirReduceOps = []pirOp{
	pirReduce("mean", "reduce_mean"),
	pirReduce("max", "reduce_max"),
	pirReduce("min", "reduce_min"),
	pirReduce("sum", "reduce_sum", attrDType("dtype", undefinedDType).was("out_dtype")),
	{
		name: "prod", op: "reduce_prod", in: []pirOperand{argOne("X"), reducedDims}, out: []pirResult{out("Out")},
		attrs: []pirAttr{attrFlag("keepdim", false).was("keep_dim"), attrFlag("reduce_all", false)},
	},
	pirUnary("mean_all", "mean"),
}
