package dataset

import (
	"bytes"
	"image"
	"image/color"
	"unicode/utf8"
)

// signatures name what people give instead of pictures; '?' matches any byte.
var signatures = []struct{ magic, name string }{
	{"\xff\xd8", "JPEG"},
	{"\x89PNG\r\n\x1a\n", "PNG"},
	{"GIF8", "a GIF"},
	{"RIFF????WEBP", "a WebP"},
	{"BM", "a BMP"},
	{"II*\x00", "a TIFF"},
	{"MM\x00*", "a TIFF"},
	{"????ftypavif", "an AVIF"},
	{"????ftyphei", "a HEIC"},
	{"\x00\x00\x00\x0cjP  ", "a JPEG 2000"},
	{"\xff\x0a", "a JPEG XL"},
	{"8BPS", "a Photoshop file"},
	{"%PDF", "a PDF"},
	{"PK\x03\x04", "a zip archive"},
	{"\x1f\x8b", "a gzip file"},
	{"\x93NUMPY", "an npy array"},
	{"\x80\x02", "a pickle"},
	{"\x80\x04", "a pickle"},
	{"version https://git-lfs", "a git-lfs pointer (the file itself was not fetched)"},
	{"<?xml", "an XML or SVG text"},
	{"<svg", "an SVG"},
	{"<", "an HTML text"},
}

// sniff names the kind of a file by its first bytes.
func sniff(data []byte) string {
	if len(data) == 0 {
		return "an empty file"
	}
next:
	for _, s := range signatures {
		if len(data) < len(s.magic) {
			continue
		}
		for i := range len(s.magic) {
			if s.magic[i] != '?' && s.magic[i] != data[i] {
				continue next
			}
		}
		return s.name
	}
	head := data[:min(len(data), 512)]
	for len(head) > 0 && len(data) > len(head) && !utf8.Valid(head) && len(head) > 508 {
		head = head[:len(head)-1] // a character may be cut at the end
	}
	switch {
	case len(bytes.Trim(head, "\x00")) == 0:
		return "a file of zero bytes"
	case utf8.Valid(head) && !bytes.ContainsRune(head, 0):
		return "a text"
	}
	return "a file of unknown kind"
}

// paletteBytes returns the colours of a paletted picture without their alpha.
// Indexes beyond the palette, which image/png has padded or refused, are black.
func paletteBytes(m image.Image) *[256][3]byte {
	p, ok := m.(*image.Paletted)
	if !ok {
		return nil
	}
	var out [256][3]byte
	for i, c := range p.Palette[:min(256, len(p.Palette))] {
		switch c := c.(type) {
		case color.RGBA:
			out[i] = [3]byte{c.R, c.G, c.B}
		case color.NRGBA:
			out[i] = [3]byte{c.R, c.G, c.B}
		}
	}
	return &out
}
