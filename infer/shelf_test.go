package infer

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/octet-dnn/octet/dnnl"
	"github.com/octet-dnn/octet/model"
)

// newSizes makes a predictor of tinyNet for pictures of any size.
func newSizes(t *testing.T, o Options) *Predictor {
	t.Helper()
	g := tinyGraph(t)
	g.Inputs[0].Dims = []int64{-1, 3, -1, -1}
	p, err := Compile(g, o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// sized returns n seeded pictures of h×w.
func sized(t *testing.T, n, h, w int) []*model.Tensor {
	t.Helper()
	rng := rand.New(rand.NewPCG(uint64(n), uint64(h<<16+w)))
	x := make([]float32, n*3*h*w)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	in, err := model.Float32Tensor(x, int64(n), 3, int64(h), int64(w))
	if err != nil {
		t.Fatal(err)
	}
	return []*model.Tensor{in}
}

// TestShapesAreBounded runs one new image size after the other: plans, oneDNN's
// objects, geometries and arenas do not pile up, and sizes that were forgotten
// give the same again.
func TestShapesAreBounded(t *testing.T) {
	alive := dnnl.Live()
	for _, mode := range []Mode{Throughput, Latency} {
		t.Run(mode.String(), func(t *testing.T) {
			const most = 2 << 20 // five plans of the tiny network
			p := newSizes(t, Options{Streams: 1, Threads: 2, MicroBatch: 1, ShapeBytes: most, Mode: mode})
			var first []*model.Tensor
			var objects int64
			for size := 8; size < 40; size++ {
				out, err := p.Run(t.Context(), sized(t, 1, size, 8))
				if err != nil {
					t.Fatal(err)
				}
				if size == 8 {
					first = out
				}
				s := p.MemoryStats()
				if s.ShapeBytes > most {
					t.Fatalf("size %d: %d bytes kept for shapes, %d allowed", size, s.ShapeBytes, most)
				}
				if size == 20 {
					objects = dnnl.Live()
				}
				if n := dnnl.Live(); size > 20 && n > objects {
					t.Fatalf("size %d: %d oneDNN objects, %d at size 20", size, n, objects)
				}
			}
			if n := p.MemoryStats().Plans; n < 2 || n > 10 {
				t.Errorf("%d plans are left", n)
			}
			last, err := p.Run(t.Context(), sized(t, 1, 8, 8))
			if err != nil {
				t.Fatal(err)
			}
			if string(last[0].Data) != string(first[0].Data) {
				t.Error("a size that was forgotten gives something else")
			}
			p.Close()
		})
	}
	if n := dnnl.Live(); n != alive {
		t.Errorf("%d oneDNN objects alive after Close, %d before", n, alive)
	}
}

// TestArenaShrinks runs one large picture, and small ones until its plan has gone.
func TestArenaShrinks(t *testing.T) {
	p := newSizes(t, Options{Streams: 1, Threads: 1, ShapeBytes: 1 << 20})
	defer p.Close()
	run := func(size int) int {
		t.Helper()
		if _, err := p.Run(t.Context(), sized(t, 1, size, size)); err != nil {
			t.Fatal(err)
		}
		return p.MemoryStats().ArenaBytes
	}
	large, small := run(200), 0
	for size := 8; size < 16; size++ {
		small = run(size)
	}
	if small > large/10 {
		t.Errorf("the arena has %d bytes for small pictures after %d for a large one", small, large)
	}
}

// TestManyShapesAtOnce has goroutines run many sizes and batches where there is
// room for few, so that plans go while others run them.
func TestManyShapesAtOnce(t *testing.T) {
	alive := dnnl.Live()
	const sizes, rounds, callers = 6, 6, 8
	all := newSizes(t, Options{Streams: 1, Threads: 1, MicroBatch: 1})
	want := map[string]*model.Tensor{}
	key := func(n, size int) string { return fmt.Sprint(n, " of ", size) }
	for size := range sizes {
		for n := 1; n <= 3; n++ {
			out, err := all.Run(t.Context(), sized(t, n, 8+size, 9))
			if err != nil {
				t.Fatal(err)
			}
			want[key(n, size)] = out[0]
		}
	}
	all.Close()
	p := newSizes(t, Options{Streams: 2, Threads: 2, MicroBatch: 2, ShapeBytes: 1 << 20})
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(c), 3))
			for range rounds * sizes {
				n, size := 1+rng.IntN(3), rng.IntN(sizes)
				out, err := p.Run(t.Context(), sized(t, n, 8+size, 9))
				if err != nil {
					t.Error(err)
					return
				}
				// Kernels for other batches may sum in another order.
				if msg := compare(out[0], want[key(n, size)], 1e-5); msg != "" {
					t.Errorf("%s: %s", key(n, size), msg)
				}
			}
		})
	}
	wg.Wait()
	if s := p.MemoryStats(); s.ShapeBytes > 1<<20 {
		t.Errorf("%d bytes kept for shapes", s.ShapeBytes)
	}
	p.Close()
	if n := dnnl.Live(); n != alive {
		t.Errorf("%d oneDNN objects alive after Close, %d before", n, alive)
	}
}

// TestShelf checks what goes when.
func TestShelf(t *testing.T) {
	var s shelf
	s.init(100)
	var gone []string
	put := func(name string, bytes int) *book {
		b := &book{}
		b.drop = func() { gone = append(gone, name) }
		s.add(b, bytes)
		return b
	}
	a := put("a", 40)
	put("b", 40)
	s.touch(a)
	put("c", 40) // b is the oldest
	s.grow(a, 60)
	if got := fmt.Sprint(gone); got != "[b c]" || s.size() != 100 {
		t.Errorf("gone %v, %d bytes; want [b c], 100", gone, s.size())
	}
	put("d", 1000) // larger than the shelf
	if got := fmt.Sprint(gone); got != "[b c a]" || s.size() != 1000 {
		t.Errorf("gone %v, %d bytes; want [b c a], 1000", gone, s.size())
	}
	s.grow(a, 10)
	if s.size() != 1000 {
		t.Errorf("what has gone is counted: %d bytes", s.size())
	}
}
