package dataset

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/png"
	"strings"
	"testing"
)

// TestOddImages are pictures that look wrong and must be read all the same.
// That their pixels are right is what the goldens of the same names show.
func TestOddImages(t *testing.T) {
	base := picture(t, "rgb_420.jpg")
	exif := []byte{0xFF, 0xE1, 0, 10, 'E', 'x', 'i', 'f', 0, 0, 'X', 'X'}
	icc := append([]byte{0xFF, 0xE2, 0, 18}, "ICC_PROFILE\x00\x07\x01??"...)
	same := []struct {
		name string
		data []byte
	}{
		{"broken EXIF", with(t, base, dqt, exif...)},
		{"broken colour profile", with(t, base, dqt, icc...)},
		{"short Adobe segment", with(t, base, dqt, 0xFF, app14, 0, 7, 'A', 'd', 'o', 'b', 'e')},
		{"comment", with(t, base, dqt, 0xFF, 0xFE, 0, 4, 'h', 'i')},
		{"fill bytes before a marker", with(t, base, dqt, 0xFF, 0xFF, 0xFF)},
		{"stray bytes between segments", with(t, base, dqt, 'a', 'b', 'c')},
		{"stray bytes before the end", append(append(bytes.Clone(base[:len(base)-2]), "junk"...), 0xFF, 0xD9)},
		{"bytes after the end", append(bytes.Clone(base), "more"...)},
		{"a second picture after the end", append(bytes.Clone(base), base...)},
		{"restart interval 0", with(t, base, sof0, 0xFF, dri, 0, 4, 0, 0)},
		{"restart interval longer than the picture", with(t, base, sof0, 0xFF, dri, 0, 4, 0xFF, 0xFF)},
		{"baseline scan with other spectral bytes", patch(t, base, sos, 11, 0, 0, 0)},
	}
	want, err := Decode(base, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range same {
		t.Run(tt.name, func(t *testing.T) {
			m, err := Decode(tt.data, Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(m.Pix, want.Pix) {
				t.Error("pixels differ from those of the same picture without it")
			}
		})
	}
}

// Test16BitGrey: Pillow clips these samples, which turns nearly all white, so
// there is no golden; the upper byte is what it takes of 16-bit colours.
func Test16BitGrey(t *testing.T) {
	m := image.NewGray16(image.Rect(0, 0, 2, 1))
	m.SetGray16(0, 0, color.Gray16{Y: 0x12FF})
	m.SetGray16(1, 0, color.Gray16{Y: 0xFE01})
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	got, err := Decode(b.Bytes(), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if want := []byte{0x12, 0x12, 0x12, 0xFE, 0xFE, 0xFE}; !bytes.Equal(got.Pix, want) {
		t.Errorf("% x, want % x", got.Pix, want)
	}
}

// grid makes a PNG of a given size.
func grid(t testing.TB, w, h int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, w, h))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestSizes(t *testing.T) {
	resized, whole := DefaultPreset(), DefaultPreset().NoResize()
	for _, tt := range []struct {
		name   string
		w, h   int
		preset Preset
		want   string // in the error; "" for none
	}{
		{"1x1", 1, 1, resized, ""},
		{"1xN", 1, 200, resized, ""},
		{"Nx1", 200, 1, resized, ""},
		{"1xN too long when resized", 1, 300, resized, "1x300 resized to short side 256 is 256x76800"},
		{"smaller than the crop, resized", 100, 150, resized, ""},
		{"crop exactly", 224, 224, whole, ""},
		{"one column short", 223, 224, whole, "223x224 is smaller than the crop of 224 and the preset does not resize"},
		{"one row short", 224, 223, whole, "smaller than the crop"},
		{"odd margins", 227, 226, whole, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			pre, err := NewPreprocessor(tt.preset, Limits{})
			if err != nil {
				t.Fatal(err)
			}
			err = pre.Float32(make([]float32, tt.preset.Elems()), grid(t, tt.w, tt.h))
			if tt.want == "" {
				if err != nil {
					t.Error(err)
				}
			} else if !errors.Is(err, ErrBadImage) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want an ErrBadImage with %q", err, tt.want)
			}
		})
	}
}

