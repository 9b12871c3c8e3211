package dataset

import "image"

// A geometry says which part of a resized picture is wanted.
type geometry struct {
	srcW, srcH     int // the picture
	dstW, dstH     int // its size after resizing
	x0, y0, x1, y1 int // the part wanted of that
}

// A resampler computes part of a resized picture from the part of the source
// it depends on. It keeps the weights for the last geometry.
type resampler struct {
	geo    geometry
	filter Filter
	h, v   *axis
	tmp    []byte
	pairs  []int64
}

// plan prepares for a geometry and returns the window of the source needed.
func (r *resampler) plan(g geometry, f Filter) image.Rectangle {
	if g != r.geo || f != r.filter {
		r.geo, r.filter, r.h, r.v = g, f, nil, nil
		if g.srcW != g.dstW {
			r.h = newAxis(g.srcW, g.dstW, g.x0, g.x1, f)
		}
		if g.srcH != g.dstH {
			r.v = newAxis(g.srcH, g.dstH, g.y0, g.y1, f)
		}
	}
	win := image.Rect(g.x0, g.y0, g.x1, g.y1)
	if r.h != nil {
		win.Min.X, win.Max.X = r.h.first, r.h.last
	}
	if r.v != nil {
		win.Min.Y, win.Max.Y = r.v.first, r.v.last
	}
	return win
}

// beyond is how many bytes behind a picture the vertical pass may read.
const beyond = 7

// run resamples src, the RGB bytes of the planned window and beyond bytes
// more, into dst: rows first, rounded to bytes, then columns, as Pillow does.
func (r *resampler) run(dst, src []byte) {
	g := r.geo
	outStride := 3 * (g.x1 - g.x0)
	if r.v == nil {
		if r.h == nil {
			copy(dst, src[:(g.y1-g.y0)*outStride])
			return
		}
		r.rows(dst, src, g.y1-g.y0, outStride)
		return
	}
	if r.h != nil {
		n := r.v.last - r.v.first
		r.tmp = grow(r.tmp, n*outStride+beyond)
		r.rows(r.tmp, src, n, outStride)
		src = r.tmp
	}
	for y := range g.y1 - g.y0 {
		r.v.vertical(dst[y*outStride:(y+1)*outStride], src, y)
	}
}

// rows resamples n rows, two at a time; of an odd number the last goes twice.
func (r *resampler) rows(dst, src []byte, n, outStride int) {
	inStride := 3 * (r.h.last - r.h.first)
	r.pairs = grow(r.pairs, inStride)
	for y := 0; y < n; y += 2 {
		var out, in [2][]byte
		for i := range 2 {
			row := min(y+i, n-1)
			out[i], in[i] = dst[row*outStride:(row+1)*outStride], src[row*inStride:(row+1)*inStride]
		}
		r.h.horizontal(out, in, r.pairs)
	}
}

// cut returns the planned window of a whole picture, as run needs it.
func (r *resampler) cut(m *Image) []byte {
	win := r.plan(r.geo, r.filter)
	out := make([]byte, 0, 3*win.Dx()*win.Dy()+beyond)
	for y := win.Min.Y; y < win.Max.Y; y++ {
		at := 3 * (y*m.Width + win.Min.X)
		out = append(out, m.Pix[at:at+3*win.Dx()]...)
	}
	return out[:cap(out)]
}

func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
