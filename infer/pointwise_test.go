package infer

import (
	"bytes"
	"testing"

	"github.com/octet-dnn/octet/bench/nets"
	"github.com/octet-dnn/octet/calibrate"
	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// A network whose first convolution, of 1x1, reads the pictures as they come, in FP32 or
// quantising them, gives for a batch what it gives for each picture.
func TestPointwiseFirst(t *testing.T) {
	needExactINT8(t)
	m := nets.Saturating()
	const n = 8
	x := make([]float32, n*nets.SaturatingClasses*8*8)
	for i := range x {
		x[i] = float32(i*37%101)/101 - 0.25
	}
	all, err := model.Float32Tensor(x, n, nets.SaturatingClasses, 8, 8)
	if err != nil {
		t.Fatal(err)
	}
	c, err := calibrate.New(m, calibrate.Options{Runner: NewRunner, FirstConvINT8: true})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Sample(t.Context(), []*model.Tensor{all}); err != nil {
		t.Fatal(err)
	}
	int8, err := c.INT8Graph()
	if err != nil {
		t.Fatal(err)
	}
	fp32, err := graph.Build(m)
	if err != nil {
		t.Fatal(err)
	}
	for name, g := range map[string]*graph.Graph{"FP32": fp32, "INT8": int8} {
		p, err := Compile(g, Options{Streams: 1})
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		got, err := p.Run(t.Context(), []*model.Tensor{all})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var want []byte
		for i := range n {
			size := len(x) / n
			one, err := model.Float32Tensor(x[i*size:(i+1)*size], 1, nets.SaturatingClasses, 8, 8)
			if err != nil {
				t.Fatal(err)
			}
			out, err := p.Run(t.Context(), []*model.Tensor{one})
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			want = append(want, out[0].Data...)
		}
		if !bytes.Equal(got[0].Data, want) {
			t.Errorf("%s: a batch of %d gives other probabilities than its pictures one by one", name, n)
		}
	}
}
