package graph

// The layers of detection heads. Boxes are (x1, y1, x2, y2).

// PriorBox lays a grid of boxes over an image, one set for each cell of a
// feature map. Only the sizes of its inputs matter.
// In: feature map [N,C,H,W], image [N,C,IH,IW]. Out: boxes and variances, both
// [H,W,P,4], relative to the image.
type PriorBox struct {
	MinSizes, MaxSizes []float32
	// AspectRatios starts with 1 and holds inverses where the program asks to
	// flip; there are no duplicates.
	AspectRatios []float32
	Variances    [4]float32
	StepW, StepH float32 // 0: the image's size over the map's
	Offset       float32
	Clip         bool
	// MaxFirst puts the box of a maximal size right behind that of its minimal
	// size.
	MaxFirst bool
}

// DensityPriorBox lays a denser grid: Densities[i]² boxes of FixedSizes[i] in
// each cell, for each of FixedRatios. In and Out are those of PriorBox.
type DensityPriorBox struct {
	FixedSizes, FixedRatios []float32
	Densities               []int
	Variances               [4]float32
	StepW, StepH            float32
	Offset                  float32
	Clip                    bool
	Flatten                 bool // Out is [H·W·P, 4]
}

// BoxCoder turns boxes into offsets from prior boxes, or back.
// In: prior [M,4], variances [M,4] or nil, target. Decoding: target [N,M,4]
// with the prior of an element counted along dim 1, or along dim 0 if ByRow
// ([M,N,4]); Out has the target's dims. Encoding: target [N,4], Out [N,M,4].
type BoxCoder struct {
	Encode, ByRow bool
	// Pixels says that a box from x to x is one pixel wide, not zero.
	Pixels   bool
	Variance []float32 // four numbers for all priors, where there is no In[1]
}

// YOLOBox decodes the output of a YOLO head.
// In: x [N, A·(5+Classes), H, W] with A anchors, image sizes [N,2] (h, w) int32.
// Out: boxes [N, A·H·W, 4] in pixels, scores [N, A·H·W, Classes]; both 0 where
// the confidence is below Threshold.
type YOLOBox struct {
	Anchors    []int // w, h of each
	Classes    int
	Threshold  float32
	Downsample int
	Clip       bool
	ScaleXY    float32
	// IoUAware says that x has A further channels in front, an estimate of the
	// overlap, which enters the confidence with the exponent IoUFactor.
	IoUAware  bool
	IoUFactor float32
}

// NMS is non-maximum suppression a class and an image.
// In: boxes [N,M,4], scores [N,C,M]. Out: detections [K,6] (label, score, box),
// their indices [K,1] into the N·M boxes (int32), detections an image [N]
// (int32). K follows from the data: see Bounded.
type NMS struct {
	Background     int // the class left out, or -1
	ScoreThreshold float32
	TopK           int // candidates a class, or -1
	Threshold      float32
	Eta            float32
	KeepTopK       int // detections an image, or -1
	Pixels         bool
	// LoneOne makes a result without detections [1,1] holding -1, as
	// multiclass_nms does; the others then give [0,6].
	LoneOne bool
}

// Bounded reports whether op's Infer gives only upper bounds for the first dims
// of its outputs: the true ones come with the data.
func Bounded(op Op) bool {
	_, ok := op.(*NMS)
	return ok
}

// Kind names the operation.
func (*PriorBox) Kind() string { return "prior_box" }

// Kind names the operation.
func (*DensityPriorBox) Kind() string { return "density_prior_box" }

// Kind names the operation.
func (*BoxCoder) Kind() string { return "box_coder" }

// Kind names the operation.
func (*YOLOBox) Kind() string { return "yolo_box" }

// Kind names the operation.
func (*NMS) Kind() string { return "nms" }
