package dataset

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"

	"github.com/octet-dnn/octet/dataset/internal/jpeg"
)

// ErrBadImage is wrapped by every error about the content of a picture: not a
// JPEG or PNG, corrupt, truncated, of an unsupported kind, too large or smaller
// than the crop.
var ErrBadImage = errors.New("bad image")

// maxSide is the largest width or height accepted; JPEG cannot say more.
const maxSide = 1<<16 - 1

// Limits bound what a picture may cost. The zero value means the defaults.
type Limits struct {
	// MaxPixels is the largest width times height, default 89478485 as in
	// Pillow. Decoding takes up to 9 bytes a pixel.
	MaxPixels int
	// MaxFileBytes is the largest file, default 256 MiB.
	MaxFileBytes int64
}

func (l Limits) withDefaults() Limits {
	if l.MaxPixels <= 0 {
		l.MaxPixels = 89478485
	}
	if l.MaxFileBytes <= 0 {
		l.MaxFileBytes = 256 << 20
	}
	return l
}

// An Image is a picture of interleaved 8-bit RGB, 3*Width*Height bytes.
type Image struct {
	Pix           []byte
	Width, Height int
}

// Decode decodes a JPEG or PNG, told apart by content, to the bytes of
// Pillow's Image.open(...).convert("RGB"): grey is repeated, palettes are looked
// up, alpha is dropped without blending, CMYK is mixed, an EXIF orientation and
// colour profiles are ignored, of an animated PNG the default image is taken. Of
// 16-bit samples the upper byte is taken (Pillow clips 16-bit grey, which leaves
// white). Errors wrap ErrBadImage.
func Decode(data []byte, lim Limits) (*Image, error) {
	var d decoder
	w, h, err := d.open(data, lim.withDefaults())
	if err != nil {
		return nil, err
	}
	m := &Image{Pix: make([]byte, 3*w*h), Width: w, Height: h}
	if err := d.pixels(m.Pix, image.Rect(0, 0, w, h)); err != nil {
		return nil, err
	}
	return m, nil
}

// A decoder decodes a part of one picture after the other.
type decoder struct {
	jpeg   jpeg.Decoder
	data   []byte
	isJPEG bool
}

// open reads the header of a picture and applies the limits.
func (d *decoder) open(data []byte, lim Limits) (w, h int, err error) {
	d.data, d.isJPEG = data, false
	switch kind := sniff(data); kind {
	case "JPEG":
		d.isJPEG = true
		hdr, err := d.jpeg.Reset(data)
		if err != nil {
			return 0, 0, fmt.Errorf("%w: %w", ErrBadImage, err)
		}
		w, h = hdr.Width, hdr.Height
	case "PNG":
		cfg, err := png.DecodeConfig(bytes.NewReader(data))
		if err != nil {
			return 0, 0, badPNG(err)
		}
		w, h = cfg.Width, cfg.Height
	default:
		return 0, 0, fmt.Errorf("%w: %s; only JPEG and PNG are read", ErrBadImage, kind)
	}
	if w < 1 || h < 1 || w > maxSide || h > maxSide || w*h > lim.MaxPixels {
		return 0, 0, fmt.Errorf("%w: %dx%d pixels, the limit is %d", ErrBadImage, w, h, lim.MaxPixels)
	}
	// Deflate shrinks at most 1032 times, and a pixel has at least one bit.
	if !d.isJPEG && w*h/8/1032 > len(data) {
		return 0, 0, fmt.Errorf("%w: PNG of %d bytes says %dx%d pixels", ErrBadImage, len(data), w, h)
	}
	return w, h, nil
}

// pixels writes the part of the opened picture inside win as RGB.
func (d *decoder) pixels(dst []byte, win image.Rectangle) error {
	if d.isJPEG {
		if err := d.jpeg.Pixels(dst, win); err != nil {
			return fmt.Errorf("%w: %w", ErrBadImage, err)
		}
		return nil
	}
	m, err := png.Decode(bytes.NewReader(d.data))
	if err != nil {
		return badPNG(err)
	}
	return copyRGB(dst, m, win)
}

func badPNG(err error) error { return fmt.Errorf("%w: PNG: %w", ErrBadImage, err) }

// copyRGB writes part of a picture as image/png decodes them, dropping alpha
// and the lower byte of wide samples.
func copyRGB(dst []byte, m image.Image, win image.Rectangle) error {
	palette := paletteBytes(m)
	for y := win.Min.Y; y < win.Max.Y; y++ {
		row := dst[:3*win.Dx()]
		dst = dst[3*win.Dx():]
		switch m := m.(type) {
		case *image.Gray:
			spread(row, m.Pix[m.PixOffset(win.Min.X, y):], 1, 0, 0)
		case *image.Gray16:
			spread(row, m.Pix[m.PixOffset(win.Min.X, y):], 2, 0, 0)
		case *image.RGBA:
			spread(row, m.Pix[m.PixOffset(win.Min.X, y):], 4, 1, 2)
		case *image.NRGBA:
			spread(row, m.Pix[m.PixOffset(win.Min.X, y):], 4, 1, 2)
		case *image.RGBA64:
			spread(row, m.Pix[m.PixOffset(win.Min.X, y):], 8, 2, 4)
		case *image.NRGBA64:
			spread(row, m.Pix[m.PixOffset(win.Min.X, y):], 8, 2, 4)
		case *image.Paletted:
			for x, i := range m.Pix[m.PixOffset(win.Min.X, y):][:win.Dx()] {
				copy(row[3*x:3*x+3], palette[i][:])
			}
		default:
			return fmt.Errorf("%w: PNG decoded as %T", ErrBadImage, m)
		}
	}
	return nil
}

// spread picks the red, green and blue byte of pixels of the given size.
func spread(dst, src []byte, size, g, b int) {
	for x := range len(dst) / 3 {
		p := src[x*size : (x+1)*size]
		dst[3*x], dst[3*x+1], dst[3*x+2] = p[0], p[g], p[b]
	}
}
