package bench

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/octet-dnn/octet/dnnl"
	"github.com/octet-dnn/octet/infer"
	"github.com/octet-dnn/octet/model"
)

// tiny returns a convolution over pictures of the given side, -1 for any.
func tiny(t *testing.T, side int64) *model.Model {
	t.Helper()
	m := model.New()
	b := m.Program.Blocks[0]
	x := b.AddFeed("image", model.FP32, -1, 3, side, side)
	w := make([]float32, 8*3*3*3)
	for i := range w {
		w[i] = float32(i%7) - 3
	}
	filter, err := model.Float32Tensor(w, 8, 3, 3, 3)
	if err != nil {
		t.Fatal(err)
	}
	for i, in := range []string{x, "y0"} {
		if i == 1 {
			if filter, err = model.Float32Tensor(make([]float32, 8*8), 8, 8, 1, 1); err != nil {
				t.Fatal(err)
			}
		}
		name := []string{"y0", "y1"}[i]
		b.AddTensor(name, model.FP32, -1, 8, side, side)
		pad := int32(1 - i)
		b.AddOp("conv2d", model.Slots("Input", in, "Filter", m.AddParam("w"+name, filter)), model.Slots("Output", name),
			model.IntsAttr("strides", 1, 1), model.IntsAttr("paddings", pad, pad), model.IntsAttr("dilations", 1, 1), model.IntAttr("groups", 1))
	}
	b.AddFetch("y1")
	return m
}

func TestMeasure(t *testing.T) {
	live := dnnl.Live()
	p, err := NewPair(t.Context(), "tiny", tiny(t, 8), infer.Options{Streams: 1, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	windows := 0
	for _, batch := range []int{1, warmBatch + 1} {
		row, err := Measure(t.Context(), p, batch, Options{MinTime: time.Millisecond, Windows: 3, Progress: func(int, int) { windows++ }})
		if err != nil {
			t.Fatal(err)
		}
		if row.Model != "tiny" || row.Batch != batch || !(row.FP32 > 0) || !(row.INT8 > 0) || !(row.Ratio > 0) {
			t.Errorf("batch %d: %+v, want positive speeds and a ratio", batch, row)
		}
	}
	if windows != 2*2*3 {
		t.Errorf("heard of %d windows, want %d", windows, 2*2*3)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Measure(ctx, p, 1, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v, want context.Canceled", err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if n := dnnl.Live(); n != live {
		t.Errorf("%d oneDNN objects alive after Close, %d before", n, live)
	}
}

func TestInputsOpenSize(t *testing.T) {
	_, err := NewPair(t.Context(), "open", tiny(t, -1), infer.Options{})
	if err == nil || !strings.Contains(err.Error(), "more than the batch open") {
		t.Errorf("a model of any picture size: error %v, want one about its open dims", err)
	}
}
