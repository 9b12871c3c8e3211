package dataset

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"image"
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"
)

// A golden is a case that testdata/make_golden.py computed with Pillow.
type golden struct {
	Kind, Name    string
	Bytes         int
	Width, Height int
	Filter        Filter
	Preset        string
	want          []byte
}

func (g golden) String() string {
	return fmt.Sprintf("%s/%s%s/%s/%dx%d", g.Kind, g.Name, g.Preset, g.Filter, g.Width, g.Height)
}

// goldens returns the cases of one kind.
func goldens(t testing.TB, kind string) []golden {
	t.Helper()
	var file struct{ Cases []golden }
	if err := json.Unmarshal(testFile(t, "golden.json"), &file); err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(testFile(t, "golden.bin.gz")))
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	var out []golden
	for _, g := range file.Cases {
		g.want, data = data[:g.Bytes], data[g.Bytes:]
		if g.Kind == kind {
			out = append(out, g)
		}
	}
	if len(out) == 0 || len(data) != 0 {
		t.Fatalf("golden.json has %d cases of kind %s and golden.bin.gz %d bytes too many", len(out), kind, len(data))
	}
	return out
}

// testFile reads a file below testdata.
func testFile(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// picture reads one of the drawn pictures.
func picture(t testing.TB, name string) []byte {
	t.Helper()
	return testFile(t, filepath.Join("img", name))
}

// equalPixels demands equality, not a tolerance: decoder and resampler follow
// Pillow's integer arithmetic step by step.
func equalPixels(t *testing.T, got, want []byte) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d bytes, Pillow gives %d", len(got), len(want))
	}
	differ, worst, at := 0, 0, 0
	for i := range got {
		d := int(got[i]) - int(want[i])
		if d = max(d, -d); d > 0 {
			differ++
			if d > worst {
				worst, at = d, i
			}
		}
	}
	if differ > 0 {
		t.Errorf("%d of %d bytes differ from Pillow's, most at %d: %d, want %d", differ, len(got), at, got[at], want[at])
	}
}

