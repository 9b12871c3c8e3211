package dataset

import (
	"fmt"
	"math"
)

// A Preprocessor turns pictures into a network's input. It keeps buffers from
// one picture to the next; each goroutine needs its own.
type Preprocessor struct {
	preset  Preset
	limits  Limits
	tables  *[3][256]float32
	decoder decoder
	resize  resampler
	src     []byte
	out     []byte
}

// NewPreprocessor returns a Preprocessor; it fails if the preset is not valid.
func NewPreprocessor(p Preset, lim Limits) (*Preprocessor, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	return &Preprocessor{preset: p, limits: lim.withDefaults(), tables: p.tables(), out: make([]byte, p.Elems())}, nil
}

// Float32 decodes the file content data and writes the Elems values of the
// preset, in its layout, to dst. Errors about the picture wrap ErrBadImage.
func (p *Preprocessor) Float32(dst []float32, data []byte) error {
	if len(dst) != p.preset.Elems() {
		return fmt.Errorf("preprocess: destination has %d values, the preset gives %d", len(dst), p.preset.Elems())
	}
	if err := p.crop(p.out, data); err != nil {
		return err
	}
	src := [3]int{0, 1, 2}
	if p.preset.Channels == "BGR" {
		src = [3]int{2, 1, 0}
	}
	n := len(dst) / 3
	if p.preset.Layout == "NHWC" {
		for i := range n {
			for c := range 3 {
				dst[3*i+c] = p.tables[c][p.out[3*i+src[c]]]
			}
		}
		return nil
	}
	for c := range 3 {
		table, plane, pix := &p.tables[c], dst[c*n:(c+1)*n], p.out[src[c]:]
		for i := range plane {
			plane[i] = table[pix[3*i]]
		}
	}
	return nil
}

// Pixels decodes the file content data and writes the resized and cropped
// picture as bytes, Crop rows of Crop pixels of three channels (NHWC), in the
// preset's channel order. Errors about the picture wrap ErrBadImage.
func (p *Preprocessor) Pixels(dst []byte, data []byte) error {
	if len(dst) != p.preset.Elems() {
		return fmt.Errorf("preprocess: destination has %d bytes, the preset gives %d", len(dst), p.preset.Elems())
	}
	if err := p.crop(dst, data); err != nil {
		return err
	}
	if p.preset.Channels == "BGR" {
		for i := 0; i < len(dst); i += 3 {
			dst[i], dst[i+2] = dst[i+2], dst[i]
		}
	}
	return nil
}

// crop writes the resized and cropped picture as RGB. Only the part of the picture
// that the crop depends on is decoded.
func (p *Preprocessor) crop(dst, data []byte) error {
	if int64(len(data)) > p.limits.MaxFileBytes {
		return fmt.Errorf("%w: file of %d bytes, the limit is %d", ErrBadImage, len(data), p.limits.MaxFileBytes)
	}
	w, h, err := p.decoder.open(data, p.limits)
	if err != nil {
		return err
	}
	g, err := p.preset.geometry(w, h)
	if err != nil {
		return err
	}
	win := p.resize.plan(g, p.preset.Filter)
	p.src = grow(p.src, 3*win.Dx()*win.Dy()+beyond)
	if err := p.decoder.pixels(p.src, win); err != nil {
		return err
	}
	p.resize.run(dst, p.src)
	return nil
}

// geometry finds the size after resizing and the centre of it.
func (p Preset) geometry(w, h int) (geometry, error) {
	g := geometry{srcW: w, srcH: h, dstW: w, dstH: h}
	if p.ResizeShort > 0 {
		g.dstW, g.dstH = p.scaled(w, min(w, h)), p.scaled(h, min(w, h))
		if max(g.dstW, g.dstH) > maxSide {
			return g, fmt.Errorf("%w: %dx%d resized to short side %d is %dx%d", ErrBadImage, w, h, p.ResizeShort, g.dstW, g.dstH)
		}
	}
	if g.dstW < p.Crop || g.dstH < p.Crop {
		return g, fmt.Errorf("%w: %dx%d is smaller than the crop of %d and the preset does not resize", ErrBadImage, w, h, p.Crop)
	}
	g.x0, g.y0 = (g.dstW-p.Crop)/2, (g.dstH-p.Crop)/2
	g.x1, g.y1 = g.x0+p.Crop, g.y0+p.Crop
	return g, nil
}

// scaled returns the length of a side after resizing. Except for RoundDown the
// order of operations is that of Paddle's readers, side * (target/short), so that halves
// arise, or fail to, for the same pictures.
func (p Preset) scaled(side, short int) int {
	x := float64(side) * (float64(p.ResizeShort) / float64(short))
	switch p.Rounding {
	case RoundAway:
		x = math.Round(x)
	case RoundDown:
		return p.ResizeShort * side / short
	default:
		x = math.RoundToEven(x)
	}
	return int(x)
}
