package infer

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"unsafe"

	"github.com/octet-dnn/octet/bench/nets"
	"github.com/octet-dnn/octet/calibrate"
	"github.com/octet-dnn/octet/dnnl"
	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// weightCases are the ways in which weights lie in a file.
var weightCases = []struct {
	name string
	file []int64 // dims in the file
	axis int     // of the output channels, in the file
	dims []int   // as oneDNN has them
	st   []int
	mask int
}{
	{"filter", []int64{24, 5, 3, 3}, 0, []int{24, 5, 3, 3}, []int{45, 9, 3, 1}, channelMask(false)},
	{"grouped filter", []int64{24, 5, 3, 3}, 0, []int{4, 6, 5, 3, 3}, []int{270, 45, 9, 3, 1}, channelMask(true)},
	{"depthwise filter", []int64{70, 1, 5, 5}, 0, []int{70, 1, 1, 5, 5}, []int{25, 25, 25, 5, 1}, channelMask(true)},
	{"1x1 filter", []int64{40, 33, 1, 1}, 0, []int{40, 33, 1, 1}, []int{33, 1, 1, 1}, channelMask(false)},
	{"fully connected", []int64{50, 37}, 1, []int{37, 50}, []int{1, 37}, channelMask(false)},
	{"fully connected map", []int64{3 * 4 * 4, 37}, 1, []int{37, 3, 4, 4}, []int{1, 592, 148, 37}, channelMask(false)},
}

// awkward fills weights with what is hard to round: halves, and what lies
// outside of s8 or of the integers altogether.
func awkward(x []float32, rng *rand.Rand) {
	for i := range x {
		switch rng.IntN(4) {
		case 0:
			x[i] = float32(rng.IntN(300)-150) + 0.5
		case 1:
			x[i] = float32(rng.NormFloat64() * 60)
		case 2:
			x[i] = float32(math.Copysign(math.Pow(10, 80*rng.Float64()-42), rng.NormFloat64()))
		default:
			x[i] = math.Nextafter32(float32(rng.IntN(256)-128)+0.5, float32(rng.IntN(3)-1)*1000)
		}
	}
}

// TestQuantizedLikePaddle holds oneDNN's reorders to Paddle's rounding, which
// graph.QuantizeWeights has, on awkward numbers.
func TestQuantizedLikePaddle(t *testing.T) {
	e, err := dnnl.NewEngine()
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	for _, c := range weightCases {
		for _, scales := range []int{1, int(c.file[c.axis])} {
			t.Run(fmt.Sprintf("%s/%d scales", c.name, scales), func(t *testing.T) {
				rng := rand.New(rand.NewPCG(1, uint64(scales)))
				x := make([]float32, elems(c.dims))
				awkward(x, rng)
				w, err := model.Float32Tensor(x, c.file...)
				if err != nil {
					t.Fatal(err)
				}
				q := &graph.Int8{}
				for range scales {
					q.ScaleWeights = append(q.ScaleWeights, []float32{1, 0.5, 3, 127.25}[rng.IntN(4)])
				}
				want, err := graph.QuantizeWeights(w, q.ScaleWeights, c.axis)
				if err != nil {
					t.Fatal(err)
				}
				d, err := dnnl.NewStridedDesc(c.dims, c.st, dnnl.S8)
				if err != nil {
					t.Fatal(err)
				}
				defer d.Close()
				got := make([]int8, len(want))
				p := &packer{engine: e}
				defer p.Close()
				if err := p.pack(w, q, c.mask, d, d, unsafe.Pointer(&got[0])); err != nil {
					t.Fatal(err)
				}
				for i := range want {
					if got[i] != want[i] {
						t.Fatalf("element %d, %v: got %d, want %d", i, x[i], got[i], want[i])
					}
				}
			})
		}
	}
}

// TestPackRefuses gives weights that cannot be packed.
func TestPackRefuses(t *testing.T) {
	e, err := dnnl.NewEngine()
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	p := &packer{engine: e}
	defer p.Close()
	s8, err := dnnl.NewDesc([]int{4, 3}, dnnl.S8, dnnl.AB)
	if err != nil {
		t.Fatal(err)
	}
	defer s8.Close()
	to := make([]byte, 64)
	reals := &model.Tensor{DType: model.FP32, Dims: []int64{4, 3}, Data: make([]byte, 48)}
	for _, c := range []struct {
		name string
		w    *model.Tensor
		q    *graph.Int8
	}{
		{"too few bytes", &model.Tensor{DType: model.FP32, Dims: []int64{4, 3}, Data: make([]byte, 44)}, &graph.Int8{ScaleWeights: []float32{1}}},
		{"three scales for four channels", reals, &graph.Int8{ScaleWeights: []float32{1, 1, 1}}},
		{"no scales", reals, &graph.Int8{}},
		{"64-bit integers", &model.Tensor{DType: model.Int64, Dims: []int64{4, 3}, Data: make([]byte, 96)}, &graph.Int8{ScaleWeights: []float32{1}}},
	} {
		if err := p.pack(c.w, c.q, channelMask(false), s8, s8, unsafe.Pointer(&to[0])); err == nil {
			t.Errorf("%s: packed", c.name)
		}
	}
}

// TestLazyWeights runs a model, FP32 with normalisations to fold and INT8, whose
// weights stay in their file until they are packed: the answers are those of
// the model in memory, to the byte.
func TestLazyWeights(t *testing.T) {
	fp32 := nets.MobileNetV1(1)
	x := make([]float32, 3*224*224)
	rng := rand.New(rand.NewPCG(7, 8))
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	picture, err := model.Float32Tensor(x, 1, 3, 224, 224)
	if err != nil {
		t.Fatal(err)
	}
	in := []*model.Tensor{picture}
	int8, err := graph.ToModel(quantised(t, fp32, in, calibrate.Options{}), graph.FormFused)
	if err != nil {
		t.Fatal(err)
	}
	for name, m := range map[string]*model.Model{"fp32": fp32, "int8": int8} {
		path := filepath.Join(t.TempDir(), name)
		if err := model.Save(m, path); err != nil {
			t.Fatal(err)
		}
		lazily, err := model.Load(path, model.WithLazyParams())
		if err != nil {
			t.Fatal(err)
		}
		if !lazily.Params["fc_weights"].Lazy() {
			t.Fatal("the weights are in memory: nothing is tested")
		}
		want, got := answer(t, m, in), answer(t, lazily, in)
		if !bytes.Equal(want, got) {
			t.Errorf("%s: other answers from lazy parameters", name)
		}
	}
}

func answer(t *testing.T, m *model.Model, in []*model.Tensor) []byte {
	t.Helper()
	p, err := NewPredictor(m, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	out, err := p.Run(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return out[0].Data
}
