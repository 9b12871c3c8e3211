package model

// pirClassOps rank, pick and judge classes.
var pirClassOps = []pirOp{
	{
		name: "topk", op: "top_k_v2", in: []pirOperand{argOne("X"), constInt("k", "K", Int32, 1)},
		out:   []pirResult{out("Out"), outAs("Indices", elemInt64)},
		attrs: []pirAttr{attrI32("axis", -1), attrFlag("largest", true), attrFlag("sorted", true)},
	},
	argExtreme("argmax", "arg_max"),
	argExtreme("argmin", "arg_min"),
	{
		name: "argsort", op: "argsort", in: []pirOperand{argOne("X")}, out: []pirResult{out("Out"), outAs("Indices", elemInt64)},
		attrs: []pirAttr{attrI32("axis", -1), attrFlag("descending", false), attrFlag("stable", false).onlyIfSet()},
	},
	{
		name: "accuracy", op: "accuracy", in: []pirOperand{argOne("Out"), argOne("Indices"), argOne("Label")},
		out: []pirResult{outAs("Accuracy", elemDeclared), outAs("Correct", elemInt32), outAs("Total", elemInt32)},
	},
	{
		name: "cross_entropy_with_softmax", op: "softmax_with_cross_entropy", in: []pirOperand{argOne("Logits"), argOne("Label")},
		out: []pirResult{out("Softmax"), out("Loss")},
		attrs: []pirAttr{
			attrFlag("soft_label", false), attrFlag("use_softmax", true), attrFlag("numeric_stable_mode", true), attrI32("ignore_index", -100),
			attrI32("axis", -1),
		},
	},
	{
		name: "one_hot", op: "one_hot_v2", in: []pirOperand{argOne("X"), constInt("depth", "depth_tensor", Int32, -1)},
		out: []pirResult{outAs("Out", elemDeclared)},
	},
}

func argExtreme(name, op string) pirOp {
	return pirOp{
		name: name, op: op, in: []pirOperand{argOne("X"), constInt("axis", "", Int64, 0).as(AttrLong, int64(0))},
		out:   []pirResult{outAs("Out", elemDeclared)},
		attrs: []pirAttr{attrFlag("keepdims", false), attrFlag("flatten", false), attrDType("dtype", Int64)},
	}
}

// pirDetectionOps turn what detection networks compute into boxes.
var pirDetectionOps = []pirOp{
	{
		name: "prior_box", op: "prior_box", in: []pirOperand{argOne("Input"), argOne("Image")},
		out: []pirResult{out("Boxes"), out("Variances")},
		attrs: []pirAttr{
			attrF32s("min_sizes"), attrF32s("max_sizes"), attrF32s("aspect_ratios"), attrF32s("variances"), attrFlag("flip", true), attrFlag("clip", true),
			attrF32("step_w", 0), attrF32("step_h", 0), attrF32("offset", .5), attrFlag("min_max_aspect_ratios_order", false),
		},
	},
	{
		name: "anchor_generator", op: "anchor_generator", in: []pirOperand{argOne("Input")}, out: []pirResult{out("Anchors"), out("Variances")},
		attrs: []pirAttr{attrF32s("anchor_sizes"), attrF32s("aspect_ratios"), attrF32s("variances"), attrF32s("stride", 16, 16), attrF32("offset", .5)},
	},
	{
		name: "box_coder", op: "box_coder", in: []pirOperand{argOne("PriorBox"), argOptional("PriorBoxVar"), argOne("TargetBox")},
		out:   []pirResult{out("OutputBox")},
		attrs: []pirAttr{attrText("code_type", "encode_center_size"), attrFlag("box_normalized", true), attrI32("axis", 0), attrF32s("variance")},
	},
	{name: "box_clip", op: "box_clip", in: []pirOperand{argOne("Input"), argOne("ImInfo")}, out: []pirResult{out("Output")}},
	{
		name: "multiclass_nms3", op: "multiclass_nms3", in: []pirOperand{argOne("BBoxes"), argOne("Scores"), argOptional("RoisNum")},
		out: []pirResult{out("Out"), outAs("Index", elemInt32), outAs("NmsRoisNum", elemInt32)},
		attrs: []pirAttr{
			attrF32("score_threshold", 0), attrI32("nms_top_k", -1), attrI32("keep_top_k", -1), attrF32("nms_threshold", .3), attrFlag("normalized", true),
			attrF32("nms_eta", 1), attrI32("background_label", 0),
		},
	},
	{
		name: "matrix_nms", op: "matrix_nms", in: []pirOperand{argOne("BBoxes"), argOne("Scores")},
		out: []pirResult{out("Out"), outAs("Index", elemInt32), outAs("RoisNum", elemInt32)},
		attrs: []pirAttr{
			attrF32("score_threshold", 0), attrI32("nms_top_k", -1), attrI32("keep_top_k", -1), attrF32("post_threshold", 0), attrFlag("use_gaussian", false),
			attrF32("gaussian_sigma", 2), attrI32("background_label", 0), attrFlag("normalized", true),
		},
	},
	{
		name: "yolo_box", op: "yolo_box", in: []pirOperand{argOne("X"), argOne("ImgSize")}, out: []pirResult{out("Boxes"), out("Scores")},
		attrs: []pirAttr{
			attrI32s("anchors"), attrI32("class_num", 1), attrF32("conf_thresh", .01), attrI32("downsample_ratio", 32), attrFlag("clip_bbox", true),
			attrF32("scale_x_y", 1), attrFlag("iou_aware", false), attrF32("iou_aware_factor", .5),
		},
	},
	{
		name: "roi_align", op: "roi_align", in: []pirOperand{argOne("X"), argOne("ROIs"), argOptional("RoisNum")}, out: []pirResult{out("Out")},
		attrs: []pirAttr{
			attrI32("pooled_height", 1), attrI32("pooled_width", 1), attrF32("spatial_scale", 1), attrI32("sampling_ratio", -1), attrFlag("aligned", false),
		},
	},
}

// pirQuantOps are the two ends of the INT8 edges of programs in qdq form.
var pirQuantOps = []pirOp{linearQuant("quantize_linear"), linearQuant("dequantize_linear")}

func linearQuant(name string) pirOp {
	return pirOp{
		name: name, op: name,
		in:  []pirOperand{argOne("X"), argOne("Scale"), argOne("ZeroPoint"), argOptional("InAccum"), argOptional("InState")},
		out: []pirResult{outAs("Y", elemDeclared), outAs("OutState", elemDeclared), outAs("OutAccum", elemDeclared), outAs("OutScale", elemDeclared)},
		attrs: []pirAttr{
			attrI32("quant_axis", 0), attrI32("bit_length", 8), attrI32("qmin", -128).onlyIfSet(), attrI32("qmax", 127).onlyIfSet(), attrI32("round_type", 0),
			attrFlag("is_test", true), attrFlag("only_observer", false),
		},
	}
}
