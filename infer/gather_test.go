package infer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/octet-dnn/octet/calibrate"
	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// TestGather plays micro-batches of two streams and at most four images on
// requests that are only counted, and writes each as "request:images".
func TestGather(t *testing.T) {
	chunk := (&Predictor{opts: Options{Streams: 2, MicroBatch: 4}, body: &body{separable: true}}).chunk
	for _, c := range []struct {
		name  string
		batch []int // of the requests a, b, c, …
		other string
		alone string
		want  string
	}{
		{name: "one image", batch: []int{1}, want: "a:1"},
		{name: "one request", batch: []int{7}, want: "a:4 | a:2 | a:1"},
		{name: "a single image for each stream", batch: []int{1, 1}, want: "a:1 | b:1"},
		{name: "single images", batch: []int{1, 1, 1, 1, 1, 1, 1, 1}, want: "a:1 b:1 c:1 d:1 | e:1 f:1 | g:1 | h:1"},
		{name: "small behind large", batch: []int{9, 1, 1}, want: "a:4 | b:1 c:1 a:2 | a:2 | a:1"},
		{name: "two large", batch: []int{6, 6}, want: "a:4 | b:4 | a:2 | b:1 | b:1"},
		{name: "another shape between", batch: []int{1, 1, 1, 1}, other: "b", want: "a:1 c:1 | b:1 | d:1"},
		{name: "one that is watched", batch: []int{1, 1, 1, 1}, alone: "b", want: "a:1 c:1 | b:1 | d:1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var s scheduler
			s.init(chunk, nil)
			names := map[*request]string{}
			families := [2]*family{{}, {}}
			for i, n := range c.batch {
				name := string(rune('a' + i))
				r := &request{g: &geometry{batch: n, family: families[0]}, done: make(chan struct{}, 1)}
				if name == c.other {
					r.g.family = families[1]
				}
				if name == c.alone {
					r.times = make([]int64, 1)
				}
				names[r] = name
				s.submit(r)
			}
			var got []string
			for w := (&worker{}); len(s.ring) > 0; {
				s.gather(w)
				var text []string
				for _, p := range w.pieces {
					text = append(text, fmt.Sprintf("%s:%d", names[p.r], p.n))
				}
				got = append(got, strings.Join(text, " "))
				s.finish(w, nil)
			}
			if strings.Join(got, " | ") != c.want {
				t.Errorf("got  %s\nwant %s", strings.Join(got, " | "), c.want)
			}
			for r, name := range names {
				if len(r.done) != 1 {
					t.Errorf("%s is not done", name)
				}
			}
		})
	}
}

// queue holds back the only stream of p, starts a run of each batch, and lets
// go when all wait.
func queue(t *testing.T, p *Predictor, batches [][]*model.Tensor, run func(i int, in []*model.Tensor), meanwhile func()) {
	t.Helper()
	s := &p.sched
	s.mu.Lock()
	w := s.hire()
	s.mu.Unlock()
	if w == nil || len(s.free) > 0 {
		t.Fatal("want one stream, and that free")
	}
	var wg sync.WaitGroup
	for i, in := range batches {
		wg.Go(func() { run(i, in) })
		waitFor(t, func() bool { s.mu.Lock(); defer s.mu.Unlock(); return len(s.ring) == i+1 })
	}
	if meanwhile != nil {
		meanwhile()
	}
	s.work(context.Background(), w, nil)
	wg.Wait()
}

func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(100 * time.Microsecond) {
		if time.Now().After(end) {
			t.Fatal("waited for 10 s")
		}
	}
}

// TestGatheredAnswers checks that the images of many callers, computed together,
// give each the bytes that it gets alone: INT8 sums are exact, and the FP32
// layers at the end take every image by itself.
func TestGatheredAnswers(t *testing.T) {
	for _, c := range []struct {
		name string
		net  func(t *testing.T) (*graph.Graph, []*model.Tensor)
	}{
		{"resnet", demoGraph("resnet", calibrate.Options{FirstConvINT8: true})},
		{"resnet, FP32 first", demoGraph("resnet", calibrate.Options{})},
		{"mobilenet", demoGraph("mobilenet", calibrate.Options{FirstConvINT8: true})},
	} {
		t.Run(c.name, func(t *testing.T) {
			g, in := c.net(t)
			for _, cache := range []int{0, 1 << 10} { // wide stages, and one image at a time
				p, err := Compile(g, Options{Streams: 1, Mode: Throughput, MicroBatch: 8, CacheBytes: cache})
				if err != nil {
					t.Fatal(err)
				}
				defer p.Close()
				checkGathered(t, p, in)
			}
		})
	}
}

