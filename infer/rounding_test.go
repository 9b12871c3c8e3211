package infer

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// A halfway net is one INT8 layer of 32 outputs that each lie half between two
// integers: multiplied in one order they are rounded up, in the other down. Its
// inputs are all 1, and every output reads one of them.
type halfway struct {
	name             string
	channels, filter int64
	depthwise, fc    bool
	sum              bool // the input is added, by a step of its own, and the sum quantised
}

var halfways = []halfway{
	{name: "pointwise", channels: 32, filter: 1},
	{name: "3x3", channels: 32, filter: 3},
	{name: "first", channels: 3, filter: 3},
	{name: "depthwise 3x3", channels: 32, filter: 3, depthwise: true},
	{name: "depthwise 5x5", channels: 32, filter: 5, depthwise: true},
	{name: "depthwise 7x7", channels: 32, filter: 7, depthwise: true},
	{name: "fully connected", channels: 32, fc: true},
	{name: "sum", channels: 32, filter: 1, sum: true},
}

const (
	halfwayOutputs = 32
	halfwayIn      = 200.3 // the scale of the source: 1 becomes 200
	halfwaySum     = 6.7   // the scale behind a sum; 1/(1/6.7) is another number
)

// A tie is the scale and the integer of a weight for which the result is want by
// the product of the scales, and other by another order.
type tie struct {
	scale       float32
	weight      int
	want, other uint8
}

// findTie searches for one.
func (h halfway) findTie(rng *rand.Rand) tie {
	in, out := 1/float32(halfwayIn), float32(halfwaySum)
	round := func(x float32) uint8 { return uint8(math.RoundToEven(float64(x))) }
	for {
		t := tie{weight: 1 + rng.IntN(127)}
		sum := float32(200 * t.weight)
		real := float32(20+rng.IntN(220)) + .5
		if h.sum {
			real = real/out - 1
		}
		t.scale = sum * in / real
		for range rng.IntN(8) {
			t.scale = math.Nextafter32(t.scale, math.MaxFloat32)
		}
		factor := in * (1 / t.scale)
		t.want, t.other = round(sum*factor), round(sum*in*(1/t.scale))
		if h.sum {
			x := sum*factor + 1
			t.want, t.other = round(x*out), round(x*(1/(1/out)))
		}
		if t.want != t.other {
			return t
		}
	}
}

// graph returns the network of some ties.
func (h halfway) graph(t *testing.T, ties []tie) *graph.Graph {
	q := &graph.Int8{ScaleIn: halfwayIn, ScaleOut: 1, ScaleInEltwise: 1, ForceFP32: h.sum}
	dims := []int64{halfwayOutputs, h.channels, h.filter, h.filter}
	// In the weights, the place of the first that output o reads, and what is
	// between it and the same one of the next output.
	first, apart := h.filter*h.filter/2, h.channels*h.filter*h.filter
	switch {
	case h.fc:
		dims, first, apart = []int64{h.channels * 64, halfwayOutputs}, 0, 1
	case h.depthwise:
		dims[1], apart = 1, h.filter*h.filter
	}
	size := int64(1)
	for _, d := range dims {
		size *= d
	}
	weights := make([]float32, size)
	for o, tie := range ties {
		weights[first+int64(o)*apart] = float32(tie.weight) / tie.scale
		q.ScaleWeights = append(q.ScaleWeights, tie.scale)
	}
	constant, err := model.Float32Tensor(weights, dims...)
	if err != nil {
		t.Fatal(err)
	}
	g := &graph.Graph{Name: h.name}
	x := &graph.Value{Name: "x", DType: model.FP32, Dims: []int64{-1, h.channels, 8, 8}}
	g.Inputs = []*graph.Value{x}
	add := func(name string, dt model.DType, op graph.Op, in ...*graph.Value) *graph.Value {
		y := &graph.Value{Name: name, DType: dt}
		y.Producer = &graph.Layer{Name: name, Op: op, In: in, Out: []*graph.Value{y}}
		g.Layers = append(g.Layers, y.Producer)
		return y
	}
	relu := graph.Activation{Kind: graph.ActReLU}
	pad, groups := int(h.filter/2), 1
	if h.depthwise {
		groups = halfwayOutputs
	}
	conv := &graph.Conv{Strides: [2]int{1, 1}, Dilations: [2]int{1, 1}, Pads: [4]int{pad, pad, pad, pad}, Groups: groups, Act: relu, Int8: q}
	w := &graph.Value{Name: "w", DType: model.FP32, Dims: dims, Const: constant}
	y := add("quantize", model.UInt8, &graph.Quantize{Scale: halfwayIn}, x)
	switch {
	case h.fc:
		y = add("y", model.UInt8, &graph.FC{NumColDims: 1, Act: relu, Int8: q}, y, w, nil)
	case h.sum:
		conv.Act = graph.Activation{}
		y = add("conv", model.FP32, conv, y, w, nil, nil)
		y = add("add", model.FP32, &graph.Binary{Type: graph.Add, Axis: -1, Act: relu}, y, x)
		y = add("y", model.UInt8, &graph.Quantize{Scale: halfwaySum}, y)
	default:
		y = add("y", model.UInt8, conv, y, w, nil, nil)
	}
	g.Outputs = []graph.Output{{Name: "y", Value: y}}
	return g
}

