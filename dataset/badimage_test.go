package dataset

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"slices"
	"strings"
	"testing"
)

// segmentAt returns where the first JPEG segment with the marker starts.
func segmentAt(t testing.TB, data []byte, marker byte) int {
	t.Helper()
	for i := 2; i+4 <= len(data); i += 2 + int(binary.BigEndian.Uint16(data[i+2:])) {
		if data[i+1] == marker {
			return i
		}
	}
	t.Fatalf("no segment %02X", marker)
	return 0
}

// patch returns data with bytes replaced from the given offset behind the
// start of a JPEG segment: 0 is the 0xFF of its marker, 4 its first payload byte.
func patch(t testing.TB, data []byte, marker byte, offset int, with ...byte) []byte {
	t.Helper()
	out := bytes.Clone(data)
	copy(out[segmentAt(t, out, marker)+offset:], with)
	return out
}

// without removes a JPEG segment, and with inserts bytes before one.
func without(t testing.TB, data []byte, marker byte) []byte {
	t.Helper()
	i := segmentAt(t, data, marker)
	return slices.Delete(bytes.Clone(data), i, i+2+int(binary.BigEndian.Uint16(data[i+2:])))
}

func with(t testing.TB, data []byte, before byte, more ...byte) []byte {
	t.Helper()
	return slices.Insert(bytes.Clone(data), segmentAt(t, data, before), more...)
}

// chunk makes a PNG chunk with a right checksum.
func chunk(kind, data string) string {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	b = append(b, kind+data...)
	return string(binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:])))
}

// pngOf makes a PNG of a header and the chunks given.
func pngOf(w, h uint32, depth, colour, interlace byte, chunks ...string) []byte {
	b := binary.BigEndian.AppendUint32(nil, w)
	b = binary.BigEndian.AppendUint32(b, h)
	b = append(b, depth, colour, 0, 0, interlace)
	return []byte("\x89PNG\r\n\x1a\n" + chunk("IHDR", string(b)) + strings.Join(chunks, "") + chunk("IEND", ""))
}

// Markers of JPEG segments as the tests name them.
const (
	sof0, dht, sos, dqt, dri, app0, app14 = 0xC0, 0xC4, 0xDA, 0xDB, 0xDD, 0xE0, 0xEE
)

type badImage struct {
	name string
	data []byte
	want string // in the message
}

func badFiles() []badImage {
	text := func(name, s, want string) badImage { return badImage{name, []byte(s), want} }
	return []badImage{
		text("no bytes", "", "an empty file"),
		text("one byte", "\xff", "unknown kind"),
		text("text as .jpg", "this is not a picture\n", "a text"),
		text("text in another script", strings.Repeat("ж", 400), "a text"),
		text("HTML of a download that failed", "<!DOCTYPE html><html>404</html>", "an HTML text"),
		text("zero bytes", string(make([]byte, 1000)), "a file of zero bytes"),
		text("random bytes", "\x9b\x01\x00\xc7\x55\x13\x80\xf0", "unknown kind"),
		text("GIF", "GIF87a\x01\x00\x01\x00", "a GIF"),
		text("animated GIF", "GIF89a\x01\x00\x01\x00\x80\x00\x00!\xff\x0bNETSCAPE2.0", "a GIF"),
		text("WebP", "RIFF\x24\x00\x00\x00WEBPVP8 ", "a WebP"),
		text("sound", "RIFF\x24\x00\x00\x00WAVEfmt ", "unknown kind"),
		text("BMP", "BM\x46\x00\x00\x00", "a BMP"),
		text("TIFF whose directory points at itself", "II*\x00\x08\x00\x00\x00\xff\xff\x08\x00\x00\x00", "a TIFF"),
		text("TIFF, big endian", "MM\x00*\x00\x00\x00\x08", "a TIFF"),
		text("AVIF", "\x00\x00\x00\x1cftypavif", "an AVIF"),
		text("HEIC", "\x00\x00\x00\x18ftypheic", "a HEIC"),
		text("JPEG 2000", "\x00\x00\x00\x0cjP  \r\n\x87\n", "a JPEG 2000"),
		text("JPEG XL", "\xff\x0a\x00", "a JPEG XL"),
		text("Photoshop", "8BPS\x00\x01", "a Photoshop file"),
		text("PDF", "%PDF-1.7", "a PDF"),
		text("SVG", "<?xml version='1.0'?><svg/>", "SVG"),
		text("zip", "PK\x03\x04\x14\x00", "a zip archive"),
		text("gzip", "\x1f\x8b\x08\x00", "a gzip file"),
		text("npy", "\x93NUMPY\x01\x00", "an npy array"),
		text("pickle", "\x80\x04\x95\x00", "a pickle"),
		text("git-lfs pointer", "version https://git-lfs.github.com/spec/v1\noid sha256:0", "git-lfs pointer"),
	}
}