func demoGraph(net string, o calibrate.Options) func(*testing.T) (*graph.Graph, []*model.Tensor) {
	return func(t *testing.T) (*graph.Graph, []*model.Tensor) {
		m, err := model.Load(filepath.Join("..", "testdata", "demo", net))
		if err != nil {
			t.Fatal(err)
		}
		in, _ := demoInputs(t, m, 48)
		return quantised(t, m, in, o), in
	}
}

func checkGathered(t *testing.T, p *Predictor, in []*model.Tensor) {
	t.Helper()
	sizes := []int{1, 1, 3, 1, 9, 2, 1, 1, 1, 4, 1}
	all := repeated(t, in, 25)
	var batches [][]*model.Tensor
	var want [][]*model.Tensor
	first := 0
	for _, n := range sizes {
		part := imagesOf(all, first, n)
		out, err := p.Run(t.Context(), part)
		if err != nil {
			t.Fatal(err)
		}
		batches, want, first = append(batches, part), append(want, out), first+n
	}
	queue(t, p, batches, func(i int, in []*model.Tensor) {
		got, err := p.Run(context.Background(), in)
		if err != nil {
			t.Error(err)
			return
		}
		for j := range got {
			if !bytes.Equal(got[j].Data, want[i][j].Data) {
				t.Errorf("request %d of %d images: output %d differs from that of a run alone", i, sizes[i], j)
			}
		}
	}, nil)
}

// imagesOf returns images first … first+n-1 of a batch.
func imagesOf(batch []*model.Tensor, first, n int) []*model.Tensor {
	var part []*model.Tensor
	for _, x := range batch {
		size := len(x.Data) / int(x.Dims[0])
		dims := slices.Clone(x.Dims)
		dims[0] = int64(n)
		part = append(part, &model.Tensor{DType: x.DType, Dims: dims, Data: x.Data[first*size : (first+n)*size]})
	}
	return part
}

// TestGatheredCancel ends the context of every other waiting caller: it gets its
// error before anything is computed, and the others get their answers.
func TestGatheredCancel(t *testing.T) {
	p := newTiny(t, Options{Streams: 1, Mode: Throughput})
	defer p.Close()
	var batches, want [][]*model.Tensor
	for i := range 12 {
		in := images(t, 1+i%3, uint64(i))
		out, err := p.Run(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		batches, want = append(batches, in), append(want, out)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var gone sync.WaitGroup
	gone.Add(len(batches) / 2)
	queue(t, p, batches, func(i int, in []*model.Tensor) {
		if i%2 == 1 {
			defer gone.Done()
			if _, err := p.Run(ctx, in); !errors.Is(err, context.Canceled) {
				t.Errorf("request %d: error %v, want that it was cancelled", i, err)
			}
			return
		}
		out, err := p.Run(context.Background(), in)
		if err != nil {
			t.Error(err)
			return
		}
		// Kernels for other batch sizes may sum in another order.
		if msg := compare(out[0], want[i][0], 1e-5); msg != "" {
			t.Errorf("request %d: %s", i, msg)
		}
	}, func() { cancel(); gone.Wait() })
}

// TestGatheredError checks who gets the error of a micro-batch: all who took
// part, and nobody else.
func TestGatheredError(t *testing.T) {
	p := newTiny(t, Options{Streams: 1, Mode: Throughput, MicroBatch: 4})
	defer p.Close()
	in := images(t, 1, 1)
	var batches [][]*model.Tensor
	for range 5 {
		batches = append(batches, in)
	}
	broken := errors.New("broken")
	queue(t, p, batches, func(i int, in []*model.Tensor) {
		if _, err := p.Run(context.Background(), in); errors.Is(err, broken) != (i < 4) {
			t.Errorf("request %d: error %v; the first four take part in what breaks", i, err)
		}
	}, func() {
		w := &worker{}
		p.sched.gather(w)
		p.sched.finish(w, broken)
	})
}

// TestCallerComputes checks that a lone request of one micro-batch is computed by
// its caller and leaves nothing behind for helpers.
func TestCallerComputes(t *testing.T) {
	p := newTiny(t, Options{Streams: 2, Mode: Throughput})
	defer p.Close()
	in := images(t, 1, 1)
	for range 100 {
		if _, err := p.Run(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	s := &p.sched
	s.mu.Lock()
	defer s.mu.Unlock()
	used := 0
	for _, w := range p.streams {
		if len(w.instances) > 0 {
			used++
		}
	}
	if used != 1 || len(s.free) != 2 || len(s.ring) != 0 {
		t.Errorf("%d of 2 streams were used, %d are free, %d requests wait; want 1, 2 and none", used, len(s.free), len(s.ring))
	}
}
