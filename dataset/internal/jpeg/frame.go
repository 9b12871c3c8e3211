package jpeg

import "fmt"

// A component is one plane of the picture. Sizes are in samples of the plane
// unless they say otherwise.
type component struct {
	id, h, v, tq int
	// width, height count the samples that belong to the picture.
	width, height int
	// blocksX, blocksY count the 8x8 blocks a scan of this component alone holds.
	blocksX, blocksY int
	// gridX, gridY count the blocks of whole MCUs; plane and coef are that large.
	gridX, gridY int
	// x0..y1 are the blocks the window depends on; others are not transformed.
	x0, x1, y0, y1 int

	plane  []byte
	stride int
	coef   [][64]int16 // progressive only, natural order
	quant  [64]uint16  // as it stood when the component's first scan began
	seen   bool
	pred   int32
}

func (d *Decoder) parseSOF(m byte, seg []byte) error {
	switch {
	case m == 0xC3, m >= 0xC5 && m <= 0xC7:
		return fmt.Errorf("%w: lossless or hierarchical frame (SOF%d)", ErrUnsupported, m-mSOF0)
	case m > 0xC8:
		return fmt.Errorf("%w: arithmetic coding (SOF%d)", ErrUnsupported, m-mSOF0)
	case d.hdr.Components != 0:
		return fmt.Errorf("%w: second frame header", ErrFormat)
	case len(seg) < 6:
		return fmt.Errorf("%w: frame header of %d bytes", ErrFormat, len(seg))
	case seg[0] != 8:
		return fmt.Errorf("%w: %d bits a sample", ErrUnsupported, seg[0])
	}
	h := Header{
		Height: int(seg[1])<<8 | int(seg[2]), Width: int(seg[3])<<8 | int(seg[4]),
		Components: int(seg[5]), Progressive: m == mSOF2,
	}
	if h.Width == 0 || h.Height == 0 {
		return fmt.Errorf("%w: size %dx%d", ErrFormat, h.Width, h.Height)
	}
	if h.Components != 1 && h.Components != 3 && h.Components != 4 {
		return fmt.Errorf("%w: %d components", ErrUnsupported, h.Components)
	}
	if len(seg) != 6+3*h.Components {
		return fmt.Errorf("%w: frame header of %d bytes for %d components", ErrFormat, len(seg), h.Components)
	}
	d.hmax, d.vmax = 1, 1
	for i := range h.Components {
		s := seg[6+3*i:]
		c := &d.comps[i]
		c.id, c.h, c.v, c.tq, c.seen = int(s[0]), int(s[1]>>4), int(s[1]&15), int(s[2]), false
		if c.h < 1 || c.h > 4 || c.v < 1 || c.v > 4 || c.tq > 3 {
			return fmt.Errorf("%w: component %d has sampling %dx%d, table %d", ErrFormat, i, c.h, c.v, c.tq)
		}
		for j := range i {
			if d.comps[j].id == c.id {
				return fmt.Errorf("%w: two components have the id %d", ErrFormat, c.id)
			}
		}
		d.hmax, d.vmax = max(d.hmax, c.h), max(d.vmax, c.v)
	}
	d.hdr, d.sofMarker = h, m
	return d.layout()
}

// layout derives the sizes of all planes.
func (d *Decoder) layout() error {
	w, h := d.hdr.Width, d.hdr.Height
	d.mcusX, d.mcusY = ceilDiv(w, 8*d.hmax), ceilDiv(h, 8*d.vmax)
	for i := range d.comps[:d.hdr.Components] {
		c := &d.comps[i]
		if d.hmax%c.h != 0 || d.vmax%c.v != 0 {
			return fmt.Errorf("%w: component %d is sampled %dx%d of %dx%d", ErrUnsupported, i, c.h, c.v, d.hmax, d.vmax)
		}
		c.width, c.height = ceilDiv(w*c.h, d.hmax), ceilDiv(h*c.v, d.vmax)
		c.blocksX, c.blocksY = ceilDiv(c.width, 8), ceilDiv(c.height, 8)
		c.gridX, c.gridY = d.mcusX*c.h, d.mcusY*c.v
	}
	return nil
}

// allocate makes the planes and finds the blocks the window depends on.
// Every block costs at least one bit of the file, which bounds what a file
// with a lying header can make us allocate.
func (d *Decoder) allocate() error {
	blocks := 0
	for i := range d.comps[:d.hdr.Components] {
		blocks += d.comps[i].blocksX * d.comps[i].blocksY
	}
	if blocks/8 > len(d.data) {
		return fmt.Errorf("%w: %d bytes for a picture of %dx%d", ErrTruncated, len(d.data), d.hdr.Width, d.hdr.Height)
	}
	for i := range d.comps[:d.hdr.Components] {
		c := &d.comps[i]
		// Upsampling looks one sample beyond; two MCU steps are more than enough.
		sx, sy := d.hmax/c.h, d.vmax/c.v
		c.x0, c.x1 = max(0, d.window.Min.X/sx-2)/8, min(c.blocksX, ceilDiv(d.window.Max.X, 8*sx)+1)
		c.y0, c.y1 = max(0, d.window.Min.Y/sy-2)/8, min(c.blocksY, ceilDiv(d.window.Max.Y, 8*sy)+1)
		c.stride = 8 * c.gridX
		c.plane = grow(c.plane, 64*c.gridX*c.gridY)
		if d.hdr.Progressive {
			c.coef = grow(c.coef, c.gridX*c.gridY)
			clear(c.coef)
		}
	}
	return nil
}

func (c *component) wants(bx, by int) bool {
	return bx >= c.x0 && bx < c.x1 && by >= c.y0 && by < c.y1
}

// block returns where the samples of a block start in the plane.
func (c *component) block(bx, by int) []byte { return c.plane[8*by*c.stride+8*bx:] }

// transform turns the collected coefficients of a progressive picture into samples.
func (c *component) transform() {
	var b [64]int32
	for by := c.y0; by < c.y1; by++ {
		for bx := c.x0; bx < c.x1; bx++ {
			coef := &c.coef[by*c.gridX+bx]
			for i, v := range coef {
				b[i] = int32(v) * int32(c.quant[i])
			}
			idct(&b, c.block(bx, by), c.stride)
		}
	}
}

func (d *Decoder) parseDQT(seg []byte) error {
	for len(seg) > 0 {
		wide, id := int(seg[0]>>4), int(seg[0]&15)
		n := 64 * (1 + wide)
		if wide > 1 || id > 3 || len(seg) < 1+n {
			return fmt.Errorf("%w: quantisation table %d with precision %d in %d bytes", ErrFormat, id, wide, len(seg))
		}
		for k := range 64 {
			if wide == 0 {
				d.quant[id][unzig[k]] = uint16(seg[1+k])
			} else {
				d.quant[id][unzig[k]] = uint16(seg[1+2*k])<<8 | uint16(seg[2+2*k])
			}
		}
		d.hasQ[id] = true
		seg = seg[1+n:]
	}
	return nil
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
