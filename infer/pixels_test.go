package infer

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/octet-dnn/octet/calibrate"
	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// ofDemo is what the demo's networks read: pixel/127.5 - 1.
var ofDemo = &calibrate.Pixels{Scale: []float32{127.5, 127.5, 127.5}, Shift: []float32{127.5, 127.5, 127.5}}

// ofPixels makes FP32 pictures of pixels, in the memory of x.
func ofPixels(x *model.Tensor) {
	r := rand.New(rand.NewPCG(5, 6))
	for i := range x.Float32s() {
		x.Float32s()[i] = float32(r.IntN(256))/127.5 - 1
	}
}

// pixelsOf returns the pixels that a batch of FP32 pictures was made of.
func pixelsOf(x *model.Tensor, order PixelOrder) *model.Tensor {
	c, h, w := int(x.Dims[1]), int(x.Dims[2]), int(x.Dims[3])
	t := &model.Tensor{DType: model.UInt8, Dims: slices.Clone(x.Dims), Data: make([]byte, x.Len())}
	if order == PixelsNHWC {
		t.Dims = []int64{x.Dims[0], x.Dims[2], x.Dims[3], x.Dims[1]}
	}
	for i, v := range x.Float32s() {
		at := i
		if order == PixelsNHWC {
			at = ((i/(c*h*w)*h+i/w%h)*w+i%w)*c + i/(h*w)%c
		}
		t.Data[at] = byte(math.RoundToEven(float64(v)*127.5 + 127.5))
	}
	return t
}

// TestPixels holds what a network gives for pixels, in both orders, against what
// it gives for the FP32 pictures made of them: with the kernel that reads them, and
// where something else wants the padded pixels too.
func TestPixels(t *testing.T) {
	needExactINT8(t)
	for _, net := range []string{"resnet", "mobilenet"} {
		m, err := model.Load(filepath.Join("..", "testdata", "demo", net))
		if err != nil {
			t.Fatal(err)
		}
		in, _ := demoInputs(t, m, 48)
		ofPixels(in[0])
		g := quantised(t, m, in, calibrate.Options{Pixels: ofDemo})
		shown := *g
		first := slices.IndexFunc(g.Layers, func(l *graph.Layer) bool { _, ok := l.Op.(*graph.Quantize); return ok })
		shown.Outputs = append(slices.Clone(g.Outputs), graph.Output{Name: "picture", Value: g.Layers[first].Out[0]})
		for name, g := range map[string]*graph.Graph{"own kernel": g, "steps": &shown} {
			for _, order := range []PixelOrder{PixelsNCHW, PixelsNHWC} {
				for _, o := range []Options{{Mode: Throughput}, {Mode: Latency, Threads: 3}} {
					t.Run(fmt.Sprintf("%s/%s/%d/%v", net, name, order, o.Mode), func(t *testing.T) {
						want := runGraph(t, g, o, in)
						o.Pixels = order
						bytewise := slices.Clone(in)
						bytewise[0] = pixelsOf(in[0], order)
						got := runGraph(t, g, o, bytewise)
						for i := range want {
							if !bytes.Equal(got[i].Data, want[i].Data) {
								t.Errorf("output %d differs", i)
							}
						}
					})
				}
			}
		}
	}
}

// TestPixelsInEveryForm reads what the forms of programs say of a network that reads
// pixels: it still does, and its answers are the same.
func TestPixelsInEveryForm(t *testing.T) {
	needExactINT8(t)
	m, err := model.Load(filepath.Join("..", "testdata", "demo", "resnet"))
	if err != nil {
		t.Fatal(err)
	}
	in, _ := demoInputs(t, m, 48)
	ofPixels(in[0])
	g := quantised(t, m, in, calibrate.Options{Pixels: ofDemo})
	want := runGraph(t, g, Options{}, in)
	in[0] = pixelsOf(in[0], PixelsNHWC)
	for _, form := range []graph.Form{graph.FormFused, graph.FormQDQ, graph.FormV13} {
		t.Run(form.String(), func(t *testing.T) {
			m, err := graph.ToModel(g, form)
			if err != nil {
				t.Fatal(err)
			}
			read, err := graph.Build(m)
			if err != nil {
				t.Fatal(err)
			}
			got := runGraph(t, read, Options{Pixels: PixelsNHWC}, in)
			for i := range want {
				if !bytes.Equal(got[i].Data, want[i].Data) {
					t.Errorf("output %d differs", i)
				}
			}
		})
	}
}

// TestPixelsRefused asks for pixels where there are none, and gives others.
func TestPixelsRefused(t *testing.T) {
	m, err := model.Load(filepath.Join("..", "testdata", "demo", "mobilenet"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewPredictor(m, Options{Pixels: PixelsNCHW}); !errors.Is(err, ErrNoPixels) {
		t.Errorf("an FP32 network that takes pixels: %v", err)
	}
	if _, err := NewPredictor(m, Options{Pixels: 3}); err == nil {
		t.Error("order 3 was taken")
	}
	in, _ := demoInputs(t, m, 48)
	g := quantised(t, m, in, calibrate.Options{Pixels: ofDemo})
	p, err := Compile(g, Options{Pixels: PixelsNHWC})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if _, err := p.Run(t.Context(), in); err == nil {
		t.Error("FP32 pictures were taken as pixels")
	}
	in[0] = pixelsOf(in[0], PixelsNCHW)
	if _, err := p.Run(t.Context(), in); err == nil {
		t.Error("channels-first pixels were taken as channels-last")
	}
	if want := (Spec{p.Inputs()[0].Name, model.UInt8, []int64{-1, 48, 48, 3}}); fmt.Sprint(p.Inputs()[0]) != fmt.Sprint(want) {
		t.Errorf("input %v, want %v", p.Inputs()[0], want)
	}
}
