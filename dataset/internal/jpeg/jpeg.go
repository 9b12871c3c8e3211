// Package jpeg decodes JPEG pictures to exactly the RGB bytes that libjpeg-turbo,
// and so Pillow's convert("RGB"), gives for them.
//
// The standard library's decoder differs from libjpeg in three places: the
// rounding of the inverse DCT, chroma upsampling (nearest neighbour there,
// a triangle filter here) and the conversion of YCbCr to RGB. Accuracy and
// calibration thresholds are compared with pipelines built on Pillow, so
// this package follows libjpeg in all three. It decodes
// baseline, extended and progressive Huffman-coded pictures of 8 bits with
// 1, 3 or 4 components; arithmetic coding, 12 bits, lossless and hierarchical
// pictures are refused by name.
//
// It differs from libjpeg on purpose in one thing: libjpeg warns about corrupt
// entropy-coded data and invents the rest of the picture; here that is an error.
package jpeg

import (
	"errors"
	"fmt"
	"image"
)

// ErrTruncated says that the data end before the picture does.
var ErrTruncated = errors.New("truncated JPEG")

// ErrFormat says that the data break the rules of the format.
var ErrFormat = errors.New("corrupt JPEG")

// ErrUnsupported says that the data may be right but are of a kind not decoded here.
var ErrUnsupported = errors.New("unsupported JPEG")

// Markers of ITU-T T.81, table B.1.
const (
	mSOF0  = 0xC0
	mSOF2  = 0xC2
	mDHT   = 0xC4
	mJPG   = 0xC8
	mDAC   = 0xCC
	mSOF15 = 0xCF
	mRST0  = 0xD0
	mRST7  = 0xD7
	mSOI   = 0xD8
	mEOI   = 0xD9
	mSOS   = 0xDA
	mDQT   = 0xDB
	mDNL   = 0xDC
	mDRI   = 0xDD
	mAPP0  = 0xE0
	mAPP14 = 0xEE
	mTEM   = 0x01
)

// maxScans bounds the work a small file can ask for: every scan visits every
// block, and a run of 32767 empty blocks costs two bytes. Real progressive
// files have about ten scans.
const maxScans = 128

// A Header is what a picture says of itself before its data.
type Header struct {
	Width, Height int
	// Components is 1 for grey, 3 for YCbCr or RGB, 4 for CMYK or YCCK.
	Components  int
	Progressive bool
}

// A Decoder decodes one picture after the other and keeps its buffers in
// between. The zero value is ready; it is not safe for concurrent use.
type Decoder struct {
	data []byte
	pos  int
	hdr  Header

	quant [4][64]uint16 // natural order
	hasQ  [4]bool
	dc    [4]huffman
	ac    [4]huffman
	comps [4]component
	hmax  int
	vmax  int
	mcusX int
	mcusY int

	restart   int
	sofMarker byte
	scans     int
	jfif      bool
	adobe     int // transform byte of the Adobe segment, -1 without one

	window image.Rectangle
	bits   bitReader
	eobRun int32
	up     upsampler
}

// Reset starts a new picture: it reads the segments before the first scan.
// data must stay unchanged until the last use of the picture. No memory is
// allocated from the sizes found, so a caller can check them first.
func (d *Decoder) Reset(data []byte) (Header, error) {
	d.data, d.pos = data, 0
	d.hdr = Header{}
	d.hasQ = [4]bool{}
	for i := range 4 {
		d.dc[i].ok, d.ac[i].ok = false, false
	}
	d.restart, d.scans, d.sofMarker, d.jfif, d.adobe = 0, 0, 0, false, -1
	if len(data) < 2 || data[0] != 0xFF || data[1] != mSOI {
		return Header{}, fmt.Errorf("%w: does not begin with a start-of-image marker", ErrFormat)
	}
	d.pos = 2
	m, err := d.segments()
	if err != nil {
		return Header{}, err
	}
	if m == mEOI {
		return Header{}, fmt.Errorf("%w: ends without a picture", ErrFormat)
	}
	return d.hdr, nil
}

