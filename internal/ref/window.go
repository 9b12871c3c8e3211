package ref

import "fmt"

// A point is a position in D, H, W; tensors with fewer spatial dims leave the
// first ones at 0, or at 1 for a size.
type point [3]int

// spatial returns the sizes of v, at most three, right-aligned in a point that
// is filled with fill.
func spatial(v []int, fill int) point {
	p := point{fill, fill, fill}
	copy(p[3-len(v):], v)
	return p
}

// A window is the geometry of a kernel that slides over an input.
type window struct {
	in, out, kernel       point
	stride, dilation, pad point
	transposed            bool // the kernel spreads inputs over the output, as deconvolution does
}

// newWindow checks that src, kernel and dst sizes fit. The parameters have one
// entry a spatial dim; dilations may be nil.
func newWindow(src, kernel, dst, strides, dilations, padL, padR []int, transposed bool) (*window, error) {
	n := len(src) - 2
	if dilations == nil {
		dilations = make([]int, max(n, 0))
	}
	if n < 1 || n > 3 || len(dst) != n+2 {
		return nil, fmt.Errorf("src %v, dst %v: want one to three spatial dims: %w", src, dst, ErrShape)
	}
	for _, v := range [][]int{kernel, strides, dilations, padL, padR} {
		if len(v) != n {
			return nil, fmt.Errorf("%v: want %d entries: %w", v, n, ErrShape)
		}
	}
	for d := range n {
		from, to := src[d+2], dst[d+2]
		if transposed {
			from, to = to, from
		}
		reach := 1 + (kernel[d]-1)*(dilations[d]+1)
		if strides[d] < 1 || from-reach+padL[d]+padR[d] < 0 || (from-reach+padL[d]+padR[d])/strides[d]+1 != to {
			return nil, fmt.Errorf("src %v, kernel %v, strides %v, dilations %v, pads %v %v give not dst %v: %w",
				src, kernel, strides, dilations, padL, padR, dst, ErrShape)
		}
	}
	return &window{
		in: spatial(src[2:], 1), out: spatial(dst[2:], 1), kernel: spatial(kernel, 1),
		stride: spatial(strides, 1), dilation: spatial(dilations, 0), pad: spatial(padL, 0), transposed: transposed,
	}, nil
}

// source returns the input position that kernel point k reads for the output
// position out; false where that is padding or, transposed, between inputs.
func (w *window) source(out, k point) (point, bool) {
	var in point
	for d := range in {
		reach := k[d] * (w.dilation[d] + 1)
		if w.transposed {
			spread := out[d] + w.pad[d] - reach
			if spread < 0 || spread%w.stride[d] != 0 {
				return in, false
			}
			in[d] = spread / w.stride[d]
		} else {
			in[d] = out[d]*w.stride[d] + reach - w.pad[d]
		}
		if in[d] < 0 || in[d] >= w.in[d] {
			return in, false
		}
	}
	return in, true
}

// points calls f with every position within size, in row-major order, and its
// offset.
func (size point) points(f func(offset int, p point)) {
	i := 0
	for d := range size[0] {
		for h := range size[1] {
			for w := range size[2] {
				f(i, point{d, h, w})
				i++
			}
		}
	}
}

// offset is the position of p in a row-major block of this size.
func (size point) offset(p point) int { return (p[0]*size[1]+p[1])*size[2] + p[2] }

// elems is the number of positions in a block of this size.
func (size point) elems() int { return size[0] * size[1] * size[2] }
