package graph

import "github.com/octet-dnn/octet/model"

// detect writes the layers of detection heads; it reports whether l is one.
func (e *exporter) detect(l *Layer) bool {
	boxes := func() []model.Slot { return model.Slots("Boxes", l.Out[0].Name, "Variances", l.Out[1].Name) }
	switch op := l.Op.(type) {
	case *PriorBox:
		e.block.AddOp("prior_box", model.Slots("Input", l.In[0].Name, "Image", l.In[1].Name), boxes(),
			model.FloatsAttr("min_sizes", op.MinSizes...), model.FloatsAttr("max_sizes", op.MaxSizes...),
			model.FloatsAttr("aspect_ratios", op.AspectRatios...), model.BoolAttr("flip", false),
			model.FloatsAttr("variances", op.Variances[:]...), model.BoolAttr("clip", op.Clip),
			model.FloatAttr("step_w", op.StepW), model.FloatAttr("step_h", op.StepH), model.FloatAttr("offset", op.Offset),
			model.BoolAttr("min_max_aspect_ratios_order", op.MaxFirst))
	case *DensityPriorBox:
		e.block.AddOp("density_prior_box", model.Slots("Input", l.In[0].Name, "Image", l.In[1].Name), boxes(),
			model.FloatsAttr("fixed_sizes", op.FixedSizes...), model.FloatsAttr("fixed_ratios", op.FixedRatios...),
			intsAttr("densities", op.Densities...), model.FloatsAttr("variances", op.Variances[:]...),
			model.BoolAttr("clip", op.Clip), model.BoolAttr("flatten_to_2d", op.Flatten),
			model.FloatAttr("step_w", op.StepW), model.FloatAttr("step_h", op.StepH), model.FloatAttr("offset", op.Offset))
	case *BoxCoder:
		e.boxCoder(l, op)
	case *YOLOBox:
		e.block.AddOp("yolo_box", model.Slots("X", l.In[0].Name, "ImgSize", l.In[1].Name),
			model.Slots("Boxes", l.Out[0].Name, "Scores", l.Out[1].Name),
			intsAttr("anchors", op.Anchors...), model.IntAttr("class_num", int32(op.Classes)),
			model.FloatAttr("conf_thresh", op.Threshold), model.IntAttr("downsample_ratio", int32(op.Downsample)),
			model.BoolAttr("clip_bbox", op.Clip), model.FloatAttr("scale_x_y", op.ScaleXY),
			model.BoolAttr("iou_aware", op.IoUAware), model.FloatAttr("iou_aware_factor", op.IoUFactor))
	case *NMS:
		e.nms(l, op)
	default:
		return false
	}
	return true
}

func (e *exporter) boxCoder(l *Layer, op *BoxCoder) {
	in := model.Slots("PriorBox", l.In[0].Name, "TargetBox", l.In[2].Name)
	if l.In[1] != nil {
		in = append(in, model.Slots("PriorBoxVar", l.In[1].Name)...)
	}
	code, axis := "decode_center_size", int32(0)
	if op.Encode {
		code = "encode_center_size"
	}
	if op.ByRow {
		axis = 1
	}
	e.block.AddOp("box_coder", in, model.Slots("OutputBox", l.Out[0].Name), model.StringAttr("code_type", code),
		model.BoolAttr("box_normalized", !op.Pixels), model.IntAttr("axis", axis), model.FloatsAttr("variance", op.Variance...))
}

func (e *exporter) nms(l *Layer, op *NMS) {
	typ, out := "multiclass_nms3", model.Slots("Out", l.Out[0].Name, "Index", l.Out[1].Name, "NmsRoisNum", l.Out[2].Name)
	if op.LoneOne {
		typ, out = "multiclass_nms", out[:1]
	}
	e.block.AddOp(typ, model.Slots("BBoxes", l.In[0].Name, "Scores", l.In[1].Name), out,
		model.IntAttr("background_label", int32(op.Background)), model.FloatAttr("score_threshold", op.ScoreThreshold),
		model.IntAttr("nms_top_k", int32(op.TopK)), model.FloatAttr("nms_threshold", op.Threshold),
		model.FloatAttr("nms_eta", op.Eta), model.IntAttr("keep_top_k", int32(op.KeepTopK)),
		model.BoolAttr("normalized", !op.Pixels))
}
