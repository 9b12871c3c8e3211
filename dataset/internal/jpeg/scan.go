package jpeg

import "fmt"

// A scanHeader is a parsed SOS segment.
type scanHeader struct {
	comps  [4]*component
	dc, ac [4]*huffman
	n      int
	// ss, se bound the coefficients in zigzag order; ah, al are the bit
	// positions of successive approximation.
	ss, se, ah, al int
}

// scan decodes the scan whose SOS marker was just read.
func (d *Decoder) scan() error {
	if d.scans++; d.scans > maxScans {
		return fmt.Errorf("%w: more than %d scans", ErrUnsupported, maxScans)
	}
	seg, err := d.segment(mSOS)
	if err != nil {
		return err
	}
	var s scanHeader
	if err := d.parseSOS(seg, &s); err != nil {
		return err
	}
	for i := range s.n {
		c := s.comps[i]
		if !c.seen {
			if !d.hasQ[c.tq] {
				return fmt.Errorf("%w: quantisation table %d is missing", ErrFormat, c.tq)
			}
			c.quant, c.seen = d.quant[c.tq], true
		}
	}
	d.bits.reset(d.data, d.pos)
	err = d.blocks(&s)
	d.pos = d.bits.pos
	return err
}

func (d *Decoder) parseSOS(seg []byte, s *scanHeader) error {
	if len(seg) < 1 || len(seg) != 4+2*int(seg[0]) || seg[0] < 1 || int(seg[0]) > d.hdr.Components {
		return fmt.Errorf("%w: scan header of %d bytes", ErrFormat, len(seg))
	}
	s.n = int(seg[0])
	perMCU := 0
	for i := range s.n {
		id, td, ta := int(seg[1+2*i]), seg[2+2*i]>>4, seg[2+2*i]&15
		if td > 3 || ta > 3 {
			return fmt.Errorf("%w: scan names Huffman tables %d and %d", ErrFormat, td, ta)
		}
		for j := range d.comps[:d.hdr.Components] {
			if c := &d.comps[j]; c.id == id {
				s.comps[i] = c
			}
		}
		if s.comps[i] == nil {
			return fmt.Errorf("%w: scan of unknown component %d", ErrFormat, id)
		}
		for j := range i {
			if s.comps[j] == s.comps[i] {
				return fmt.Errorf("%w: scan names component %d twice", ErrFormat, id)
			}
		}
		s.dc[i], s.ac[i] = &d.dc[td], &d.ac[ta]
		perMCU += s.comps[i].h * s.comps[i].v
	}
	if s.n > 1 && perMCU > 10 {
		return fmt.Errorf("%w: %d blocks in an MCU", ErrFormat, perMCU)
	}
	t := seg[1+2*s.n:]
	s.ss, s.se, s.ah, s.al = int(t[0]), int(t[1]), int(t[2]>>4), int(t[2]&15)
	if !d.hdr.Progressive {
		// libjpeg ignores these bytes in sequential files; so do we.
		s.ss, s.se, s.ah, s.al = 0, 63, 0, 0
	}
	return d.checkScan(s)
}

// checkScan applies the rules of T.81 G.1.1.1 and asks for the tables in use.
func (d *Decoder) checkScan(s *scanHeader) error {
	if d.hdr.Progressive {
		bad := s.ss > s.se || s.se > 63 || s.ss == 0 && s.se != 0 || s.ss > 0 && s.n != 1 || s.al > 13 || s.ah > 13 || s.ah != 0 && s.al != s.ah-1
		if bad {
			return fmt.Errorf("%w: progressive scan with Ss=%d Se=%d Ah=%d Al=%d", ErrFormat, s.ss, s.se, s.ah, s.al)
		}
	}
	for i := range s.n {
		needDC := s.ss == 0 && s.ah == 0
		if needDC && !s.dc[i].ok || s.se > 0 && !s.ac[i].ok {
			return fmt.Errorf("%w: scan uses a Huffman table that was not defined", ErrFormat)
		}
	}
	return nil
}

// blocks walks the blocks of a scan: MCU by MCU where several components are
// interleaved, else row by row over the blocks that hold picture.
func (d *Decoder) blocks(s *scanHeader) error {
	mx, my := d.mcusX, d.mcusY
	if s.n == 1 {
		mx, my = s.comps[0].blocksX, s.comps[0].blocksY
	}
	d.startInterval(s)
	left, rst := d.restart, byte(0)
	for y := range my {
		for x := range mx {
			if d.restart > 0 {
				if left == 0 {
					if err := d.restartMarker(rst); err != nil {
						return err
					}
					d.startInterval(s)
					left, rst = d.restart, (rst+1)&7
				}
				left--
			}
			if err := d.mcu(s, x, y); err != nil {
				return fmt.Errorf("%w, at %d,%d of %dx%d blocks", err, x, y, mx, my)
			}
		}
	}
	return nil
}

func (d *Decoder) startInterval(s *scanHeader) {
	for i := range s.n {
		s.comps[i].pred = 0
	}
	d.eobRun = 0
}

func (d *Decoder) restartMarker(want byte) error {
	d.pos = d.bits.pos
	m, err := d.nextMarker()
	if err != nil {
		return err
	}
	if m != mRST0+want {
		return fmt.Errorf("%w: marker %02X where restart %d was due", ErrFormat, m, want)
	}
	d.bits.reset(d.data, d.pos)
	return nil
}

func (d *Decoder) mcu(s *scanHeader, x, y int) error {
	if s.n == 1 {
		return d.block(s, 0, x, y)
	}
	for i := range s.n {
		c := s.comps[i]
		for v := range c.v {
			for h := range c.h {
				if err := d.block(s, i, x*c.h+h, y*c.v+v); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// block decodes one block of component i of the scan.
func (d *Decoder) block(s *scanHeader, i, bx, by int) error {
	c := s.comps[i]
	ok := true
	if !d.hdr.Progressive {
		var b [64]int32
		var last int
		last, ok = d.sequential(c, s.dc[i], s.ac[i], &b)
		if c.wants(bx, by) {
			if last == 0 {
				idctFlat(b[0], c.block(bx, by), c.stride)
			} else {
				idct(&b, c.block(bx, by), c.stride)
			}
		}
	} else {
		coef := &c.coef[by*c.gridX+bx]
		switch {
		case s.ss == 0 && s.ah == 0:
			ok = d.dcFirst(c, s.dc[i], coef, s.al)
		case s.ss == 0:
			coef[0] |= int16(d.bits.bit()) << s.al
		case s.ah == 0:
			ok = d.acFirst(s, coef)
		default:
			ok = d.acRefine(s, coef)
		}
	}
	if d.bits.overrun() {
		if d.bits.pos >= len(d.data)-1 {
			return ErrTruncated
		}
		return fmt.Errorf("%w: marker in the middle of picture data at byte %d", ErrFormat, d.bits.pos)
	}
	if !ok {
		return fmt.Errorf("%w: bad Huffman code before byte %d", ErrFormat, d.bits.pos)
	}
	return nil
}
