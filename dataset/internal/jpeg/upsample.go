package jpeg

// An upsampler holds one row of each component at the size of the picture, and
// the parts of them inside the window.
type upsampler struct {
	rows   [4][]byte
	window [4][]byte
	sums   []int32
}

// render writes the window as RGB.
func (d *Decoder) render(dst []byte) {
	win := d.window
	convert := d.converter()
	n := d.hdr.Components
	for y := win.Min.Y; y < win.Max.Y; y++ {
		rows := &d.up.window
		for i := range d.comps[:n] {
			rows[i] = d.row(i, y)[win.Min.X:win.Max.X]
		}
		convert(dst[:3*win.Dx()], rows)
		dst = dst[3*win.Dx():]
	}
}

// row returns row y of component i at full width; only the columns of the
// window are sure to be filled in.
func (d *Decoder) row(i, y int) []byte {
	c := &d.comps[i]
	sx, sy := d.hmax/c.h, d.vmax/c.v
	src := func(r int) []byte {
		r = min(max(r, 0), c.height-1)
		return c.plane[r*c.stride : r*c.stride+c.width]
	}
	if sx == 1 && sy == 1 {
		return src(y)
	}
	buf := grow(d.up.rows[i], sx*c.width)
	d.up.rows[i] = buf
	// The samples under the window, and what their neighbours contribute.
	x0, x1 := d.window.Min.X/sx, min(c.width, ceilDiv(d.window.Max.X, sx))
	near := y / sy
	far := near + 1
	if y%2 == 0 {
		far = near - 1
	}
	switch {
	// libjpeg takes its filters for rows of more than two samples only,
	// except where it filters down columns alone.
	case sx == 2 && sy == 1 && c.width > 2:
		fancyH(buf, src(near), x0, x1)
	case sx == 1 && sy == 2:
		fancyV(buf, src(near), src(far), x0, x1, int32(1+y%2))
	case sx == 2 && sy == 2 && c.width > 2:
		d.up.sums = grow(d.up.sums, c.width)
		fancyHV(buf, src(near), src(far), x0, x1, d.up.sums)
	default:
		row := src(near)
		for x := x0; x < x1; x++ {
			for k := range sx {
				buf[sx*x+k] = row[x]
			}
		}
	}
	return buf
}

// The filters weigh the nearer sample 3/4 and the farther 1/4. The rounding
// alternates between the two outputs of a sample, so that it does not drift.

// fancyH doubles the width of row for samples x0 to x1.
func fancyH(dst, row []byte, x0, x1 int) {
	last := len(row) - 1
	for x := x0; x < x1; x++ {
		v := 3 * int32(row[x])
		a, b := row[x], row[x]
		if x > 0 {
			a = byte((v + int32(row[x-1]) + 1) >> 2)
		}
		if x < last {
			b = byte((v + int32(row[x+1]) + 2) >> 2)
		}
		dst[2*x], dst[2*x+1] = a, b
	}
}

// fancyV mixes two rows; bias is 1 for the upper output row and 2 for the lower.
func fancyV(dst, near, far []byte, x0, x1 int, bias int32) {
	for x := x0; x < x1; x++ {
		dst[x] = byte((3*int32(near[x]) + int32(far[x]) + bias) >> 2)
	}
}

// fancyHV does both with one rounding at the end.
func fancyHV(dst, near, far []byte, x0, x1 int, sums []int32) {
	last := len(near) - 1
	far, sums = far[:last+1], sums[:last+1]
	for x := max(0, x0-1); x < min(x1+1, last+1); x++ {
		sums[x] = 3*int32(near[x]) + int32(far[x])
	}
	for x := x0; x < x1; x++ {
		v := sums[x]
		l, r := v, v
		if x > 0 {
			l = sums[x-1]
		}
		if x < last {
			r = sums[x+1]
		}
		dst[2*x] = byte((3*v + l + 8) >> 4)
		dst[2*x+1] = byte((3*v + r + 7) >> 4)
	}
}