func TestLimits(t *testing.T) {
	data := grid(t, 20, 10)
	if _, err := Decode(data, Limits{MaxPixels: 200}); err != nil {
		t.Errorf("at the limit: %v", err)
	}
	if _, err := Decode(data, Limits{MaxPixels: 199}); !errors.Is(err, ErrBadImage) {
		t.Errorf("above the limit: %v", err)
	}
	pre, err := NewPreprocessor(tiny(), Limits{MaxFileBytes: 10})
	if err != nil {
		t.Fatal(err)
	}
	if err := pre.Float32(make([]float32, 27), data); !errors.Is(err, ErrBadImage) || !strings.Contains(err.Error(), "the limit is 10") {
		t.Errorf("long file: %v", err)
	}
}

// TestEveryTruncation cuts pictures after every byte: always an error, as
// Pillow raises one.
func TestEveryTruncation(t *testing.T) {
	for _, name := range []string{"rgb_420.jpg", "rgb_444_progressive.jpg", "restart.jpg", "cmyk.jpg", "grey_2bit.png", "palette_trns.png", "rgb_interlaced.png"} {
		data := picture(t, name)
		for n := range data {
			if _, err := Decode(data[:n], Limits{}); !errors.Is(err, ErrBadImage) {
				t.Fatalf("%s cut to %d of %d bytes: %v, want an ErrBadImage", name, n, len(data), err)
			}
		}
	}
}

// TestEveryByteDamaged replaces each byte in turn: any result but a panic, a
// foreign error or a picture of the wrong size will do.
func TestEveryByteDamaged(t *testing.T) {
	for _, name := range []string{"size_5x3_420.jpg", "restart_progressive.jpg", "rgb_410.jpg", "grey_1bit.png", "palette_trns.png"} {
		data := bytes.Clone(picture(t, name))
		for i, was := range data {
			for _, b := range []byte{0, 0xFF, was ^ 1, was ^ 0x80} {
				data[i] = b
				m, err := Decode(data, Limits{MaxPixels: 1 << 16})
				if err != nil && !errors.Is(err, ErrBadImage) {
					t.Fatalf("%s, byte %d = %02x: error %v does not wrap ErrBadImage", name, i, b, err)
				}
				if err == nil && len(m.Pix) != 3*m.Width*m.Height {
					t.Fatalf("%s, byte %d = %02x: %d bytes for %dx%d", name, i, b, len(m.Pix), m.Width, m.Height)
				}
			}
			data[i] = was
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, g := range goldens(f, "decode") {
		f.Add(picture(f, g.Name), uint8(0), uint8(3))
	}
	f.Fuzz(func(t *testing.T, data []byte, x, n uint8) {
		m, err := Decode(data, Limits{MaxPixels: 1 << 16})
		if err != nil {
			if !errors.Is(err, ErrBadImage) {
				t.Fatalf("error %v does not wrap ErrBadImage", err)
			}
			return
		}
		win := image.Rect(int(x), 0, int(x)+int(n), m.Height).Intersect(image.Rect(0, 0, m.Width, m.Height))
		if win.Empty() {
			return
		}
		var d decoder
		if _, _, err := d.open(data, Limits{}.withDefaults()); err != nil {
			t.Fatal(err)
		}
		part := make([]byte, 3*win.Dx()*win.Dy())
		if err := d.pixels(part, win); err != nil {
			t.Fatal(err)
		}
		for y := range m.Height {
			row := m.Pix[3*(y*m.Width+win.Min.X) : 3*(y*m.Width+win.Max.X)]
			if !bytes.Equal(part[3*y*win.Dx():3*(y+1)*win.Dx()], row) {
				t.Fatalf("row %d of window %v differs from the whole picture", y, win)
			}
		}
	})
}
