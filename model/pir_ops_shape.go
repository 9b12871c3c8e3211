package model

import "slices"

// pirShapeOps change the dims of a tensor.
var pirShapeOps = []pirOp{
	{name: "reshape", op: "reshape2", in: []pirOperand{argOne("X"), constInts("shape", "Shape")}, out: []pirResult{out("Out")}},
	{name: "squeeze", op: "squeeze2", in: []pirOperand{argOne("X"), constInts("axes", "")}, out: []pirResult{out("Out")}},
	{name: "unsqueeze", op: "unsqueeze2", in: []pirOperand{argOne("X"), constInts("axes", "AxesTensor")}, out: []pirResult{out("Out")}},
	pirUnary("flatten", "flatten_contiguous_range", attrI32("start_axis", 1), attrI32("stop_axis", 1)),
	pirUnary("transpose", "transpose2", attrI32s("perm").was("axis")),
	{name: "expand", op: "expand_v2", in: []pirOperand{argOne("X"), constInts("shape", "Shape")}, out: []pirResult{out("Out")}},
	{
		name: "expand_as", op: "expand_as_v2", in: []pirOperand{argOne("X"), argOptional("Y")}, out: []pirResult{out("Out")},
		attrs: []pirAttr{attrI64s("target_shape")},
	},
	{name: "tile", op: "tile", in: []pirOperand{argOne("X"), constInts("repeat_times", "RepeatTimes")}, out: []pirResult{out("Out")}},
	{name: "shape", op: "shape", in: []pirOperand{argOne("Input")}, out: []pirResult{outAs("Out", elemDeclared)}},
	{name: "numel", op: "size", in: []pirOperand{argOne("Input")}, out: []pirResult{outAs("Out", elemDeclared)}},
	{
		name: "pad", op: "pad", in: []pirOperand{argOne("X"), constFloat("pad_value", "", 0)}, out: []pirResult{out("Out")},
		attrs: []pirAttr{attrI32s("paddings")},
	},
	{
		name: "pad3d", op: "pad3d", in: []pirOperand{argOne("X"), constInts("paddings", "Paddings")}, out: []pirResult{out("Out")},
		attrs: []pirAttr{attrText("mode", "constant"), attrF64("pad_value", 0).was("value"), attrText("data_format", "NCDHW")},
	},
}

// bySections tells apart a split into sizes from one into equal pieces.
func bySections(o *Op) bool { return len(o.Ints("sections", nil)) > 0 }

// pirMoveOps join, cut and pick elements.
var pirMoveOps = []pirOp{
	{
		name: "concat", op: "concat", in: []pirOperand{argList("X"), constInt("axis", "AxisTensor", Int32, 0)},
		out: []pirResult{out("Out")},
	},
	{name: "stack", op: "stack", in: []pirOperand{argList("X")}, out: []pirResult{out("Y")}, attrs: []pirAttr{attrI32("axis", 0)}},
	{
		name: "split", op: "split", when: bySections,
		in:   []pirOperand{argOne("X"), constInts("sections", ""), constInt("axis", "AxisTensor", Int32, 0)},
		out:  []pirResult{outEach("Out")},
		read: func(_ *pirReader, o *Op) { o.Attrs = append(o.Attrs, IntAttr("num", 0)) },
	},
	{
		name: "split_with_num", op: "split", in: []pirOperand{argOne("X"), constInt("axis", "AxisTensor", Int32, 0)},
		out: []pirResult{outEach("Out")}, attrs: []pirAttr{attrI32("num", 0)},
		read: func(_ *pirReader, o *Op) { o.Attrs = append(o.Attrs, IntsAttr("sections")) },
	},
	{name: "unbind", op: "unbind", in: []pirOperand{argOne("X")}, out: []pirResult{outEach("Out")}, attrs: []pirAttr{attrI32("axis", 0)}},
	{name: "unstack", op: "unstack", in: []pirOperand{argOne("X")}, out: []pirResult{outEach("Y")}, attrs: []pirAttr{attrI32("axis", 0), attrI32("num", 0)}},
	{
		name: "slice", op: "slice",
		in:  []pirOperand{argOne("Input"), constInts("starts", "StartsTensor"), constInts("ends", "EndsTensor")},
		out: []pirResult{out("Out")}, attrs: []pirAttr{attrI64s("axes"), attrI64s("infer_flags"), attrI64s("decrease_axis")},
	},
	{
		name: "strided_slice", op: "strided_slice",
		in: []pirOperand{
			argOne("Input"), constInts("starts", "StartsTensor"), constInts("ends", "EndsTensor"), constInts("strides", "StridesTensor"),
		},
		out: []pirResult{out("Out")}, attrs: []pirAttr{attrI32s("axes")},
		read: func(_ *pirReader, o *Op) { // Paddle 2 does not check that it has them
			o.Attrs = append(o.Attrs, IntsAttr("infer_flags", slices.Repeat([]int32{1}, len(o.Ints("axes", nil)))...), IntsAttr("decrease_axis"))
		},
	},
	{
		name: "gather", op: "gather", in: []pirOperand{argOne("X"), argOne("Index"), constInt("axis", "Axis", Int32, 0)},
		out: []pirResult{out("Out")},
	},
	{name: "gather_nd", op: "gather_nd", in: []pirOperand{argOne("X"), argOne("Index")}, out: []pirResult{out("Out")}},
	{
		name: "index_select", op: "index_select", in: []pirOperand{argOne("X"), argOne("Index")}, out: []pirResult{out("Out")},
		attrs: []pirAttr{attrI32("axis", 0).was("dim")},
	},
	pirUnary("flip", "flip", attrI32s("axis")),
	{
		name: "full_like", op: "fill_any_like", in: []pirOperand{argOne("X"), constFloat("value", "", 0)},
		out:   []pirResult{outAs("Out", elemDeclared)},
		attrs: []pirAttr{attrDType("dtype", undefinedDType), attrPlace()},
	},
	{
		name: "full_batch_size_like", op: "fill_constant_batch_size_like", in: []pirOperand{argOne("Input")},
		out: []pirResult{outAs("Out", elemDeclared)},
		attrs: []pirAttr{
			attrI32s("shape"), attrDType("dtype", FP32), attrF64("value", 0), attrI32("input_dim_idx", 0), attrI32("output_dim_idx", 0),
			attrPlace(),
		},
	},
}
