package calibrate

import (
	"errors"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// TestDeviation has sums that were computed by hand, and are exact in binary.
func TestDeviation(t *testing.T) {
	inf := math.Inf(1)
	for _, c := range []struct {
		name         string
		x            []float32
		q            *model.Tensor // of INT8, or of FP32 with scale 0
		scale        float32
		top          int
		want         Deviation
		sqnr, cosine float64
	}{
		{
			// Integers 4, 0, 10 and 255 at 0.5 each stand for 2, 0, 5, 127.5; 130 would be 260.
			"u8 that clips", []float32{2, 0.25, 5, 130}, &model.Tensor{DType: model.UInt8, Dims: []int64{4}, Data: []byte{4, 0, 10, 255}}, 2, 255,
			Deviation{
				Elements: 4, Clipped: 1,
				Signal:  4 + 0.0625 + 25 + 16900,
				Copied:  4 + 0 + 25 + 16256.25,
				Product: 4 + 0 + 25 + 16575,
				Noise:   0.0625 + 6.25,
				High:    130, Low: 0.25, CopiedHigh: 127.5,
			},
			// 10·log10(16929.0625/6.3125) and 16604/√(16929.0625·16285.25), by bc.
			34.2844, 0.999984,
		},
		{
			// −1 is s8 −128 at 1/128; −1.5 would be −192.
			"s8 down to −128", []float32{-1, -1.5, 0.5}, &model.Tensor{DType: model.Int8, Dims: []int64{3}, Data: []byte{0x80, 0x80, 64}}, 128, 127,
			Deviation{Elements: 3, Clipped: 1, Signal: 3.5, Copied: 2.25, Product: 2.75, Noise: 0.25, Low: -1.5, High: 0.5, CopiedLow: -1, CopiedHigh: 0.5},
			11.4613, 0.979958,
		},
		{
			"a sum that saturates as s8", []float32{3}, &model.Tensor{DType: model.UInt8, Dims: []int64{1}, Data: []byte{127}}, 64, 127,
			Deviation{Elements: 1, Clipped: 1, Signal: 9, Copied: 3.937744140625, Product: 5.953125, Noise: 1.031494140625, Low: 3, High: 3, CopiedLow: 1.984375, CopiedHigh: 1.984375},
			9.40776, 1,
		},
		{
			"FP32 that is equal", []float32{1, -2}, &model.Tensor{DType: model.FP32, Dims: []int64{2}, Data: []byte{0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0}}, 0, 0,
			Deviation{Elements: 2, Signal: 5, Copied: 5, Product: 5, Low: -2, High: 1, CopiedLow: -2, CopiedHigh: 1},
			inf, 1,
		},
		{
			"zeros", []float32{0}, &model.Tensor{DType: model.UInt8, Dims: []int64{1}, Data: []byte{0}}, 1, 255,
			Deviation{Elements: 1}, math.NaN(), math.NaN(),
		},
		{
			"noise alone", []float32{0}, &model.Tensor{DType: model.UInt8, Dims: []int64{1}, Data: []byte{1}}, 1, 255,
			Deviation{Elements: 1, Copied: 1, Noise: 1, CopiedLow: 1, CopiedHigh: 1}, -inf, math.NaN(),
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			x, err := model.Float32Tensor(c.x, int64(len(c.x)))
			if err != nil {
				t.Fatal(err)
			}
			v := &graph.Value{Name: "y", DType: c.q.DType}
			cmpr := &Comparer{rows: []Counterpart{{Value: v, Copy: v, Scale: c.scale, Top: c.top}}, at: []int{0}, buffer: make([][]float32, 1)}
			got := cmpr.compare(0, x, c.q)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			// The figures by hand have six places.
			near := []cmp.Option{cmpopts.EquateApprox(0, 1e-4), cmpopts.EquateNaNs()}
			if diff := cmp.Diff([]float64{c.sqnr, c.cosine}, []float64{got.SQNR(), got.Cosine()}, near...); diff != "" {
				t.Errorf("SQNR and cosine (-want +got)\n%s", diff)
			}
			if want := float64(c.want.Clipped) / float64(c.want.Elements); got.ClipRate() != want {
				t.Errorf("clip rate %v, want %v", got.ClipRate(), want)
			}
		})
	}
}