// TestRounding checks, with results half between two integers, that all kernels
// multiply sums by the product of the scales. Caps on the instructions hold for a
// process, so the test runs itself again under each.
func TestRounding(t *testing.T) {
	for _, h := range halfways {
		t.Run(h.name, func(t *testing.T) { h.check(t) })
	}
	const isaCap, child = "ONEDNN_MAX_CPU_ISA", "OCTET_ROUNDING_CHILD"
	if os.Getenv(child) != "" {
		return
	}
	for _, isa := range []string{"AVX512_CORE_VNNI", "AVX512_CORE", "AVX2_VNNI", "AVX2", "SSE41"} {
		t.Run(isa, func(t *testing.T) {
			cmd := exec.Command(os.Args[0], "-test.run=^TestRounding$", "-test.v")
			cmd.Env = append(os.Environ(), isaCap+"="+isa, child+"=1")
			out, err := cmd.CombinedOutput()
			if err != nil || !strings.Contains(string(out), "--- PASS: TestRounding") {
				t.Errorf("%s=%s: %v\n%s", isaCap, isa, err, out)
			}
			t.Logf("%s", out)
		})
	}
}

func (h halfway) check(t *testing.T) {
	rng := rand.New(rand.NewPCG(10, 3))
	ties := make([]tie, halfwayOutputs)
	for i := range ties {
		ties[i] = h.findTie(rng)
	}
	p, err := Compile(h.graph(t, ties), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for _, n := range []int64{1, 5} {
		ones := make([]float32, n*h.channels*64)
		for i := range ones {
			ones[i] = 1
		}
		x, err := model.Float32Tensor(ones, n, h.channels, 8, 8)
		if err != nil {
			t.Fatal(err)
		}
		in := []*model.Tensor{x}
		out, err := p.Run(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		kernels, err := p.Kernels(in)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range kernels {
			if k.Layer == "y" || k.Layer == "conv" {
				t.Log(k.Impl)
			}
		}
		if msg := h.compare(out[0], ties); msg != "" {
			t.Errorf("%d images: %s", n, msg)
		}
	}
}

// compare looks at an output of each channel that the padding has no part in.
func (h halfway) compare(y *model.Tensor, ties []tie) string {
	pixels := len(y.Data) / int(y.Dims[0]) / halfwayOutputs
	for i := 0; i < len(y.Data); i += pixels {
		tie := ties[i/pixels%halfwayOutputs]
		if got := y.Data[i+pixels/2]; got != tie.want {
			return fmt.Sprintf("output %d is %d: want %d (in another order %d)", i, got, tie.want, tie.other)
		}
	}
	return ""
}
