package hostop

import (
	"cmp"
	"slices"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// NMS returns the kernel of graph.NMS, after Paddle's
// fluid/operators/detection/multiclass_nms_op.cc: a stable sort by score, then
// greedy selection. Its outputs are as long as there are detections (see
// Tensor.Resize), and the first has their offsets an image as LoD.
func NMS(op *graph.NMS) Kernel {
	return func(t []*Tensor) (func() error, error) {
		if err := want(t, model.FP32, model.FP32, model.FP32, model.Int32, model.Int32); err != nil {
			return nil, err
		}
		n := &suppression{op: op, boxes: t[0], scores: t[1], candidates: make([]candidate, 0, t[1].Dims[2])}
		return func() error { return n.run(t[2], t[3], t[4]) }, nil
	}
}

type suppression struct {
	op            *graph.NMS
	boxes, scores *Tensor
	candidates    []candidate // of one class
	kept          []candidate // of one image
}

// A candidate is a box of one image with its score for one class.
type candidate struct {
	score      float32
	class, box int
}

func (n *suppression) run(out, index, count *Tensor) error {
	total := 0
	images, boxes := n.boxes.Dims[0], n.boxes.Dims[1]
	lod := make([]uint64, 1, images+1)
	out.Resize(cap(out.Data)/(6*out.DType.Size()), 6)
	index.Resize(cap(index.Data)/index.DType.Size(), 1)
	for i := range images {
		n.image(i)
		for _, c := range n.kept {
			row := out.F32[6*total:][:6]
			row[0], row[1] = float32(c.class), c.score
			copy(row[2:], n.box(i, c.box))
			index.I32[total] = int32(i*boxes + c.box)
			total++
		}
		count.I32[i] = int32(len(n.kept))
		lod = append(lod, uint64(total))
	}
	index.Resize(total, 1)
	if total == 0 && n.op.LoneOne {
		out.Resize(1, 1)
		out.F32[0] = -1
		lod = []uint64{0, 1}
	} else {
		out.Resize(total, 6)
	}
	out.LoD = [][]uint64{lod}
	return nil
}

func (n *suppression) box(image, box int) []float32 {
	return n.boxes.F32[4*(image*n.boxes.Dims[1]+box):][:4]
}

// image selects the detections of one image, by class and then by score.
func (n *suppression) image(i int) {
	n.kept = n.kept[:0]
	classes, boxes := n.scores.Dims[1], n.scores.Dims[2]
	for c := range classes {
		if c != n.op.Background {
			n.class(i, c, n.scores.F32[(i*classes+c)*boxes:][:boxes])
		}
	}
	if n.op.KeepTopK < 0 || len(n.kept) <= n.op.KeepTopK {
		return
	}
	slices.SortStableFunc(n.kept, byScore)
	n.kept = n.kept[:n.op.KeepTopK]
	slices.SortStableFunc(n.kept, func(a, b candidate) int { return cmp.Compare(a.class, b.class) })
}

func byScore(a, b candidate) int { return cmp.Compare(b.score, a.score) }

// class appends the boxes that no better box of the class overlaps.
func (n *suppression) class(image, class int, scores []float32) {
	n.candidates = n.candidates[:0]
	for b, s := range scores {
		if s > n.op.ScoreThreshold {
			n.candidates = append(n.candidates, candidate{s, class, b})
		}
	}
	slices.SortStableFunc(n.candidates, byScore)
	if n.op.TopK >= 0 && len(n.candidates) > n.op.TopK {
		n.candidates = n.candidates[:n.op.TopK]
	}
	first, threshold := len(n.kept), n.op.Threshold
	for _, c := range n.candidates {
		overlaps := slices.ContainsFunc(n.kept[first:], func(k candidate) bool {
			return overlap(n.box(image, c.box), n.box(image, k.box), n.op.Pixels) > threshold
		})
		if overlaps {
			continue
		}
		n.kept = append(n.kept, c)
		if n.op.Eta < 1 && threshold > .5 {
			threshold *= n.op.Eta
		}
	}
}

// overlap is the intersection of two boxes over their union.
func overlap(a, b []float32, pixels bool) float32 {
	if b[0] > a[2] || b[2] < a[0] || b[1] > a[3] || b[3] < a[1] {
		return 0
	}
	both := [4]float32{max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])}
	one := extent(both, pixels)
	return one / (area(a, pixels) + area(b, pixels) - one)
}

func extent(b [4]float32, pixels bool) float32 {
	w, h := b[2]-b[0], b[3]-b[1]
	if pixels {
		w, h = w+1, h+1
	}
	return w * h
}

// area is 0 for a box that is turned inside out.
func area(b []float32, pixels bool) float32 {
	if b[2] < b[0] || b[3] < b[1] {
		return 0
	}
	return extent([4]float32(b), pixels)
}
