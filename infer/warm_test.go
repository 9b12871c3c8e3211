package infer

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/octet-dnn/octet/dnnl"
	"github.com/octet-dnn/octet/model"
)

// TestWarm compiles ahead: no later run of the shape compiles anything.
func TestWarm(t *testing.T) {
	for _, mode := range []Mode{Auto, Throughput, Latency} {
		for _, batch := range []int{1, 2, 5, 16, 259} {
			p := newTiny(t, Options{Streams: 2, Threads: 2, MicroBatch: 4, Mode: mode})
			if err := p.Warm(t.Context(), [][]int64{{int64(batch), 3, 16, 16}}); err != nil {
				t.Fatal(err)
			}
			plans := p.MemoryStats().Plans
			for range 20 {
				if _, err := p.Run(t.Context(), images(t, batch, 1)); err != nil {
					t.Fatal(err)
				}
			}
			if now := p.MemoryStats().Plans; plans == 0 || now != plans {
				t.Errorf("%v, batch %d: %d plans after Warm, %d after runs", mode, batch, plans, now)
			}
			p.Close()
			if err := p.Warm(t.Context()); !errors.Is(err, ErrClosed) {
				t.Errorf("after Close: got %v, want ErrClosed", err)
			}
		}
	}
}

// TestLargeBatchesTakeFewPlans checks that the end of a large batch is not cut
// finer than it is worth, and that a rest is.
func TestLargeBatchesTakeFewPlans(t *testing.T) {
	for batch, want := range map[int]int{512: 1, 515: 3, 256: 2} {
		p := newTiny(t, Options{Streams: 2, Threads: 1})
		for range 5 {
			if _, err := p.Run(t.Context(), images(t, batch, 1)); err != nil {
				t.Fatal(err)
			}
		}
		if n := p.MemoryStats().Plans; n > want {
			t.Errorf("batch %d: %d plans, want at most %d", batch, n, want)
		}
		p.Close()
	}
}

func TestWarmRefuses(t *testing.T) {
	p := newTiny(t, Options{})
	defer p.Close()
	for name, dims := range map[string][][]int64{
		"no input":   {},
		"two inputs": {{1, 3, 16, 16}, {1}},
		"no image":   {{0, 3, 16, 16}},
		"negative":   {{1, 3, -16, -16}},
		"overflow":   {{math.MaxInt64, math.MaxInt64, 16, 16}},
		"too large":  {{1 << 40, 3, 16, 16}},
		"rank":       {{1, 3, 16}},
		"channels":   {{1, 4, 16, 16}},
	} {
		if err := p.Warm(t.Context(), dims); err == nil {
			t.Errorf("%s: %v was accepted", name, dims)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.Warm(ctx, [][]int64{{1, 3, 16, 16}}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got %v", err)
	}
}

// slowNet has a mean over channels, for which oneDNN has only a reference.
func slowNet(t testing.TB) *model.Model {
	b := &tinyBuilder{t: t, m: model.New()}
	b.m.Name = "slow"
	b.block = b.m.Program.Blocks[0]
	b.block.AddFeed("image", model.FP32, -1, 3, 16, 16)
	b.block.AddFetch(b.op("reduce_mean", "over channels", map[string]string{"X": "image"}, "Out",
		model.IntsAttr("dim", 1), model.BoolAttr("keep_dim", true)))
	return b.m
}

// TestRefKernels has a plan with a reference kernel reported, and refused.
func TestRefKernels(t *testing.T) {
	alive := dnnl.Live()
	p, err := NewPredictor(slowNet(t), Options{})
	if err != nil {
		t.Fatal(err)
	}
	kernels, err := p.Kernels(images(t, 1, 1))
	p.Close()
	if err != nil {
		t.Fatal(err)
	}
	found := ""
	for _, k := range kernels {
		if k.Reference {
			found = k.Impl
		}
	}
	if found == "" {
		t.Fatalf("no reference kernel in %+v: this test needs another network", kernels)
	}
	p, err = NewPredictor(slowNet(t), Options{RefKernels: RefuseRefKernels})
	if err != nil {
		t.Fatal(err)
	}
	for name, do := range map[string]func() error{
		"Warm": func() error { return p.Warm(t.Context(), [][]int64{{1, 3, 16, 16}}) },
		"Run":  func() error { _, err := p.Run(t.Context(), images(t, 2, 1)); return err },
	} {
		if err := do(); !errors.Is(err, ErrRefKernel) || !strings.Contains(err.Error(), found) || !strings.Contains(err.Error(), "reduce") {
			t.Errorf("%s: got %v, want ErrRefKernel with the layer and %s", name, err, found)
		}
	}
	p.Close()
	if n := dnnl.Live(); n != alive {
		t.Errorf("%d oneDNN objects alive, %d before", n, alive)
	}
	if _, err := NewPredictor(slowNet(t), Options{RefKernels: 2}); err == nil {
		t.Error("RefKernels 2 was accepted")
	}
	q := newTiny(t, Options{RefKernels: RefuseRefKernels})
	defer q.Close()
	if _, err := q.Run(t.Context(), images(t, 1, 1)); err != nil {
		t.Errorf("a network without reference kernels: %v", err)
	}
}
