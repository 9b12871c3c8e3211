package hostop

import (
	"math"

	"github.com/octet-dnn/octet/graph"
)

// Resize returns the kernel of a resampling whose grid oneDNN does not know:
// aligned corners, sources at dst·ratio, and nearest at broken factors. Both
// tensors are FP32, of the same layout. The grids are those of Paddle's
// phi/kernels/cpu/interpolate_kernel.cc.
func Resize(op *graph.Resize) Kernel {
	return func(t []*Tensor) (func() error, error) {
		x, y := t[0], t[1]
		rows := taps(op, op.ScaleH, x.Dims[2], y.Dims[2])
		cols := taps(op, op.ScaleW, x.Dims[3], y.Dims[3])
		n, c, h, w := x.Dims[0], x.Dims[1], x.Dims[2], x.Dims[3]
		planes, lane := n*c, 1
		if x.ChannelsLast {
			planes, lane = n, c
		}
		size := len(rows) * len(cols) * lane
		return func() error {
			for p := range planes {
				resizePlane(x.F32[p*h*w*lane:][:h*w*lane], y.F32[p*size:][:size], rows, cols, w, lane)
			}
			return nil
		}, nil
	}
}

// resizePlane mixes four elements of x for each of y; lane elements lie at
// each position.
func resizePlane(x, y []float32, rows, cols []tap, width, lane int) {
	at := 0
	for _, r := range rows {
		for _, c := range cols {
			a, b := x[(r.lo*width+c.lo)*lane:][:lane], x[(r.lo*width+c.hi)*lane:][:lane]
			d, e := x[(r.hi*width+c.lo)*lane:][:lane], x[(r.hi*width+c.hi)*lane:][:lane]
			out := y[at:][:lane]
			for i := range out {
				out[i] = (a[i]*(1-c.f)+b[i]*c.f)*(1-r.f) + (d[i]*(1-c.f)+e[i]*c.f)*r.f
			}
			at += lane
		}
	}
}

// A tap says which two source indices make one result, and the share f of hi.
type tap struct {
	lo, hi int
	f      float32
}

// taps returns the grid of one dim, in Paddle's single precision. A single result
// is taken from the start, whatever the alignment.
func taps(op *graph.Resize, scale float32, in, out int) []tap {
	ratio := float32(0)
	switch {
	case out == 1:
	case op.AlignCorners:
		ratio = float32(in-1) / float32(out-1)
	case scale > 0 && !op.ByRatio:
		ratio = 1 / scale
	default:
		ratio = float32(in) / float32(out)
	}
	list := make([]tap, out)
	for i := range list {
		list[i] = tapAt(op, ratio, i, in)
	}
	return list
}

func tapAt(op *graph.Resize, ratio float32, i, in int) tap {
	at := ratio * float32(i)
	if op.Nearest {
		if op.AlignCorners {
			at += 0.5
		}
		k := min(int(at), in-1)
		return tap{lo: k, hi: k}
	}
	half := op.AlignMode == 0 && !op.AlignCorners
	if half {
		at = ratio*(float32(i)+0.5) - 0.5
	}
	lo := max(int(math.Floor(float64(at))), 0)
	lo = min(lo, in-1)
	return tap{lo: lo, hi: min(lo+1, in-1), f: max(at, 0) - float32(lo)}
}
