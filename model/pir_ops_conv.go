package model

var convAttrs = []pirAttr{
	attrI32s("strides", 1, 1), attrI32s("paddings", 0, 0), attrText("padding_algorithm", "EXPLICIT"),
	attrI32s("dilations", 1, 1), attrI32("groups", 1), attrText("data_format", "NCHW"),
}

// depthwiseAttrs are the same in another order.
var depthwiseAttrs = []pirAttr{convAttrs[0], convAttrs[1], convAttrs[2], convAttrs[4], convAttrs[3], convAttrs[5]}

var deconvAttrs = []pirAttr{
	attrI32s("strides", 1, 1), attrI32s("paddings", 0, 0), attrI32s("output_padding"), attrText("padding_algorithm", "EXPLICIT"),
	attrI32("groups", 1), attrI32s("dilations", 1, 1), attrText("data_format", "NCHW"),
}

// poolAttrs are those of 2-d and 3-d pooling but for the size of the window.
func poolAttrs(format string, ones, zeros []int32) []pirAttr {
	return []pirAttr{
		attrI64s("strides", ones...), attrI64s("paddings", zeros...), attrFlag("ceil_mode", false), attrFlag("exclusive", true),
		attrText("data_format", format), attrText("pooling_type", ""), attrFlag("global_pooling", false),
		attrFlag("adaptive", false), attrText("padding_algorithm", "EXPLICIT"),
	}
}

func interpAttrs(method string) []pirAttr {
	return []pirAttr{
		attrText("data_format", "NCHW").was("data_layout"), attrI32("out_d", 0), attrI32("out_h", 0), attrI32("out_w", 0), attrF64s("scale"),
		attrText("interp_method", method), attrFlag("align_corners", true), attrI32("align_mode", 1),
	}
}

var interpOperands = []pirOperand{argOne("X"), argOptional("OutSize"), interpSizes, argOptional("Scale")}

// interpSizes is the list of one-element tensors that may give the size.
var interpSizes = pirOperand{kind: operandList, slot: "SizeTensor", def: absentList}

// absentList marks a list operand that may be left out.
const absentList = "absent"

// pirConvOps are convolution, pooling and resampling.
var pirConvOps = []pirOp{
	{name: "conv2d", op: "conv2d", in: []pirOperand{argOne("Input"), argOne("Filter")}, out: []pirResult{out("Output")}, attrs: convAttrs},
	{
		name: "depthwise_conv2d", op: "depthwise_conv2d", in: []pirOperand{argOne("Input"), argOne("Filter")}, out: []pirResult{out("Output")},
		attrs: depthwiseAttrs,
	},
	{
		name: "conv2d_transpose", op: "conv2d_transpose",
		in:  []pirOperand{argOne("Input"), argOne("Filter"), constInts("output_size", "")},
		out: []pirResult{out("Output")}, attrs: deconvAttrs,
	},
	{
		name: "depthwise_conv2d_transpose", op: "depthwise_conv2d_transpose",
		in:  []pirOperand{argOne("Input"), argOne("Filter"), constInts("output_size", "")},
		out: []pirResult{out("Output")}, attrs: deconvAttrs,
	},
	{
		name: "pool2d", op: "pool2d", in: []pirOperand{argOne("X"), constInts("ksize", "")}, out: []pirResult{out("Out")},
		attrs: poolAttrs("NCHW", []int32{1, 1}, []int32{0, 0}),
	},
	{
		name: "pool3d", op: "pool3d", in: []pirOperand{argOne("X")}, out: []pirResult{out("Out")},
		attrs: append([]pirAttr{attrI64s("kernel_size").was("ksize")}, poolAttrs("NCDHW", []int32{1, 1, 1}, []int32{0, 0, 0})...),
	},
	{
		name: "max_pool2d_with_index", op: "max_pool2d_with_index", in: []pirOperand{argOne("X")}, out: []pirResult{out("Out"), outAs("Mask", elemDeclared)},
		attrs: []pirAttr{
			attrI32s("kernel_size").was("ksize"), attrI32s("strides", 1, 1), attrI32s("paddings", 0, 0), attrFlag("global_pooling", false),
			attrFlag("adaptive", false), attrFlag("ceil_mode", false).onlyIfSet(),
		},
	},
	{name: "nearest_interp", op: "nearest_interp_v2", in: interpOperands, out: []pirResult{out("Out")}, attrs: interpAttrs("nearest")},
	{name: "bilinear_interp", op: "bilinear_interp_v2", in: interpOperands, out: []pirResult{out("Out")}, attrs: interpAttrs("bilinear")},
	{
		name: "pixel_shuffle", op: "pixel_shuffle", in: []pirOperand{argOne("X")}, out: []pirResult{out("Out")},
		attrs: []pirAttr{attrI32("upscale_factor", 1), attrText("data_format", "NCHW")},
	},
	{name: "shuffle_channel", op: "shuffle_channel", in: []pirOperand{argOne("X")}, out: []pirResult{out("Out")}, attrs: []pirAttr{attrI32("group", 1)}},
	{
		name: "channel_shuffle", op: "channel_shuffle", in: []pirOperand{argOne("X")}, out: []pirResult{out("Out")},
		attrs: []pirAttr{attrI32("groups", 1), attrText("data_format", "NCHW")},
	},
	{
		name: "grid_sample", op: "grid_sampler", in: []pirOperand{argOne("X"), argOne("Grid")}, out: []pirResult{out("Output")},
		attrs: []pirAttr{attrText("mode", "bilinear"), attrText("padding_mode", "zeros"), attrFlag("align_corners", true)},
	},
}
