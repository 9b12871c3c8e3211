package jpeg

import (
	"encoding/binary"
	"fmt"
)

const lookBits = 9

// A huffman is a decoding table: codes of up to lookBits bits are found in one
// step, longer ones by comparing with the largest code of each length.
type huffman struct {
	look    [1 << lookBits]uint16 // length<<8 | symbol; 0 means longer or invalid
	maxCode [18]uint32            // first 16-bit-aligned value above the codes of a length
	offset  [17]int32             // symbol index = code + offset
	symbols [256]uint8
	ok      bool
}

func (d *Decoder) parseDHT(seg []byte) error {
	for len(seg) > 0 {
		if len(seg) < 17 {
			return fmt.Errorf("%w: Huffman table of %d bytes", ErrFormat, len(seg))
		}
		class, id := seg[0]>>4, seg[0]&15
		n := 0
		for _, c := range seg[1:17] {
			n += int(c)
		}
		if class > 1 || id > 3 || n > 256 || len(seg) < 17+n {
			return fmt.Errorf("%w: Huffman table class %d id %d with %d codes in %d bytes", ErrFormat, class, id, n, len(seg))
		}
		h := &d.dc[id]
		if class == 1 {
			h = &d.ac[id]
		}
		if err := h.build(seg[1:17], seg[17:17+n], class == 0); err != nil {
			return err
		}
		seg = seg[17+n:]
	}
	return nil
}

// build follows T.81 annex C: codes of each length are consecutive numbers.
func (h *huffman) build(counts, symbols []byte, dc bool) error {
	h.ok = false
	h.look = [1 << lookBits]uint16{}
	copy(h.symbols[:], symbols)
	code, k := uint32(0), 0
	for n := 1; n <= 16; n++ {
		h.offset[n] = int32(k) - int32(code)
		for range counts[n-1] {
			if code >= 1<<n {
				return fmt.Errorf("%w: Huffman table has too many codes of %d bits", ErrFormat, n)
			}
			if dc && symbols[k] > 15 {
				return fmt.Errorf("%w: DC Huffman symbol %d", ErrFormat, symbols[k])
			}
			if n <= lookBits {
				from := code << (lookBits - n)
				for i := range uint32(1) << (lookBits - n) {
					h.look[from+i] = uint16(n)<<8 | uint16(symbols[k])
				}
			}
			code++
			k++
		}
		h.maxCode[n] = code << (16 - n)
		code <<= 1
	}
	h.ok = true
	return nil
}

// long finds the code at the top of acc that is longer than lookBits.
func (h *huffman) long(acc uint64) (symbol uint8, length uint, ok bool) {
	top := uint32(acc >> 48)
	for n := uint(lookBits + 1); n <= 16; n++ {
		if top < h.maxCode[n] {
			return h.symbols[(int32(top>>(16-n))+h.offset[n])&255], n, true
		}
	}
	return 0, 16, false
}

// A bitReader reads entropy-coded data: 0xFF is followed by a stuffed zero, and
// any other byte after it is a marker, which ends the data. Past the end it
// gives zeros and counts them, so the inner loops need no check for the end.
type bitReader struct {
	data []byte
	pos  int
	acc  uint64 // next bit on top
	n    int    // bits in acc
	pad  int    // how many of the bits ever put in acc were invented
}

func (r *bitReader) reset(data []byte, pos int) { *r = bitReader{data: data, pos: pos} }

// overrun reports whether invented bits were consumed.
func (r *bitReader) overrun() bool { return r.n < r.pad }

// fill makes sure acc holds at least 32 bits: enough for the longest code and
// the number behind it.
func (r *bitReader) fill() {
	if r.n >= 32 {
		return
	}
	if p := r.pos; p+4 <= len(r.data) {
		w := binary.BigEndian.Uint32(r.data[p:])
		// No byte is 0xFF when the complement has no zero byte.
		if c := ^w; (c-0x01010101)&^c&0x80808080 == 0 {
			r.acc |= uint64(w) << (32 - r.n)
			r.n += 32
			r.pos = p + 4
			return
		}
	}
	r.fillSlow()
}

func (r *bitReader) fillSlow() {
	for r.n <= 48 {
		var b byte
		switch {
		case r.pos >= len(r.data):
			r.pad += 8
		case r.data[r.pos] != 0xFF:
			b = r.data[r.pos]
			r.pos++
		default:
			q := r.pos + 1
			for q < len(r.data) && r.data[q] == 0xFF {
				q++
			}
			if q < len(r.data) && r.data[q] == 0 {
				b = 0xFF
				r.pos = q + 1
			} else {
				r.pad += 8
			}
		}
		r.acc |= uint64(b) << (56 - r.n)
		r.n += 8
	}
}

func (r *bitReader) skip(n uint) {
	r.acc <<= n
	r.n -= int(n)
}

func (r *bitReader) bit() uint64 {
	r.fill()
	b := r.acc >> 63
	r.skip(1)
	return b
}

func (r *bitReader) take(n uint) int32 {
	r.fill()
	v := int32(r.acc >> (64 - n))
	r.skip(n)
	return v
}

// symbol decodes one Huffman symbol; afterwards acc holds at least 16 bits.
func (r *bitReader) symbol(h *huffman) (uint8, bool) {
	r.fill()
	if e := h.look[r.acc>>(64-lookBits)]; e != 0 {
		r.skip(uint(e >> 8))
		return uint8(e), true
	}
	s, n, ok := h.long(r.acc)
	r.skip(n)
	return s, ok
}

// extend reads a number of s bits, 1 <= s <= 15, in the form of T.81 F.2.2.1:
// a leading zero means negative. symbol must have been called just before.
func (r *bitReader) extend(s uint8) int32 {
	v := int32(r.acc >> (64 - s))
	neg := ^int32(int64(r.acc) >> 63) // -1 where the first bit is 0
	r.skip(uint(s))
	return v + neg&(1-int32(1)<<s)
}
