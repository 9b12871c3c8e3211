package graph

import "math"

// The grids of boxes follow Paddle's phi/kernels/cpu/prior_box_kernel.cc and
// fluid/operators/detection/density_prior_box_op.h, in single precision.

// boxes returns boxes and variances for a map and an image of those shapes.
func (p *PriorBox) boxes(x, image Shape) [][]float64 {
	b := newBoxGrid(x, image, p.StepW, p.StepH, p.Offset, p.Count())
	b.each(func(cx, cy float32) {
		box := func(w, h float32) { b.add(cx-w, cy-h, cx+w, cy+h) }
		for i, least := range p.MinSizes {
			middle := func() {
				if len(p.MaxSizes) > 0 {
					half := float32(math.Sqrt(float64(least*p.MaxSizes[i]))) / 2
					box(half, half)
				}
			}
			for k, a := range p.AspectRatios {
				root := float32(math.Sqrt(float64(a)))
				box(least*root/2, least/root/2)
				if p.MaxFirst && k == 0 {
					middle()
				}
			}
			if !p.MaxFirst {
				middle()
			}
		}
	})
	if p.Clip {
		b.clip()
	}
	return [][]float64{b.out, b.variances(p.Variances)}
}

// boxes returns boxes and variances for a map and an image of those shapes.
func (p *DensityPriorBox) boxes(x, image Shape) [][]float64 {
	b := newBoxGrid(x, image, p.StepW, p.StepH, p.Offset, p.Count())
	step := int((b.stepW + b.stepH) * .5)
	b.each(func(cx, cy float32) {
		for i, size := range p.FixedSizes {
			n := p.Densities[i]
			shift := float32(step / n)
			for _, ratio := range p.FixedRatios {
				root := float32(math.Sqrt(float64(ratio)))
				w, h := size*root/2, size/root/2
				left, top := cx-float32(step)/2+shift/2, cy-float32(step)/2+shift/2
				for di := range n {
					for dj := range n {
						x, y := left+float32(dj)*shift, top+float32(di)*shift
						b.add(max(x-w, 0), max(y-h, 0), min(x+w, b.imageW), min(y+h, b.imageH))
					}
				}
			}
		}
	})
	if p.Clip {
		b.clip()
	}
	return [][]float64{b.out, b.variances(p.Variances)}
}

// A boxGrid collects the boxes of all cells, relative to the image.
type boxGrid struct {
	width, height  int // cells
	imageW, imageH float32
	stepW, stepH   float32
	offset         float32
	out            []float64
}

func newBoxGrid(x, image Shape, stepW, stepH, offset float32, count int) *boxGrid {
	b := &boxGrid{width: x[3], height: x[2], imageW: float32(image[3]), imageH: float32(image[2]), stepW: stepW, stepH: stepH, offset: offset}
	if stepW == 0 || stepH == 0 {
		b.stepW, b.stepH = b.imageW/float32(b.width), b.imageH/float32(b.height)
	}
	b.out = make([]float64, 0, 4*count*b.width*b.height)
	return b
}

// each calls f with the centre of every cell, row by row.
func (b *boxGrid) each(f func(cx, cy float32)) {
	for h := range b.height {
		for w := range b.width {
			f((float32(w)+b.offset)*b.stepW, (float32(h)+b.offset)*b.stepH)
		}
	}
}

func (b *boxGrid) add(x1, y1, x2, y2 float32) {
	b.out = append(b.out, float64(x1/b.imageW), float64(y1/b.imageH), float64(x2/b.imageW), float64(y2/b.imageH))
}

func (b *boxGrid) clip() {
	for i, v := range b.out {
		b.out[i] = min(max(v, 0), 1)
	}
}

// variances repeats v for every box.
func (b *boxGrid) variances(v [4]float32) []float64 {
	out := make([]float64, len(b.out))
	for i := range out {
		out[i] = float64(v[i%4])
	}
	return out
}
