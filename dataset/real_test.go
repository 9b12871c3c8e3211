package dataset

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/octet-dnn/octet/internal/refdata"
)

// TestRealPictures reads pictures of ImageNet end to end. Each is compared with
// the standard library's decoder, which differs from libjpeg in rounding and
// most in the upsampling of colour: over these pictures by 0.7 grey levels in
// the mean and 3.2 in the worst picture, where a wrong plane or table would
// give tens.
func TestRealPictures(t *testing.T) {
	const worstMean = 5
	dir := refdata.Path(t, "imagenet", "ILSVRC2012")
	for _, file := range []string{"val_list.txt", "train_list.txt"} {
		all, err := Open(dir, file, ListOptions{Classes: 1000, NeedLabels: true})
		if err != nil {
			t.Fatal(err)
		}
		list := all.Spread(60)
		l, err := NewLoader(list, DefaultPreset(), LoaderOptions{Batch: 16})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for b, err := range l.Batches(context.Background()) {
			if err != nil {
				t.Fatal(err)
			}
			n += b.Len()
			b.Release()
		}
		if n != list.Len() {
			t.Errorf("%s: %d pictures came, want %d", file, n, list.Len())
		}
		for i := range list.Samples {
			data, err := os.ReadFile(list.File(i))
			if err != nil {
				t.Fatal(err)
			}
			if d := distanceToStd(t, data); d > worstMean {
				t.Errorf("%s: %.1f grey levels from image/jpeg in the mean, want at most %d", list.Samples[i].Path, d, worstMean)
			}
		}
	}
}

// distanceToStd returns the mean absolute difference to image/jpeg, 0 where
// that decodes to other colours than YCbCr.
func distanceToStd(t *testing.T, data []byte) float64 {
	t.Helper()
	m, err := Decode(data, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	std, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil {
		return 0
	}
	ycc, ok := std.(*image.YCbCr)
	if !ok {
		return 0
	}
	sum := 0
	for y := range m.Height {
		for x := range m.Width {
			at := 3 * (y*m.Width + x)
			c := ycc.YCbCrAt(x, y)
			r, g, b := color.YCbCrToRGB(c.Y, c.Cb, c.Cr)
			for i, v := range [3]byte{r, g, b} {
				d := int(v) - int(m.Pix[at+i])
				sum += max(d, -d)
			}
		}
	}
	return float64(sum) / float64(len(m.Pix))
}

// photo draws a JPEG of 500x375 pixels, 4:2:0, of about 100 kB: the size and
// weight of ImageNet's usual pictures.
func photo(t testing.TB) []byte {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	m := image.NewRGBA(image.Rect(0, 0, 500, 375))
	for y := range 375 {
		for x := range 500 {
			v := 128 + 70*math.Sin(float64(x)/17)*math.Cos(float64(y)/11) + 16*rng.NormFloat64()
			m.Set(x, y, color.RGBA{level(v), level(v + 20), level(200 - v), 255})
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 88}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func level(v float64) byte { return byte(min(max(v, 0), 255)) }

// BenchmarkPreprocess is what one goroutine of a Loader does per picture.
func BenchmarkPreprocess(b *testing.B) {
	data := photo(b)
	for _, f := range []Filter{Lanczos, Bilinear} {
		b.Run(string(f), func(b *testing.B) {
			p := DefaultPreset()
			p.Filter = f
			pre, err := NewPreprocessor(p, Limits{})
			if err != nil {
				b.Fatal(err)
			}
			out := make([]float32, p.Elems())
			b.ReportAllocs()
			for b.Loop() {
				if err := pre.Float32(out, data); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "img/s")
			b.ReportMetric(float64(len(data)), "file-bytes")
		})
	}
}

// BenchmarkDecode has the standard library beside it.
func BenchmarkDecode(b *testing.B) {
	data := photo(b)
	b.Run("octet", func(b *testing.B) {
		var d decoder
		w, h, err := d.open(data, Limits{}.withDefaults())
		if err != nil {
			b.Fatal(err)
		}
		pix := make([]byte, 3*w*h)
		for b.Loop() {
			if _, _, err := d.open(data, Limits{}.withDefaults()); err != nil {
				b.Fatal(err)
			}
			if err := d.pixels(pix, image.Rect(0, 0, w, h)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("std-to-YCbCr", func(b *testing.B) {
		for b.Loop() {
			if _, err := jpeg.Decode(bytes.NewReader(data)); err != nil {
				b.Fatal(err)
			}
		}
	})
}
