package calibrate

import (
	"errors"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/octet-dnn/octet/internal/refdata"

	"github.com/google/go-cmp/cmp"
	"github.com/sbinet/npyio"

	"github.com/octet-dnn/octet/model"
)

func tensor(t testing.TB, x []float32, dims ...int64) *model.Tensor {
	t.Helper()
	w, err := model.Float32Tensor(x, dims...)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestWeightScales(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(-1))
	for _, c := range []struct {
		name string
		w    *model.Tensor
		axis int
		want []float32
		err  error
	}{
		{"filter", tensor(t, []float32{1, -2, 0.5, 0.25, 4, 0, 0, 0}, 4, 2, 1, 1), 0, []float32{63.5, 254, 31.75, 1}, nil},
		{"fully connected", tensor(t, []float32{1, 0, -0.5, -2, 0, 0.25}, 2, 3), 1, []float32{63.5, 1, 254}, nil},
		{"depthwise", tensor(t, []float32{1, 2, 3, 4}, 2, 1, 1, 2), 0, []float32{63.5, 31.75}, nil},
		{"dead", tensor(t, []float32{0, 0, math.SmallestNonzeroFloat32, 0}, 2, 2, 1, 1), 0, []float32{1, 1}, nil},
		{"NaN", tensor(t, []float32{1, 2, nan, 4}, 2, 2, 1, 1), 0, nil, ErrNotFinite},
		{"infinity", tensor(t, []float32{1, 2, inf, 4}, 2, 2), 1, nil, ErrNotFinite},
		{"axis", tensor(t, []float32{1, 2}, 2, 1), 2, nil, ErrOptions},
		{"empty", tensor(t, nil, 0, 3), 0, nil, ErrOptions},
		{"type", &model.Tensor{DType: model.Int8, Dims: []int64{2}, Data: []byte{1, 2}}, 0, nil, ErrOptions},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := WeightScales(c.w, c.axis)
			if !errors.Is(err, c.err) {
				t.Fatalf("error %v, want %v", err, c.err)
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

// The scales of the fixtures, but for the dead channel, where Paddle stored 0.
func TestWeightScalesFixture(t *testing.T) {
	_, fixtures := loadKLFixtures(t)
	f, err := os.Open(refdata.Path(t, "paddle", "fixtures", "kl", "weights.npy"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var x []float32
	if err := npyio.Read(f, &x); err != nil {
		t.Fatal(err)
	}
	got, err := WeightScales(tensor(t, x, 6, 3, 3, 3), 0)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range fixtures.WeightScales {
		if want == 0 {
			want = 1
		}
		if got[i] != float32(want) {
			t.Errorf("channel %d: scale %v, want %v", i, got[i], float32(want))
		}
	}
}

// Weights that are not numbers stop the quantisation with the parameter's name.
func TestQuantizeNaNWeights(t *testing.T) {
	g := nets["resnet"](t)
	find(t, g, "a_1_w").Const.Float32s()[7] = float32(math.NaN())
	_, err := Quantize(g, tableFor(g, 1), Options{})
	if !errors.Is(err, ErrNotFinite) || !strings.Contains(err.Error(), `"a_1_w"`) {
		t.Errorf("error %v, want ErrNotFinite about a_1_w", err)
	}
}
