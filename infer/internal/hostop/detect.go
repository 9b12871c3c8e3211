package hostop

import (
	"math"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// BoxCoder returns the kernel of graph.BoxCoder, after Paddle's
// phi/kernels/cpu/box_coder_kernel.cc.
func BoxCoder(op *graph.BoxCoder) Kernel {
	return func(t []*Tensor) (func() error, error) {
		if err := want(t, model.FP32, model.FP32, model.FP32, model.FP32); err != nil {
			return nil, err
		}
		prior, variances, target, out := t[0], t[1], t[2], t[3]
		rows, cols := out.Dims[0], out.Dims[1]
		return func() error {
			for i := range rows {
				for j := range cols {
					at := 4 * (i*cols + j)
					p := 4 * j
					if op.ByRow && !op.Encode {
						p = 4 * i
					}
					v := varianceAt(op, variances, p)
					box := centred(prior.F32[p:], op.Pixels)
					if op.Encode {
						box.encode(target.F32[4*i:], v, op.Pixels, out.F32[at:])
					} else {
						box.decode(target.F32[at:], v, op.Pixels, out.F32[at:])
					}
				}
			}
			return nil
		}, nil
	}
}

func varianceAt(op *graph.BoxCoder, variances *Tensor, at int) [4]float32 {
	switch {
	case variances != nil:
		return [4]float32(variances.F32[at:])
	case len(op.Variance) == 4:
		return [4]float32(op.Variance)
	}
	return [4]float32{1, 1, 1, 1}
}

// A centre is a box by its centre and size.
type centre struct{ x, y, w, h float32 }

func centred(b []float32, pixels bool) centre {
	c := centre{w: b[2] - b[0], h: b[3] - b[1]}
	if pixels {
		c.w, c.h = c.w+1, c.h+1
	}
	c.x, c.y = b[0]+c.w/2, b[1]+c.h/2
	return c
}

// decode moves the prior p by the offsets t.
func (p centre) decode(t []float32, v [4]float32, pixels bool, out []float32) {
	x, y := v[0]*t[0]*p.w+p.x, v[1]*t[1]*p.h+p.y
	w, h := exp32(v[2]*t[2])*p.w, exp32(v[3]*t[3])*p.h
	out[0], out[1], out[2], out[3] = x-w/2, y-h/2, x+w/2, y+h/2
	if pixels {
		out[2], out[3] = out[2]-1, out[3]-1
	}
}

// encode writes the offsets from the prior p to the box t.
func (p centre) encode(t []float32, v [4]float32, pixels bool, out []float32) {
	c := centred(t, pixels)
	c.x, c.y = (t[0]+t[2])/2, (t[1]+t[3])/2
	out[0], out[1] = (c.x-p.x)/p.w/v[0], (c.y-p.y)/p.h/v[1]
	out[2], out[3] = log32(c.w/p.w)/v[2], log32(c.h/p.h)/v[3]
}

func exp32(x float32) float32 { return float32(math.Exp(float64(x))) }

func log32(x float32) float32 { return float32(math.Log(math.Abs(float64(x)))) }

func sigmoid32(x float32) float32 { return float32(1 / (1 + math.Exp(-float64(x)))) }
