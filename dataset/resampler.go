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
	sums   []int32
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

// run resamples src, the RGB bytes of the planned window, into dst: rows
// first, rounded to bytes, then columns, as Pillow does.
func (r *resampler) run(dst, src []byte) {
	g := r.geo
	outStride := 3 * (g.x1 - g.x0)
	rows := g.y1 - g.y0
	if r.v != nil {
		rows = r.v.last - r.v.first
	}
	if r.h != nil {
		out := dst
		if r.v != nil {
			r.tmp = grow(r.tmp, rows*outStride)
			out = r.tmp
		}
		inStride := 3 * (r.h.last - r.h.first)
		for y := range rows {
			r.h.horizontal(out[y*outStride:(y+1)*outStride], src[y*inStride:(y+1)*inStride])
		}
		src = out
	}
	if r.v == nil {
		if r.h == nil {
			copy(dst, src[:rows*outStride])
		}
		return
	}
	r.sums = grow(r.sums, outStride)
	for y := range g.y1 - g.y0 {
		r.v.vertical(dst[y*outStride:(y+1)*outStride], src, y, r.sums)
	}
}

// cut returns the planned window of a whole picture.
func (r *resampler) cut(m *Image) []byte {
	win := r.plan(r.geo, r.filter)
	if win.Dx() == m.Width {
		return m.Pix[3*m.Width*win.Min.Y : 3*m.Width*win.Max.Y]
	}
	out := make([]byte, 0, 3*win.Dx()*win.Dy())
	for y := win.Min.Y; y < win.Max.Y; y++ {
		at := 3 * (y*m.Width + win.Min.X)
		out = append(out, m.Pix[at:at+3*win.Dx()]...)
	}
	return out
}

func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
