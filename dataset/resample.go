package dataset

import (
	"encoding/binary"
	"fmt"
	"math"
)

// A Filter names a resampling filter of Pillow.
type Filter string

// The filters, in the names Presets use.
const (
	Box      Filter = "box"
	Bilinear Filter = "bilinear"
	Bicubic  Filter = "bicubic"
	Lanczos  Filter = "lanczos"
)

// kernel is a filter's weight function and the distance at which it becomes zero.
type kernel struct {
	support float64
	weight  func(x float64) float64
}

// kernels are those of Pillow's Resample.c. The conversions of products to
// float64 keep compilers of other machines from fusing multiply and add, which
// would round differently.
var kernels = map[Filter]kernel{
	Box: {0.5, func(x float64) float64 {
		if x > -0.5 && x <= 0.5 {
			return 1
		}
		return 0
	}},
	Bilinear: {1, func(x float64) float64 { return max(0, 1-math.Abs(x)) }},
	Bicubic:  {2, bicubic},
	Lanczos: {3, func(x float64) float64 {
		if x < -3 || x >= 3 {
			return 0
		}
		return sinc(x) * sinc(x/3)
	}},
}

// bicubic is Keys' cubic convolution with a = -1/2.
func bicubic(x float64) float64 {
	const a = -0.5
	x = math.Abs(x)
	switch {
	case x < 1:
		return float64((float64((a+2)*x)-(a+3))*x*x) + 1
	case x < 2:
		return (float64((float64((x-5)*x)+8)*x) - 4) * a
	}
	return 0
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	x *= math.Pi
	return math.Sin(x) / x
}

// precision is the number of fraction bits of a weight: what 32 bits leave
// beside 8 of the pixel and 2 for sums above one.
const precision = 32 - 8 - 2

// An axis holds the weights for outputs lo to hi of one dimension that is
// resampled from in to out. A nil axis means that the dimension stays as it is.
type axis struct {
	start, taps []int
	weights     []int32 // width a row
	width       int
	first, last int // the inputs used by any of the outputs
}

// newAxis computes weights as Pillow does: the kernel is stretched when
// shrinking, cut at the borders and normalised, then rounded to fixed point.
func newAxis(in, out, lo, hi int, f Filter) *axis {
	k := kernels[f]
	scale := float64(in) / float64(out)
	stretch := max(scale, 1)
	support := float64(k.support * stretch)
	n := hi - lo
	a := &axis{start: make([]int, n), taps: make([]int, n), width: int(math.Ceil(support))*2 + 1, first: in}
	a.weights = make([]int32, n*a.width)
	w := make([]float64, a.width)
	inv := 1 / stretch
	for i := range n {
		center := float64((float64(lo+i) + 0.5) * scale)
		from := max(0, int(center-support+0.5))
		taps := min(in, int(center+support+0.5)) - from
		sum := 0.0
		for x := range taps {
			w[x] = k.weight((float64(x+from) - center + 0.5) * inv)
			sum += w[x]
		}
		for x := range taps {
			if sum != 0 {
				a.weights[i*a.width+x] = fixed(w[x] / sum)
			}
		}
		a.start[i], a.taps[i] = from, taps
		a.first, a.last = min(a.first, from), max(a.last, from+taps)
	}
	return a
}

// fixed rounds half away from zero.
func fixed(w float64) int32 { return int32(math.Copysign(0.5, w) + w*(1<<precision)) }

// Sums are kept in pairs: one int64 holds two of them, the second times 2^32.
// Multiplying such a pair of pixels by a weight and adding it up is exact in
// both, because no sum leaves 32 bits (see precision), and takes half the work.

// rounding is a half for both sums of a pair.
const rounding = 1<<(precision-1) | 1<<(precision-1+32)

// bytePair masks two bytes four bytes apart.
const bytePair = 0xFF_0000_00FF

// split rounds the sums of a pair to pixels.
func split(pair int64) (lo, hi byte) {
	l := int32(pair)
	return clamp(l), clamp(int32((pair - int64(l)) >> 32))
}

// horizontal resamples two rows of RGB; row[0] is input a.first. pairs is
// scratch of one row.
func (a *axis) horizontal(dst, row [2][]byte, pairs []int64) {
	second := row[1][:len(row[0])]
	pairs = pairs[:len(second)]
	for i, v := range row[0] {
		pairs[i] = int64(v) | int64(second[i])<<32
	}
	for i, from := range a.start {
		w := a.weights[i*a.width:][:a.taps[i]]
		p := pairs[3*(from-a.first):][:3*len(w)]
		r, g, b := int64(rounding), int64(rounding), int64(rounding)
		for len(w) > 0 && len(p) >= 3 {
			k := int64(w[0])
			r += p[0] * k
			g += p[1] * k
			b += p[2] * k
			p, w = p[3:], w[1:]
		}
		o, u := dst[0][3*i:3*i+3:3*i+3], dst[1][3*i:3*i+3:3*i+3]
		o[0], u[0] = split(r)
		o[1], u[1] = split(g)
		o[2], u[2] = split(b)
	}
}

// vertical computes output row i, eight values at a time, from rows as long as
// dst; src[0] is input a.first. src must hold 7 bytes beyond its last row.
func (a *axis) vertical(dst, src []byte, i int) {
	n := len(dst)
	src = src[(a.start[i]-a.first)*n:]
	weights := a.weights[i*a.width:][:a.taps[i]]
	for x := 0; x < n; x += 8 {
		s0, s1, s2, s3 := int64(rounding), int64(rounding), int64(rounding), int64(rounding)
		at := x
		for _, w := range weights {
			v, k := binary.LittleEndian.Uint64(src[at:at+8]), int64(w)
			s0 += int64(v&bytePair) * k
			s1 += int64(v>>8&bytePair) * k
			s2 += int64(v>>16&bytePair) * k
			s3 += int64(v>>24&bytePair) * k
			at += n
		}
		var out [8]byte
		out[0], out[4] = split(s0)
		out[1], out[5] = split(s1)
		out[2], out[6] = split(s2)
		out[3], out[7] = split(s3)
		copy(dst[x:], out[:])
	}
}

func clamp(v int32) byte {
	if v >>= precision; uint32(v) > 255 {
		return byte(^v >> 31)
	}
	return byte(v)
}

// Resize returns the picture at the given size, byte for byte as the
// Image.resize of Pillow 3.4 to 12 gives it. Pillow 13 resamples columns before
// rows where the height shrinks much more than the width, which can differ by a
// few grey levels there.
func (m *Image) Resize(width, height int, f Filter) (*Image, error) {
	if _, ok := kernels[f]; !ok {
		return nil, fmt.Errorf("resize: unknown filter %q", f)
	}
	if width < 1 || height < 1 || width > maxSide || height > maxSide {
		return nil, fmt.Errorf("resize: size %dx%d is outside 1..%d", width, height, maxSide)
	}
	g := geometry{srcW: m.Width, srcH: m.Height, dstW: width, dstH: height, x1: width, y1: height}
	var r resampler
	r.plan(g, f)
	out := &Image{Pix: make([]byte, 3*width*height), Width: width, Height: height}
	r.run(out.Pix, r.cut(m))
	return out, nil
}
