package graph

import "slices"

// gridOf checks the inputs of the prior boxes.
func gridOf(in []Shape) (h, w int, err error) {
	if err := wantInputs(in, 2, 2); err != nil {
		return 0, 0, err
	}
	for i, what := range []string{"feature map", "image"} {
		if err := wantRank(what, in[i], 4); err != nil {
			return 0, 0, err
		}
		if in[i][2] < 1 || in[i][3] < 1 {
			return 0, 0, shapeErr("%s of %v", what, in[i])
		}
	}
	return in[0][2], in[0][3], nil
}

// Count is the number of boxes a cell.
func (p *PriorBox) Count() int { return len(p.MinSizes)*len(p.AspectRatios) + len(p.MaxSizes) }

// Infer checks that there are as many maximal as minimal sizes, or none.
func (p *PriorBox) Infer(in []Shape) ([]Shape, error) {
	h, w, err := gridOf(in)
	if err != nil {
		return nil, err
	}
	if len(p.MaxSizes) != 0 && len(p.MaxSizes) != len(p.MinSizes) {
		return nil, shapeErr("%d maximal and %d minimal sizes", len(p.MaxSizes), len(p.MinSizes))
	}
	if p.Count() < 1 || p.Count() > maxDim {
		return nil, shapeErr("%d boxes a cell", p.Count())
	}
	out := Shape{h, w, p.Count(), 4}
	return []Shape{out, slices.Clone(out)}, nil
}

// Count is the number of boxes a cell, or -1 if the densities make no sense.
func (p *DensityPriorBox) Count() int {
	n := 0
	for _, d := range p.Densities {
		if d < 1 || d > 1<<12 {
			return -1
		}
		n += d * d * len(p.FixedRatios)
	}
	return n
}

// Infer checks that every size has its density.
func (p *DensityPriorBox) Infer(in []Shape) ([]Shape, error) {
	h, w, err := gridOf(in)
	if err != nil {
		return nil, err
	}
	if len(p.Densities) != len(p.FixedSizes) || p.Count() < 1 || p.Count() > maxDim {
		return nil, shapeErr("%d sizes with densities %v and %d ratios", len(p.FixedSizes), p.Densities, len(p.FixedRatios))
	}
	out := Shape{h, w, p.Count(), 4}
	if p.Flatten {
		if _, err := out.Elems(); err != nil {
			return nil, err
		}
		out = Shape{h * w * p.Count(), 4}
	}
	return []Shape{out, slices.Clone(out)}, nil
}

// Infer checks that every target has its prior.
func (b *BoxCoder) Infer(in []Shape) ([]Shape, error) {
	if len(in) != 3 || in[0] == nil || in[2] == nil {
		return nil, shapeErr("%d inputs instead of prior, variances and target", len(in))
	}
	prior, target := in[0], in[2]
	if len(prior) != 2 || prior[1] != 4 || in[1] != nil && !slices.Equal(in[1], prior) {
		return nil, shapeErr("prior boxes %v with variances %v", prior, in[1])
	}
	if n := len(b.Variance); n != 0 && n != 4 {
		return nil, shapeErr("%d variances", n)
	}
	if b.Encode {
		if len(target) != 2 || target[1] != 4 {
			return nil, shapeErr("boxes %v to encode", target)
		}
		return []Shape{{target[0], prior[0], 4}}, nil
	}
	along := 1
	if b.ByRow {
		along = 0
	}
	if len(target) != 3 || target[2] != 4 || target[along] != prior[0] {
		return nil, shapeErr("offsets %v for prior boxes %v", target, prior)
	}
	return []Shape{slices.Clone(target)}, nil
}

// Infer checks the channels.
func (y *YOLOBox) Infer(in []Shape) ([]Shape, error) {
	if err := wantInputs(in, 2, 2); err != nil {
		return nil, err
	}
	x, sizes := in[0], in[1]
	if err := wantRank("input", x, 4); err != nil {
		return nil, err
	}
	entries := 5
	if y.IoUAware {
		entries++
	}
	anchors := len(y.Anchors) / 2
	if anchors < 1 || len(y.Anchors)%2 != 0 || y.Classes < 1 || y.Downsample < 1 || x[1] != anchors*(entries+y.Classes) {
		return nil, shapeErr("%d channels for %d anchor numbers and %d classes", x[1], len(y.Anchors), y.Classes)
	}
	if len(sizes) != 2 || sizes[0] != x[0] || sizes[1] != 2 {
		return nil, shapeErr("image sizes %v for an input of %v", sizes, x)
	}
	n := anchors * x[2] * x[3]
	return []Shape{{x[0], n, 4}, {x[0], n, y.Classes}}, nil
}

// Infer returns the most detections that there can be.
func (n *NMS) Infer(in []Shape) ([]Shape, error) {
	if err := wantInputs(in, 2, 2); err != nil {
		return nil, err
	}
	boxes, scores := in[0], in[1]
	if len(boxes) != 3 || len(scores) != 3 || boxes[2] != 4 || boxes[0] != scores[0] || boxes[1] != scores[2] {
		return nil, shapeErr("boxes %v with scores %v", boxes, scores)
	}
	most, err := Shape{boxes[0], n.MostAnImage(scores[1], scores[2])}.Elems()
	if err != nil {
		return nil, err
	}
	if n.LoneOne {
		most = max(most, 1)
	}
	return []Shape{{most, 6}, {most, 1}, {boxes[0]}}, nil
}

// MostAnImage bounds the detections of one image.
func (n *NMS) MostAnImage(classes, boxes int) int {
	if n.TopK >= 0 {
		boxes = min(boxes, n.TopK)
	}
	most := classes * boxes
	if n.KeepTopK >= 0 {
		most = min(most, n.KeepTopK)
	}
	return most
}
