package infer

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/octet-dnn/octet/calibrate"
	"github.com/octet-dnn/octet/dnnl"
	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// TestStemGivesTheSameBytes runs INT8 networks as they are, where the first
// convolution quantises the picture itself, and with the quantised picture as
// another output, which must then be there: by one thread, and by several that
// share the rows.
func TestStemGivesTheSameBytes(t *testing.T) {
	needExactINT8(t)
	for _, c := range []struct {
		net    string
		pixels *calibrate.Pixels
	}{
		{"resnet", nil}, {"mobilenet", nil},
		{"resnet", demoPixels}, {"mobilenet", demoPixels},
	} {
		net := c.net
		m, err := model.Load(filepath.Join("..", "testdata", "demo", net))
		if err != nil {
			t.Fatal(err)
		}
		in, _ := demoInputs(t, m, 48)
		whole := quantised(t, m, in, calibrate.Options{FirstConvINT8: true, INT8AveragePool: true, Pixels: c.pixels})
		apart := *whole
		first := slices.IndexFunc(whole.Layers, func(l *graph.Layer) bool { _, ok := l.Op.(*graph.Quantize); return ok })
		apart.Outputs = append(slices.Clone(whole.Outputs), graph.Output{Name: "picture", Value: whole.Layers[first].Out[0]})
		for _, o := range []Options{{Mode: Throughput}, {Mode: Latency, Threads: 1}, {Mode: Latency, Threads: 3}} {
			t.Run(fmt.Sprintf("%s/pixels=%v/%v/%d", net, c.pixels != nil, o.Mode, o.Threads), func(t *testing.T) {
				got, stems := runStem(t, whole, o, in)
				want, others := runStem(t, &apart, o, in)
				if wanted := dnnl.EffectiveCPUISA()&dnnl.ISAAVX512CoreVNNI == dnnl.ISAAVX512CoreVNNI; wanted && stems != 1 || others != 0 {
					t.Errorf("%d convolutions that quantise their picture, and %d where it is an output", stems, others)
				}
				for i := range got {
					if !bytes.Equal(got[i].Data, want[i].Data) {
						t.Errorf("output %d differs", i)
					}
				}
			})
		}
	}
}

// demoPixels are of no picture that the demo has: two channels are clipped.
var demoPixels = &calibrate.Pixels{Scale: []float32{64, 58.395, 57.12}, Shift: []float32{100, 123.675, 116.28}}

// TestPictureIsNotTurned checks that the first convolution of an FP32 network
// reads the caller's picture as it is, channel by channel, where there is a
// kernel for that.
func TestPictureIsNotTurned(t *testing.T) {
	for _, net := range []string{"resnet", "mobilenet"} {
		m, err := model.Load(filepath.Join("..", "testdata", "demo", net))
		if err != nil {
			t.Fatal(err)
		}
		in, _ := demoInputs(t, m, 48)
		p, err := NewPredictor(m, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		kernels, err := p.Kernels(in)
		if err != nil {
			t.Fatal(err)
		}
		if dnnl.EffectiveCPUISA()&dnnl.ISAAVX512Core != dnnl.ISAAVX512Core {
			t.Skip("SKIP-HARDWARE: no AVX-512")
		}
		if first := kernels[0]; !strings.HasPrefix(first.Impl, "octet_stem_f32:") {
			t.Errorf("%s begins with %s by %s", net, first.Kind, first.Impl)
		}
	}
}

// runStem runs g and counts the convolutions that also quantise.
func runStem(t *testing.T, g *graph.Graph, o Options, in []*model.Tensor) (out []*model.Tensor, stems int) {
	t.Helper()
	p, err := Compile(g, o)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	out, err = p.Run(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	kernels, err := p.Kernels(in)
	if err != nil {
		t.Fatal(err)
	}
	layers := map[string]bool{} // a layer has a step for every image
	for _, k := range kernels {
		switch {
		case k.Kind == "quantize":
			return out, 0
		case strings.HasPrefix(k.Impl, "octet_stem:"):
			layers[k.Layer] = true
		}
	}
	return out, len(layers)
}
