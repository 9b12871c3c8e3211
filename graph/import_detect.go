package graph

import (
	"math"
	"slices"

	"github.com/octet-dnn/octet/model"
)

var detectImporters = map[string]importFunc{
	"prior_box":         importPriorBox,
	"density_prior_box": importDensityPriorBox,
	"box_coder":         importBoxCoder,
	"yolo_box":          importYOLOBox,
	"multiclass_nms":    importNMS,
	"multiclass_nms2":   importNMS,
	"multiclass_nms3":   importNMS,
}

func importPriorBox(r *reader) {
	p := &PriorBox{
		MinSizes:     r.numbers("min_sizes"),
		MaxSizes:     r.numbers("max_sizes"),
		AspectRatios: expandRatios(r.numbers("aspect_ratios", 1), r.flag("flip", false)),
		Variances:    r.variances(),
		StepW:        r.number("step_w", 0),
		StepH:        r.number("step_h", 0),
		Offset:       r.number("offset", .5),
		Clip:         r.flag("clip", false),
		MaxFirst:     r.flag("min_max_aspect_ratios_order", false),
	}
	if slices.ContainsFunc(p.AspectRatios, func(a float32) bool { return a <= 0 }) {
		r.fail(programErr("aspect ratios %v: want positive numbers", p.AspectRatios))
	}
	x, image := r.in("Input"), r.in("Image")
	r.float(x, image)
	r.emit(p, x, image).out("Boxes", model.FP32).out("Variances", model.FP32)
}

// expandRatios puts 1 in front and drops what is there already, as Paddle does.
func expandRatios(given []float32, flip bool) []float32 {
	ratios := []float32{1}
	for _, a := range given {
		if slices.ContainsFunc(ratios, func(b float32) bool { return math.Abs(float64(a-b)) < 1e-6 }) {
			continue
		}
		if ratios = append(ratios, a); flip {
			ratios = append(ratios, 1/a)
		}
	}
	return ratios
}

func (r *reader) variances() [4]float32 {
	v := r.numbers("variances", .1, .1, .2, .2)
	if len(v) != 4 {
		r.fail(programErr("attribute variances is %v: want four numbers", v))
		return [4]float32{}
	}
	return [4]float32(v)
}

func importDensityPriorBox(r *reader) {
	p := &DensityPriorBox{
		FixedSizes:  r.numbers("fixed_sizes"),
		FixedRatios: r.numbers("fixed_ratios"),
		Densities:   r.ints("densities"),
		Variances:   r.variances(),
		StepW:       r.number("step_w", 0),
		StepH:       r.number("step_h", 0),
		Offset:      r.number("offset", .5),
		Clip:        r.flag("clip", false),
		Flatten:     r.flag("flatten_to_2d", false),
	}
	x, image := r.in("Input"), r.in("Image")
	r.float(x, image)
	r.emit(p, x, image).out("Boxes", model.FP32).out("Variances", model.FP32)
}

func importBoxCoder(r *reader) {
	b := &BoxCoder{Pixels: !r.flag("box_normalized", true), Variance: r.numbers("variance")}
	switch code := r.text("code_type", "encode_center_size"); code {
	case "encode_center_size", "EncodeCenterSize":
		b.Encode = true
	case "decode_center_size", "DecodeCenterSize":
	default:
		r.fail(programErr("attribute code_type is %q", code))
	}
	switch axis := r.int("axis", 0); axis {
	case 0, 1:
		b.ByRow = axis == 1
	default:
		r.fail(programErr("attribute axis is %d", axis))
	}
	prior, variances, target := r.in("PriorBox"), r.optional("PriorBoxVar"), r.in("TargetBox")
	r.float(prior, variances, target)
	r.emit(b, prior, variances, target).out("OutputBox", model.FP32)
}

func importYOLOBox(r *reader) {
	y := &YOLOBox{
		Anchors:    r.ints("anchors"),
		Classes:    r.int("class_num", 0),
		Threshold:  r.number("conf_thresh", 0),
		Downsample: r.int("downsample_ratio", 32),
		Clip:       r.flag("clip_bbox", true),
		ScaleXY:    r.number("scale_x_y", 1),
		IoUAware:   r.flag("iou_aware", false),
		IoUFactor:  r.number("iou_aware_factor", .5),
	}
	x, size := r.in("X"), r.in("ImgSize")
	r.float(x)
	if typeOf(size) != model.Int32 && r.err == nil {
		r.fail(unsupportedErr("image sizes of type %v instead of int32", size.DType))
	}
	r.emit(y, x, size).out("Boxes", model.FP32).out("Scores", model.FP32)
}

func importNMS(r *reader) {
	r.absent("RoisNum")
	n := &NMS{
		Background:     r.int("background_label", 0),
		ScoreThreshold: r.number("score_threshold", 0),
		TopK:           r.int("nms_top_k", -1),
		Threshold:      r.number("nms_threshold", .3),
		Eta:            r.number("nms_eta", 1),
		KeepTopK:       r.int("keep_top_k", -1),
		Pixels:         !r.flag("normalized", true),
		LoneOne:        r.op.Type == "multiclass_nms",
	}
	boxes, scores := r.in("BBoxes"), r.in("Scores")
	r.float(boxes, scores)
	r.emit(n, boxes, scores).out("Out", model.FP32).
		optionalOut("Index", model.Int32).
		optionalOut("NmsRoisNum", model.Int32)
}
