package infer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/octet-dnn/octet/dnnl"
	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// images returns n seeded random pictures for tinyNet.
func images(t testing.TB, n int, seed uint64) []*model.Tensor {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 1))
	x := make([]float32, n*3*16*16)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	in, err := model.Float32Tensor(x, int64(n), 3, 16, 16)
	if err != nil {
		t.Fatal(err)
	}
	return []*model.Tensor{in}
}

func tinyGraph(t testing.TB) *graph.Graph {
	t.Helper()
	g, err := graph.Build(tinyNet(t))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func newTiny(t testing.TB, o Options) *Predictor {
	t.Helper()
	p, err := NewPredictor(tinyNet(t), o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestBatches checks that every batch size, cut as the streams like, gives the
// results of one image at a time.
func TestBatches(t *testing.T) {
	const most = 23
	in := images(t, most, 7)[0]
	single := newTiny(t, Options{Streams: 1, Threads: 1, MicroBatch: 1})
	defer single.Close()
	want, err := single.Run(t.Context(), []*model.Tensor{in})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range []Options{{}, {Streams: 1}, {Streams: 2, Threads: 2}, {Streams: 3, Threads: 1, MicroBatch: 4}, {Streams: 2, MicroBatch: 16},
		{Streams: 1, MicroBatch: 8, CacheBytes: 30 << 10}, {Streams: 2, MicroBatch: 16, CacheBytes: 100 << 10},
		{Mode: Throughput}, {Mode: Latency, Threads: 2}, {Mode: Latency, Threads: 2, MicroBatch: 1}, {Mode: Latency, Threads: 1}} {
		p := newTiny(t, o)
		for n := 1; n <= most; n++ {
			part := &model.Tensor{DType: model.FP32, Dims: []int64{int64(n), 3, 16, 16}, Data: in.Data[:n*3*16*16*4]}
			out, err := p.Run(t.Context(), []*model.Tensor{part})
			if err != nil {
				t.Fatalf("%+v, %d images: %v", o, n, err)
			}
			w := &model.Tensor{DType: model.FP32, Dims: out[0].Dims, Data: want[0].Data[:len(out[0].Data)]}
			// Kernels for other batch sizes may sum in another order.
			if msg := compare(out[0], w, 1e-5); msg != "" {
				t.Errorf("%+v, %d images: %s", o, n, msg)
			}
		}
		p.Close()
	}
}

// TestManyGoroutines runs 64 goroutines on one predictor and closes it
// meanwhile: every run gives the right result or ErrClosed, and nothing is left.
func TestManyGoroutines(t *testing.T) {
	for _, mode := range []Mode{Auto, Throughput, Latency} {
		t.Run(mode.String(), func(t *testing.T) { testManyGoroutines(t, mode) })
	}
}

func testManyGoroutines(t *testing.T, mode Mode) {
	before := dnnl.Live()
	p := newTiny(t, Options{Mode: mode, Threads: 2})
	want := make([][]*model.Tensor, 3)
	for i := range want {
		out, err := p.Run(t.Context(), images(t, i+1, uint64(i)))
		if err != nil {
			t.Fatal(err)
		}
		want[i] = out
	}
	var wg sync.WaitGroup
	for id := range 64 {
		wg.Go(func() {
			in := images(t, id%3+1, uint64(id%3))
			for {
				out, err := p.Run(context.Background(), in)
				if errors.Is(err, ErrClosed) {
					return
				}
				if err != nil {
					t.Errorf("goroutine %d: %v", id, err)
					return
				}
				if msg := compare(out[0], want[id%3][0], 1e-5); msg != "" {
					t.Errorf("goroutine %d: %s", id, msg)
					return
				}
			}
		})
	}
	time.Sleep(200 * time.Millisecond)
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	wg.Wait()
	if err := p.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	if n := dnnl.Live() - before; n != 0 {
		t.Errorf("%d oneDNN objects are left", n)
	}
}

// TestRunIntoAllocatesNothing holds for the one-thread streams and for the
// many-thread plan, pinned and not.
func TestRunIntoAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("SKIP-BUILD: the race detector allocates")
	}
	for _, c := range []struct {
		batch int
		o     Options
	}{
		{1, Options{Streams: 2, Threads: 2}}, {8, Options{Streams: 2, Threads: 2}},
		{1, Options{Mode: Latency, Pin: ownCPUs(t)}}, {8, Options{Mode: Throughput, Pin: ownCPUs(t)}},
	} {
		n := c.batch
		t.Run(fmt.Sprintf("batch=%d,%v,pin=%v", n, c.o.Mode, c.o.Pin), func(t *testing.T) {
			p := newTiny(t, c.o)
			defer p.Close()
			in := images(t, n, 1)
			out, err := p.Run(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			ctx := t.Context()
			for range 8 { // until both ways of small batches have been tried
				if err := p.RunInto(ctx, in, out); err != nil {
					t.Fatal(err)
				}
			}
			// A stream that has not served the shape yet makes its arena when its turn comes, and a
			// piece of a size that no stream has had its plan: once each, beside other load as late as in
			// the 1000 runs that are counted, but not every time.
			allocs := 1.0
			for round := 0; round < 4 && allocs != 0; round++ {
				allocs = testing.AllocsPerRun(1000, func() {
					if err := p.RunInto(ctx, in, out); err != nil {
						t.Fatal(err)
					}
				})
			}
			if allocs != 0 {
				t.Errorf("%v allocations a run, want 0", allocs)
			}
		})
	}
}

// TestCancel checks that a context ends a run that waits and that the
// predictor is whole afterwards.
func TestCancel(t *testing.T) {
	p := newTiny(t, Options{Streams: 1, Threads: 1})
	defer p.Close()
	in := images(t, 64, 3)
	want, err := p.Run(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Run(ended, in); !errors.Is(err, context.Canceled) {
		t.Errorf("run with an ended context: %v", err)
	}
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Duration(i)*100*time.Microsecond)
			defer cancel()
			out, err := p.Run(ctx, in)
			if err == nil && !bytes.Equal(out[0].Data, want[0].Data) {
				t.Error("a run that was not cancelled gave another result")
			}
			if err != nil && !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	out, err := p.Run(t.Context(), in)
	if err != nil || !bytes.Equal(out[0].Data, want[0].Data) {
		t.Errorf("after cancelled runs: %v, or another result", err)
	}
}

// TestBadInputs checks what Run refuses, by what the message says.
func TestBadInputs(t *testing.T) {
	p := newTiny(t, Options{})
	defer p.Close()
	good := images(t, 1, 1)[0]
	with := func(f func(*model.Tensor)) []*model.Tensor {
		c := *good
		c.Dims = slices.Clone(good.Dims)
		f(&c)
		return []*model.Tensor{&c}
	}
	for _, c := range []struct {
		name, text string
		in         []*model.Tensor
	}{
		{"no inputs", "0 inputs given", nil},
		{"two inputs", "2 inputs given", []*model.Tensor{good, good}},
		{"nil", "nil", []*model.Tensor{nil}},
		{"wrong type", "want float32", with(func(t *model.Tensor) { t.DType = model.Int64 })},
		{"short data", "do not fill", with(func(t *model.Tensor) { t.Data = t.Data[:len(t.Data)-4] })},
		{"long data", "do not fill", with(func(t *model.Tensor) { t.Data = append(slices.Clone(t.Data), 0, 0, 0, 0) })},
		{"no images", "positive dims", with(func(t *model.Tensor) { t.Dims[0] = 0 })},
		{"negative dim", "positive dims", with(func(t *model.Tensor) { t.Dims[0] = -1 })},
		{"huge dims", "positive dims", with(func(t *model.Tensor) { t.Dims[0], t.Dims[1] = 1<<40, 1<<40 })},
		{"rank", "image", with(func(t *model.Tensor) { t.Dims = []int64{1, 768} })},
		{"channels", "image", with(func(t *model.Tensor) { t.Dims[1], t.Dims[2] = 1, 48 })},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := p.Run(t.Context(), c.in)
			if err == nil || !bytes.Contains([]byte(err.Error()), []byte(c.text)) {
				t.Errorf("error %v: want one that says %q", err, c.text)
			}
		})
	}
	out, err := p.Run(t.Context(), []*model.Tensor{good})
	if err != nil {
		t.Fatal(err)
	}
	out[0].Data = out[0].Data[:4]
	if err := p.RunInto(t.Context(), []*model.Tensor{good}, out); err == nil {
		t.Error("a short output was accepted")
	}
	for _, o := range []Options{{Streams: -1}, {Mode: 3}, {Mode: -1}} {
		if _, err := NewPredictor(tinyNet(t), o); err == nil {
			t.Errorf("options %+v were accepted", o)
		}
	}
}

// TestThreadsStayBounded checks that callers add no OS threads.
func TestThreadsStayBounded(t *testing.T) {
	p := newTiny(t, Options{Streams: 2, Threads: 1})
	defer p.Close()
	in := images(t, 4, 1)
	if _, err := p.Run(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	before := osThreads(t)
	var wg sync.WaitGroup
	for range 200 {
		wg.Go(func() {
			if _, err := p.Run(context.Background(), in); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	// Go itself may start a few threads for its own scheduling.
	if after := osThreads(t); after > before+runtime.GOMAXPROCS(0)+4 {
		t.Errorf("%d OS threads before 200 callers, %d after", before, after)
	}
}