// badJPEGs are pictures with one thing wrong. base is 37x29, 4:2:0, baseline.
func badJPEGs(t testing.TB) []badImage {
	base, restart := picture(t, "rgb_420.jpg"), picture(t, "restart.jpg")
	progressive, cmyk := picture(t, "rgb_444_progressive.jpg"), picture(t, "cmyk.jpg")
	firstScan := segmentAt(t, base, sos)
	rst := bytes.Index(restart, []byte{0xFF, 0xD0})
	renamed := bytes.Clone(restart)
	renamed[rst+1] = 0xD3
	frame := base[segmentAt(t, base, sof0):][:19]
	scans := bytes.Clone(progressive[:len(progressive)-2])
	dcScan := progressive[segmentAt(t, progressive, sos):]
	dcScan = dcScan[:bytes.Index(dcScan[2:], []byte{0xFF, dht})+2]
	for range 200 {
		scans = append(scans, dcScan...)
	}
	grey := picture(t, "grey.jpg")
	threeOfOne := with(t, without(t, grey, sof0), sos, 0xFF, sof0, 0, 17, 8, 0, 29, 0, 37, 3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0)
	garbage := bytes.Clone(base)
	for i := firstScan + 20; i < len(garbage)-2; i++ {
		garbage[i] = 0xFE // long codes of all ones, which no table has
	}
	return []badImage{
		{"only start of image", []byte{0xFF, 0xD8}, "truncated JPEG"},
		{"start and end", []byte{0xFF, 0xD8, 0xFF, 0xD9}, "ends without a picture"},
		{"no end of image", base[:len(base)-2], "truncated JPEG"},
		{"half of it", base[:len(base)/2], "truncated JPEG"},
		{"end of image too early", append(bytes.Clone(base[:len(base)/2]), 0xFF, 0xD9), "JPEG"},
		{"two starts of image", with(t, base, sof0, 0xFF, 0xD8), "second start-of-image"},
		{"picture inside a picture", append([]byte{0xFF, 0xD8}, base...), "second start-of-image"},
		{"header of 65535x65535", patch(t, base, sof0, 5, 0xFF, 0xFF, 0xFF, 0xFF), "65535x65535 pixels, the limit is 89478485"},
		{"large header, small file", patch(t, base, sof0, 5, 0x20, 0, 0x20, 0), "truncated JPEG"},
		{"width 0", patch(t, base, sof0, 7, 0, 0), "size 0x29"},
		{"height 0, to come later", patch(t, base, sof0, 5, 0, 0), "size 37x0"},
		{"12 bits a sample", patch(t, base, sof0, 4, 12), "12 bits a sample"},
		{"lossless", patch(t, base, sof0, 1, 0xC3), "lossless"},
		{"hierarchical", patch(t, base, sof0, 1, 0xC5), "hierarchical"},
		{"arithmetic coding", patch(t, base, sof0, 1, 0xC9), "arithmetic coding"},
		{"arithmetic conditioning", with(t, base, sof0, 0xFF, 0xCC, 0, 4, 0, 0), "segment CC"},
		{"height given late", with(t, base, sof0, 0xFF, 0xDC, 0, 4, 0, 29), "segment DC"},
		{"two components", patch(t, base, sof0, 9, 2), "2 components"},
		{"no components", patch(t, base, sof0, 9, 0), "0 components"},
		{"255 components", patch(t, base, sof0, 9, 255), "255 components"},
		{"four components in a header for three", patch(t, base, sof0, 9, 4), "frame header"},
		{"sampling 0", patch(t, base, sof0, 11, 0x02), "sampling 0x2"},
		{"sampling 5", patch(t, base, sof0, 11, 0x51), "sampling 5x1"},
		{"sampling that does not divide", patch(t, base, sof0, 11, 0x32, 0, 2, 0x21), "sampled 2x1 of 3x2"},
		{"more than ten blocks in an MCU", patch(t, base, sof0, 11, 0x44), "18 blocks in an MCU"},
		{"one id twice", patch(t, base, sof0, 13, 1), "two components have the id 1"},
		{"quantisation table 7", patch(t, base, sof0, 12, 7), "table 7"},
		{"quantisation tables missing", without(t, without(t, base, dqt), dqt), "quantisation table 0 is missing"},
		{"quantisation table cut", patch(t, base, dqt, 4, 0x10), "quantisation table"},
		{"quantisation table of 24 bits", patch(t, base, dqt, 4, 0x20), "quantisation table"},
		{"Huffman table missing", without(t, base, dht), "Huffman table that was not defined"},
		{"Huffman table of class 2", patch(t, base, dht, 4, 0x20), "Huffman table class 2"},
		{"Huffman table too full", patch(t, base, dht, 5, 3), "Huffman table"},
		{"Huffman table with more codes than bytes", patch(t, base, dht, 20, 200), "Huffman table"},
		{"scan before the frame", without(t, base, sof0), "scan before the frame header"},
		{"two frames", with(t, base, sos, frame...), "second frame header"},
		{"scan of an unknown component", patch(t, base, sos, 5, 9), "unknown component 9"},
		{"scan with one component twice", patch(t, base, sos, 7, 1), "component 1 twice"},
		{"scan with Huffman table 9", patch(t, base, sos, 6, 0x99), "Huffman tables 9 and 9"},
		{"scan of no components", patch(t, base, sos, 4, 0), "scan header"},
		{"component without a scan", threeOfOne, "no data for component 1"},
		{"segment of length 1", patch(t, base, app0, 2, 0, 1), "says length 1"},
		{"segment beyond the file", patch(t, base, dqt, 2, 0xFF, 0xFF), "truncated JPEG"},
		{"restart interval of one byte", with(t, base, sof0, 0xFF, dri, 0, 3, 1), "restart interval of 1 bytes"},
		{"restart interval but no restarts", with(t, base, sof0, 0xFF, dri, 0, 4, 0, 2), "where restart 0 was due"},
		{"restart marker with another number", renamed, "marker D3 where restart 0 was due"},
		{"restart marker gone", slices.Delete(bytes.Clone(restart), rst, rst+2), "where restart 0 was due"},
		{"marker in the data", append(append(bytes.Clone(base[:firstScan+40]), 0xFF, 0xD9), base[firstScan+40:]...), "marker in the middle"},
		{"data of garbage", garbage, "bad Huffman code"},
		{"progressive scan from 5 to 2", patch(t, progressive, sos, 11, 5, 2), "progressive scan with Ss=5 Se=2"},
		{"progressive scan to 64", patch(t, progressive, sos, 11, 5, 64), "progressive scan with Ss=5 Se=64"},
		{"progressive scan at bit 14", patch(t, progressive, sos, 13, 14), "Al=14"},
		{"scans without end", append(scans, 0xFF, 0xD9), "more than 128 scans"},
		{"CMYK cut", cmyk[:len(cmyk)*2/3], "truncated JPEG"},
	}
}

