package jpeg

// unzig maps zigzag positions to natural (row-major) ones.
var unzig = [64]uint8{
	0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5,
	12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
	35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
	58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
}

// sequential decodes a block of a baseline or extended picture into b,
// already multiplied by the quantisation table. It returns the zigzag position of
// the last coefficient that is not zero, and false for a code that no table has.
// b must be zero.
func (d *Decoder) sequential(c *component, dc, ac *huffman, b *[64]int32) (last int, ok bool) {
	r := &d.bits
	s, ok := r.symbol(dc)
	if !ok {
		return 0, false
	}
	if s != 0 {
		c.pred += r.extend(s)
	}
	b[0] = c.pred * int32(c.quant[0])
	for k := 1; k < 64; k++ {
		rs, ok := r.symbol(ac)
		if !ok {
			return 0, false
		}
		size := rs & 15
		if size == 0 {
			if rs != 0xF0 {
				break
			}
			k += 15
			continue
		}
		if k += int(rs >> 4); k > 63 {
			return 0, false
		}
		z := unzig[k] & 63
		b[z] = r.extend(size) * int32(c.quant[z])
		last = k
	}
	return last, true
}

func (d *Decoder) dcFirst(c *component, dc *huffman, coef *[64]int16, al int) bool {
	s, ok := d.bits.symbol(dc)
	if !ok {
		return false
	}
	if s != 0 {
		c.pred += d.bits.extend(s)
	}
	coef[0] = int16(c.pred << al)
	return true
}

// acFirst decodes the first pass over a band of AC coefficients, T.81 G.1.2.2.
func (d *Decoder) acFirst(s *scanHeader, coef *[64]int16) bool {
	if d.eobRun > 0 {
		d.eobRun--
		return true
	}
	r := &d.bits
	for k := s.ss; k <= s.se; k++ {
		rs, ok := r.symbol(s.ac[0])
		if !ok {
			return false
		}
		run, size := int(rs>>4), rs&15
		if size == 0 {
			if run < 15 {
				d.eobRun = d.readEOBRun(run) - 1
				break
			}
			k += 15
			continue
		}
		if k += run; k > s.se {
			return false
		}
		coef[unzig[k]] = int16(r.extend(size) << s.al)
	}
	return true
}

// readEOBRun returns how many blocks, with this one, end here.
func (d *Decoder) readEOBRun(bits int) int32 {
	if bits == 0 {
		return 1
	}
	return 1<<bits + d.bits.take(uint(bits))
}

// acRefine decodes a correction pass over a band of AC coefficients, T.81
// G.1.2.3: one more bit for every coefficient known not to be zero, and new
// coefficients of that last bit in between.
func (d *Decoder) acRefine(s *scanHeader, coef *[64]int16) bool {
	r := &d.bits
	bit := int16(1) << s.al
	k := s.ss
	for d.eobRun == 0 && k <= s.se {
		rs, ok := r.symbol(s.ac[0])
		if !ok {
			return false
		}
		run, size := int(rs>>4), rs&15
		value := int16(0)
		switch {
		case size == 1:
			value = -bit
			if r.bit() != 0 {
				value = bit
			}
		case size != 0:
			return false
		case run < 15:
			d.eobRun = d.readEOBRun(run)
		}
		if d.eobRun > 0 {
			break
		}
		if k = d.refineRun(coef, k, s.se, run, bit); k <= s.se {
			coef[unzig[k]] = value
		} else if value != 0 {
			return false
		}
		k++
	}
	if d.eobRun > 0 {
		d.refineRun(coef, k, s.se, 64, bit)
		d.eobRun--
	}
	return true
}

// refineRun corrects the coefficients from k on that are not zero, until run
// zeros were passed and another is found, and returns its position (or se+1).
func (d *Decoder) refineRun(coef *[64]int16, k, se, run int, bit int16) int {
	for ; k <= se; k++ {
		p := &coef[unzig[k]]
		if *p == 0 {
			if run == 0 {
				break
			}
			run--
			continue
		}
		if d.bits.bit() != 0 && *p&bit == 0 {
			if *p >= 0 {
				*p += bit
			} else {
				*p -= bit
			}
		}
	}
	return k
}