// Pixels decodes the picture given to Reset and writes the part of it inside
// window to dst as interleaved RGB, row after row without padding.
// It may be called once per Reset. The whole file is read and checked, but
// blocks that the window does not depend on are not transformed.
// dst must hold 3*window.Dx()*window.Dy() bytes and window must lie in the picture.
func (d *Decoder) Pixels(dst []byte, window image.Rectangle) error {
	if full := image.Rect(0, 0, d.hdr.Width, d.hdr.Height); window.Empty() || !window.In(full) {
		return fmt.Errorf("jpeg: window %v is not inside the picture %v", window, full)
	}
	if need := 3 * window.Dx() * window.Dy(); len(dst) < need {
		return fmt.Errorf("jpeg: destination has %d bytes, window %v needs %d", len(dst), window, need)
	}
	d.window = window
	if err := d.allocate(); err != nil {
		return err
	}
	for m := byte(mSOS); m != mEOI; {
		if err := d.scan(); err != nil {
			return err
		}
		var err error
		if m, err = d.segments(); err != nil {
			return err
		}
	}
	for i := range d.comps[:d.hdr.Components] {
		c := &d.comps[i]
		if !c.seen {
			return fmt.Errorf("%w: no data for component %d", ErrFormat, i)
		}
		if d.hdr.Progressive {
			c.transform()
		}
	}
	d.render(dst)
	return nil
}

// nextMarker finds the next marker. Bytes that belong to no segment are
// passed over, as libjpeg does: files with a few stray bytes are common.
func (d *Decoder) nextMarker() (byte, error) {
	for d.pos+1 < len(d.data) {
		if d.data[d.pos] != 0xFF {
			d.pos++
			continue
		}
		for d.pos < len(d.data) && d.data[d.pos] == 0xFF {
			d.pos++
		}
		if d.pos == len(d.data) {
			break
		}
		m := d.data[d.pos]
		d.pos++
		if m != 0 {
			return m, nil
		}
	}
	return 0, fmt.Errorf("%w: no end-of-image marker in %d bytes", ErrTruncated, len(d.data))
}

// segments reads segments up to the first start-of-scan or end-of-image marker
// and leaves pos behind that marker.
func (d *Decoder) segments() (byte, error) {
	for {
		m, err := d.nextMarker()
		if err != nil {
			return 0, err
		}
		switch {
		case m == mEOI:
			return m, nil
		case m == mSOS:
			if d.hdr.Components == 0 {
				return 0, fmt.Errorf("%w: scan before the frame header", ErrFormat)
			}
			return m, nil
		case m == mSOI:
			return 0, fmt.Errorf("%w: second start-of-image marker at byte %d", ErrFormat, d.pos-2)
		case m >= mRST0 && m <= mRST7, m == mTEM:
			continue
		}
		seg, err := d.segment(m)
		if err != nil {
			return 0, err
		}
		if err := d.parse(m, seg); err != nil {
			return 0, err
		}
	}
}

// segment returns the payload of the segment at pos and moves behind it.
func (d *Decoder) segment(m byte) ([]byte, error) {
	if d.pos+2 > len(d.data) {
		return nil, fmt.Errorf("%w: in the length of segment %02X at byte %d", ErrTruncated, m, d.pos)
	}
	n := int(d.data[d.pos])<<8 | int(d.data[d.pos+1])
	if n < 2 {
		return nil, fmt.Errorf("%w: segment %02X at byte %d says length %d", ErrFormat, m, d.pos, n)
	}
	if d.pos+n > len(d.data) {
		return nil, fmt.Errorf("%w: in segment %02X at byte %d", ErrTruncated, m, d.pos)
	}
	seg := d.data[d.pos+2 : d.pos+n]
	d.pos += n
	return seg, nil
}

func (d *Decoder) parse(m byte, seg []byte) error {
	switch {
	case m == mDQT:
		return d.parseDQT(seg)
	case m == mDHT:
		return d.parseDHT(seg)
	case m == mDRI:
		if len(seg) != 2 {
			return fmt.Errorf("%w: restart interval of %d bytes", ErrFormat, len(seg))
		}
		d.restart = int(seg[0])<<8 | int(seg[1])
	case m == mDAC, m == mDNL:
		return fmt.Errorf("%w: segment %02X (arithmetic coding or a height given late)", ErrUnsupported, m)
	case m >= mSOF0 && m <= mSOF15 && m != mJPG:
		return d.parseSOF(m, seg)
	case m == mAPP0:
		d.jfif = d.jfif || len(seg) >= 14 && string(seg[:5]) == "JFIF\x00"
	case m == mAPP14:
		if len(seg) >= 12 && string(seg[:5]) == "Adobe" {
			d.adobe = int(seg[11])
		}
	}
	return nil
}