func newTestComparer(t *testing.T, g, q *graph.Graph) *Comparer {
	t.Helper()
	c, err := NewComparer(g, q, newRefRunner(refRunner{}, nil))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// TestComparer runs networks calibrated by max on the very samples: nothing is
// clipped, and the FP32 layers before the first integers differ in nothing.
func TestComparer(t *testing.T) {
	for name, build := range nets {
		t.Run(name, func(t *testing.T) {
			samples := images(t, 3, 2, 2)
			cal := newTestCalibrator(t, name, Options{})
			sampleAll(t, cal, samples)
			q, err := cal.INT8Graph()
			if err != nil {
				t.Fatal(err)
			}
			c := newTestComparer(t, build(t), q)
			for _, in := range samples {
				if err := c.Sample(t.Context(), in); err != nil {
					t.Fatal(err)
				}
			}
			layers, n := c.Layers()
			if n != 4 {
				t.Errorf("%d images, want 4", n)
			}
			for _, l := range layers {
				if l.Copy == nil {
					continue
				}
				where := l.Value.Name
				if l.Elements == 0 || l.Clipped != 0 {
					t.Errorf("%s: %d elements, %d clipped; want some, none", where, l.Elements, l.Clipped)
				}
				// Eight bits at the largest value of few samples: far above 5 dB
				// even behind the layers of these nets, random as their weights are.
				if s := l.SQNR(); !(s > 5) || !(l.Cosine() > 0.8) {
					t.Errorf("%s: SQNR %.1f dB, cosine %.4f", where, s, l.Cosine())
				}
				if where == "conv1" && l.Copy.DType == model.FP32 && !math.IsInf(l.SQNR(), 1) {
					t.Errorf("%s is FP32 in both: SQNR %v", where, l.SQNR())
				}
			}
		})
	}
}

// TestComparerIsStreamed: the sums are those of single images, however they are batched.
func TestComparerIsStreamed(t *testing.T) {
	g := nets["resnet"](t)
	q := mustQuantize(t, g, equalThresholds(g), Options{})
	batch := images(t, 5, 1, 3)[0]
	whole, single := newTestComparer(t, g, q), newTestComparer(t, g, q)
	if err := whole.Sample(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if err := single.Sample(t.Context(), oneOf(batch, i, 3)); err != nil {
			t.Fatal(err)
		}
	}
	a, _ := whole.Layers()
	b, n := single.Layers()
	if n != 3 {
		t.Errorf("%d images, want 3", n)
	}
	clipped := uint64(0)
	for i := range a {
		if a[i].Deviation != b[i].Deviation {
			t.Errorf("row %d: %+v in one batch, %+v one by one", i, a[i].Deviation, b[i].Deviation)
		}
		clipped += a[i].Clipped
	}
	if clipped == 0 {
		t.Error("thresholds of 2 clip nothing: the test shows less than it should")
	}
}

func TestComparerErrors(t *testing.T) {
	g := nets["resnet"](t)
	q := mustQuantize(t, g, equalThresholds(g), Options{})
	c, err := NewComparer(g, q, newRefRunner(refRunner{before: failOn(1)}, nil))
	if err != nil {
		t.Fatal(err)
	}
	batch := images(t, 5, 1, 1)[0]
	if err := c.Sample(t.Context(), batch); !errors.Is(err, errPower) {
		t.Errorf("a run that fails: %v, want %v", err, errPower)
	}
	if _, n := c.Layers(); n != 0 {
		t.Errorf("%d images counted, want none", n)
	}
	if err := errors.Join(c.Close(), c.Close()); err != nil {
		t.Error(err)
	}
	if err := c.Sample(t.Context(), batch); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v, want %v", err, ErrClosed)
	}
	other := nets["mobilenet"](t)
	for _, l := range other.Layers {
		l.Out[0].Name = "other " + l.Name
	}
	if _, err := NewComparer(other, q, newRefRunner(refRunner{}, nil)); !errors.Is(err, ErrMismatch) {
		t.Errorf("another network: %v, want %v", err, ErrMismatch)
	}
}
