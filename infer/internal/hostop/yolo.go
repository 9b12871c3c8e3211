package hostop

import (
	"math"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// YOLOBox returns the kernel of graph.YOLOBox, after Paddle's
// phi/kernels/cpu/yolo_box_kernel.cc.
func YOLOBox(op *graph.YOLOBox) Kernel {
	return func(t []*Tensor) (func() error, error) {
		if err := want(t, model.FP32, model.Int32, model.FP32, model.FP32); err != nil {
			return nil, err
		}
		return func() error {
			for i := range t[0].Dims[0] {
				for a := range len(op.Anchors) / 2 {
					newHead(op, t, i, a).decode()
				}
			}
			return nil
		}, nil
	}
}

// A head decodes the cells of one anchor of one image.
type head struct {
	op             *graph.YOLOBox
	entries        []float32 // x, y, w, h, confidence, then the classes; a map each
	overlap        []float32 // a map, if the head estimates it
	boxes, scores  []float32 // of this anchor's cells
	width, height  int       // cells
	anchorW        float32
	anchorH        float32
	imageW, imageH float32
}

func newHead(op *graph.YOLOBox, t []*Tensor, image, anchor int) *head {
	x := t[0]
	anchors, cells := len(op.Anchors)/2, x.Dims[2]*x.Dims[3]
	h := &head{
		op: op, height: x.Dims[2], width: x.Dims[3],
		anchorW: float32(op.Anchors[2*anchor]), anchorH: float32(op.Anchors[2*anchor+1]),
		imageH: float32(t[1].I32[2*image]), imageW: float32(t[1].I32[2*image+1]),
	}
	maps := x.F32[image*x.Dims[1]*cells:][:x.Dims[1]*cells]
	if op.IoUAware {
		h.overlap, maps = maps[anchor*cells:], maps[anchors*cells:]
	}
	h.entries = maps[anchor*(5+op.Classes)*cells:][:(5+op.Classes)*cells]
	first := (image*anchors + anchor) * cells
	h.boxes, h.scores = t[2].F32[4*first:][:4*cells], t[3].F32[op.Classes*first:][:op.Classes*cells]
	return h
}

func (h *head) decode() {
	clear(h.boxes)
	clear(h.scores)
	for row := range h.height {
		for col := range h.width {
			cell := row*h.width + col
			conf := h.confidence(cell)
			if conf < h.op.Threshold {
				continue
			}
			h.box(row, col, h.boxes[4*cell:][:4])
			for c := range h.op.Classes {
				h.scores[cell*h.op.Classes+c] = conf * sigmoid32(h.entry(5+c, cell))
			}
		}
	}
}

func (h *head) entry(n, cell int) float32 { return h.entries[n*h.width*h.height+cell] }

func (h *head) confidence(cell int) float32 {
	conf := sigmoid32(h.entry(4, cell))
	if h.overlap == nil {
		return conf
	}
	f := float64(h.op.IoUFactor)
	return float32(math.Pow(float64(conf), 1-f) * math.Pow(float64(sigmoid32(h.overlap[cell])), f))
}

func (h *head) box(row, col int, out []float32) {
	cell := row*h.width + col
	scale, bias := h.op.ScaleXY, -(h.op.ScaleXY-1)/2
	x := (float32(col) + sigmoid32(h.entry(0, cell))*scale + bias) * h.imageW / float32(h.width)
	y := (float32(row) + sigmoid32(h.entry(1, cell))*scale + bias) * h.imageH / float32(h.height)
	w := exp32(h.entry(2, cell)) * h.anchorW * h.imageW / float32(h.op.Downsample*h.width)
	v := exp32(h.entry(3, cell)) * h.anchorH * h.imageH / float32(h.op.Downsample*h.height)
	out[0], out[1], out[2], out[3] = x-w/2, y-v/2, x+w/2, y+v/2
	if h.op.Clip {
		out[0], out[1] = max(out[0], 0), max(out[1], 0)
		out[2], out[3] = min(out[2], h.imageW-1), min(out[3], h.imageH-1)
	}
}
