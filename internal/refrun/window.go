package refrun

import (
	"math"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/internal/ref"
)

// A span is the part of one axis that a pooling window covers.
type span struct {
	from, to int // input elements
	area     int // what an inclusive average counts: clipped to the padded extent
}

// spans lists the windows of one axis. Paddle's plain CPU kernel, which is the
// definition here, clips a window that hangs over the padded extent.
func spans(w graph.Window, in, axis int) []span {
	all := make([]span, w.Out[axis])
	for o := range all {
		if w.Adaptive {
			from, to := o*in/w.Out[axis], ((o+1)*in+w.Out[axis]-1)/w.Out[axis]
			all[o] = span{from, to, to - from}
			continue
		}
		start := o*w.Strides[axis] - w.Pads[2*axis]
		end := min(start+w.Kernel[axis], in+w.Pads[2*axis+1])
		all[o] = span{max(start, 0), min(end, in), end - start}
	}
	return all
}

func (c *call) pool(op *graph.Pool) error {
	x := c.in[0]
	w, err := op.Resolve(x.Dims)
	if err != nil {
		return err
	}
	height, width := x.Dims[2], x.Dims[3]
	rows, cols := spans(w, height, 0), spans(w, width, 1)
	i := 0
	for plane := 0; plane < len(x.Data); plane += height * width {
		for _, r := range rows {
			for _, s := range cols {
				c.store(i, pooled(op.Type, x.Data[plane:plane+height*width], width, r, s))
				i++
			}
		}
	}
	return nil
}

func pooled(kind graph.PoolKind, plane []float64, width int, rows, cols span) float64 {
	sum, greatest := 0.0, math.Inf(-1)
	for h := rows.from; h < rows.to; h++ {
		for w := cols.from; w < cols.to; w++ {
			v := plane[h*width+w]
			sum, greatest = sum+v, max(greatest, v)
		}
	}
	switch kind {
	case graph.MaxPool:
		return greatest
	case graph.AvgPoolInclusive:
		return sum / float64(rows.area*cols.area)
	}
	return sum / float64((rows.to-rows.from)*(cols.to-cols.from))
}

// resize follows Paddle's interp kernels. ratio is (in-1)/(out-1) with
// AlignCorners and in/out (or 1/scale) without, and 0 for a single element.
func (c *call) resize(op *graph.Resize) {
	x, out := c.in[0], c.out[0]
	sh, sw := op.ScaleH, op.ScaleW
	if op.ByRatio {
		sh, sw = 0, 0
	}
	ry := ratio(x.Dims[2], out.Dims[2], sh, op.AlignCorners)
	rx := ratio(x.Dims[3], out.Dims[3], sw, op.AlignCorners)
	width := x.Dims[3]
	for i, index := range ref.Indices(out.Dims) {
		plane := x.Data[(index[0]*x.Dims[1]+index[1])*x.Dims[2]*width:]
		if op.Nearest {
			c.store(i, plane[nearest(index[2], ry, x.Dims[2], op.AlignCorners)*width+nearest(index[3], rx, width, op.AlignCorners)])
			continue
		}
		half := !op.AlignCorners && op.AlignMode == 0
		y0, y1, fy := between(index[2], ry, x.Dims[2], half)
		x0, x1, fx := between(index[3], rx, width, half)
		top := plane[y0*width+x0]*(1-fx) + plane[y0*width+x1]*fx
		bottom := plane[y1*width+x0]*(1-fx) + plane[y1*width+x1]*fx
		c.store(i, top*(1-fy)+bottom*fy)
	}
}

func ratio(in, out int, scale float32, corners bool) float64 {
	switch {
	case out == 1:
		return 0
	case corners:
		return float64(in-1) / float64(out-1)
	case scale > 0:
		return 1 / float64(scale)
	}
	return float64(in) / float64(out)
}

func nearest(o int, ratio float64, in int, corners bool) int {
	at := ratio * float64(o)
	if corners {
		at += .5
	}
	return min(int(at), in-1)
}

// between gives the two neighbours of an output element and the weight of the second.
func between(o int, ratio float64, in int, half bool) (int, int, float64) {
	at := ratio * float64(o)
	if half {
		at = max(ratio*(float64(o)+.5)-.5, 0)
	}
	low := min(int(at), in-1)
	return low, min(low+1, in-1), at - float64(low)
}
