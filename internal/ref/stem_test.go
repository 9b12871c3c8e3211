package ref

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// oneByOne is a stem that shows its pixels: a 1x1 kernel of weight 1, one pixel
// of padding on the left.
func oneByOne(src DType, picture ...float64) *Stem {
	t, _ := FromValues(F32, []int{1, 1, 1, len(picture)}, picture)
	return &Stem{
		Picture: t, Factor: []float64{2},
		Conv: Convolution{
			Src: NewTensor(src, t.Dims...), Weights: &Tensor{DType: S8, Dims: []int{1, 1, 1, 1}, Data: []float64{1}},
			Dst: NewTensor(S32, 1, 1, 1, len(picture)+1), Strides: []int{1, 1}, PadL: []int{0, 1}, PadR: []int{0, 0},
		},
	}
}

// TestStemPixels: the integers by hand.
func TestStemPixels(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for name, test := range map[string]struct {
		stem *Stem
		want []float64
	}{
		"ties, to even":     {oneByOne(S8, 0.25, 0.75, 1.25, -0.25, -0.75), []float64{0, 0, 2, 2, 0, -2}},
		"s8 saturates":      {oneByOne(S8, 63.5, 64, -64, -65, inf, -inf, nan), []float64{0, 127, 127, -128, -128, 127, -128, -128}},
		"u8 saturates":      {oneByOne(U8, 127.5, 128, -1, inf, nan), []float64{0, 255, 255, 0, 255, 0}},
		"products round":    {withFactor(oneByOne(S8, 3), 1+0x1p-23), []float64{0, 3}},
		"shift and padding": {withShift(oneByOne(U8, 1, -60, nan), 100.5), []float64{100, 102, 0, 0}},
		"shift below":       {withShift(oneByOne(U8, 1), -7), []float64{0, 0}},
	} {
		if got := run(t, test.stem); !cmp.Equal(test.want, got) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
	bytes := withShift(oneByOne(U8, 7, 200), 3)
	bytes.Picture.DType, bytes.Factor = U8, nil
	if got := run(t, bytes); !cmp.Equal([]float64{3, 7, 200}, got) {
		t.Errorf("bytes as they are: %v", got)
	}
}

func withFactor(s *Stem, f float64) *Stem { s.Factor = []float64{f}; return s }
func withShift(s *Stem, v float64) *Stem  { s.Shift = []float64{v}; return s }