func badPNGs(t testing.TB) []badImage {
	base := picture(t, "rgb.png")
	idat := bytes.Index(base, []byte("IDAT"))
	flipped := bytes.Clone(base)
	flipped[idat+30] ^= 1
	huge := bytes.Clone(base)
	binary.BigEndian.PutUint32(huge[idat-4:], 0xFFFFFFF0)
	palette := picture(t, "palette.png")
	plte := bytes.Index(palette, []byte("PLTE"))
	size := int(binary.BigEndian.Uint32(palette[plte-4:]))
	return []badImage{
		{"PNG signature only", base[:8], "PNG"},
		{"PNG cut in the header", base[:20], "PNG"},
		{"PNG cut in the data", base[:len(base)/2], "PNG"},
		{"PNG without end", base[:len(base)-12], "PNG"},
		{"PNG checksum", flipped, "PNG"},
		{"PNG chunk of 4 GB", huge, "PNG"},
		{"PNG without data", pngOf(3, 3, 8, 2, 0), "PNG"},
		{"PNG data no zlib stream", pngOf(3, 3, 8, 2, 0, chunk("IDAT", "abcdefgh")), "PNG"},
		{"PNG of size 0", pngOf(0, 3, 8, 2, 0), "PNG"},
		{"PNG of negative size", pngOf(1<<31, 3, 8, 2, 0), "PNG"},
		{"PNG bomb header", pngOf(1<<31-1, 1<<31-1, 16, 6, 0), "PNG"},
		{"PNG bomb header within 16 bits", pngOf(65535, 65535, 8, 2, 0), "the limit is 89478485"},
		{"PNG bomb header within the limit", pngOf(9000, 9000, 8, 2, 0, chunk("IDAT", "")), "says 9000x9000 pixels"},
		{"PNG too wide", pngOf(100000, 1, 8, 2, 0), "100000x1 pixels"},
		{"PNG of 3 bits", pngOf(3, 3, 3, 0, 0), "PNG"},
		{"PNG of colour type 5", pngOf(3, 3, 8, 5, 0), "PNG"},
		{"PNG of interlacing 2", pngOf(3, 3, 8, 2, 2), "PNG"},
		{"PNG without its palette", slices.Delete(bytes.Clone(palette), plte-4, plte+size+8), "PNG"},
		{"PNG palette of no whole colours", pngOf(3, 3, 8, 3, 0, chunk("PLTE", "abcd"), chunk("IDAT", "")), "PNG"},
	}
}

func TestBadImages(t *testing.T) {
	all := slices.Concat(badFiles(), badJPEGs(t), badPNGs(t))
	pre, err := NewPreprocessor(DefaultPreset(), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	out, after := make([]byte, pre.preset.Elems()), make([]byte, pre.preset.Elems())
	good := picture(t, "rgb_420.jpg")
	if err := pre.Pixels(out, good); err != nil {
		t.Fatal(err)
	}
	for _, tt := range all {
		t.Run(tt.name, func(t *testing.T) {
			m, err := Decode(tt.data, Limits{})
			if err == nil {
				t.Fatalf("decoded to %dx%d", m.Width, m.Height)
			}
			if !errors.Is(err, ErrBadImage) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %q, want an ErrBadImage with %q", err, tt.want)
			}
			// The buffers of a Preprocessor survive a bad picture.
			if err := pre.Pixels(after, tt.data); !errors.Is(err, ErrBadImage) {
				t.Errorf("Preprocessor: %v", err)
			}
			if err := pre.Pixels(after, good); err != nil || !bytes.Equal(out, after) {
				t.Errorf("a good picture after this one comes out different (%v)", err)
			}
		})
	}
}