func TestDecodeEqualsPillow(t *testing.T) {
	for _, g := range goldens(t, "decode") {
		t.Run(g.Name, func(t *testing.T) {
			m, err := Decode(picture(t, g.Name), Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if m.Width != g.Width || m.Height != g.Height {
				t.Fatalf("size %dx%d, want %dx%d", m.Width, m.Height, g.Width, g.Height)
			}
			equalPixels(t, m.Pix, g.want)
		})
	}
}

// TestDecodeWindow checks that decoding a part gives that part of the whole.
func TestDecodeWindow(t *testing.T) {
	var d decoder
	for _, g := range goldens(t, "decode") {
		for _, win := range windows(g.Width, g.Height) {
			if _, _, err := d.open(picture(t, g.Name), Limits{}.withDefaults()); err != nil {
				t.Fatal(err)
			}
			got := make([]byte, 3*win.Dx()*win.Dy())
			if err := d.pixels(got, win); err != nil {
				t.Fatal(err)
			}
			var want []byte
			for y := win.Min.Y; y < win.Max.Y; y++ {
				want = append(want, g.want[3*(y*g.Width+win.Min.X):3*(y*g.Width+win.Max.X)]...)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%s: window %v differs from the same part of the whole picture", g.Name, win)
			}
		}
	}
}

// windows returns rectangles of all sizes, at and between block borders.
func windows(w, h int) []image.Rectangle {
	var out []image.Rectangle
	for _, x0 := range []int{0, 1, 7, 8, 15, 16, 17, 31, w - 1} {
		for _, y0 := range []int{0, 1, 8, 15, 17, h - 1} {
			for _, n := range []int{1, 2, 9, 16, 100} {
				win := image.Rect(x0, y0, min(w, x0+n), min(h, y0+n))
				if x0 >= 0 && y0 >= 0 && x0 < w && y0 < h {
					out = append(out, win)
				}
			}
		}
	}
	return out
}

func TestResizeEqualsPillow(t *testing.T) {
	for _, g := range goldens(t, "resize") {
		t.Run(g.String(), func(t *testing.T) {
			src, err := Decode(picture(t, g.Name), Limits{})
			if err != nil {
				t.Fatal(err)
			}
			before := bytes.Clone(src.Pix)
			m, err := src.Resize(g.Width, g.Height, g.Filter)
			if err != nil {
				t.Fatal(err)
			}
			equalPixels(t, m.Pix, g.want)
			if !bytes.Equal(src.Pix, before) {
				t.Error("Resize changed its source")
			}
		})
	}
}

func TestResizeRefuses(t *testing.T) {
	m := &Image{Pix: make([]byte, 3), Width: 1, Height: 1}
	for _, c := range []struct {
		w, h int
		f    Filter
	}{{0, 1, Box}, {1, -1, Box}, {1 << 16, 1, Box}, {1, 1, "nearest"}, {1, 1, ""}} {
		if _, err := m.Resize(c.w, c.h, c.f); err == nil {
			t.Errorf("Resize(%d, %d, %q) did not fail", c.w, c.h, c.f)
		}
	}
}

// goldenPresets are the presets of make_golden.py.
func goldenPresets() map[string]Preset {
	bgr := DefaultPreset().Size(21, 16)
	bgr.Channels, bgr.Layout = "BGR", "NHWC"
	return map[string]Preset{
		"imagenet":  DefaultPreset().Size(20, 17),
		"mobilenet": MobileNetPreset().Size(40, 12),
		"bgr_nhwc":  bgr,
		"unresized": MobileNetPreset().Size(0, 3).NoResize(),
	}
}

// TestPreprocessEqualsPillow compares the bits of the float32 values.
func TestPreprocessEqualsPillow(t *testing.T) {
	for _, g := range goldens(t, "preprocess") {
		t.Run(g.String(), func(t *testing.T) {
			p := goldenPresets()[g.Preset]
			p.Filter = g.Filter
			pre, err := NewPreprocessor(p, Limits{})
			if err != nil {
				t.Fatal(err)
			}
			got := make([]float32, p.Elems())
			// Twice, because buffers and weights are kept.
			for range 2 {
				clear(got)
				if err := pre.Float32(got, picture(t, g.Name)); err != nil {
					t.Fatal(err)
				}
				if len(got)*4 != len(g.want) {
					t.Fatalf("%d values, numpy gives %d", len(got), len(g.want)/4)
				}
				for i, v := range got {
					if want := math.Float32frombits(binary.LittleEndian.Uint32(g.want[4*i:])); v != want {
						t.Fatalf("value %d is %v, numpy gives %v", i, v, want)
					}
				}
			}
		})
	}
}

// TestPixelsIsCropBeforeNormalising ties the raw output to the normalised one.
func TestPixelsIsCropBeforeNormalising(t *testing.T) {
	for name, p := range goldenPresets() {
		pre, err := NewPreprocessor(p, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		data := picture(t, "rgb_420.jpg")
		floats, pix := make([]float32, p.Elems()), make([]byte, p.Elems())
		if err := pre.Float32(floats, data); err != nil {
			t.Fatal(err)
		}
		if err := pre.Pixels(pix, data); err != nil {
			t.Fatal(err)
		}
		n := p.Crop * p.Crop
		for i, v := range pix {
			at := i%3*n + i/3
			if p.Layout == "NHWC" {
				at = i
			}
			if want := p.tables()[i%3][v]; floats[at] != want {
				t.Fatalf("%s: pixel %d channel %d is %d, so %v, but the tensor has %v", name, i/3, i%3, v, want, floats[at])
			}
		}
		if pre.Float32(floats[1:], data) == nil || pre.Pixels(pix[1:], data) == nil {
			t.Errorf("%s: a destination of the wrong size was accepted", name)
		}
	}
}
