package infer

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/octet-dnn/octet/calibrate"
	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// TestStagesGiveTheSameBytes runs INT8 networks with every cut that a cache
// between nothing and everything leads to. Their arithmetic is exact up to the
// last layers, so that the cut must not show in a single byte.
func TestStagesGiveTheSameBytes(t *testing.T) {
	for _, net := range []string{"resnet", "mobilenet"} {
		t.Run(net, func(t *testing.T) {
			m, err := model.Load(filepath.Join("..", "testdata", "demo", net))
			if err != nil {
				t.Fatal(err)
			}
			in, _ := demoInputs(t, m, 48)
			g := quantised(t, m, in, calibrate.Options{FirstConvINT8: true})
			batch := repeated(t, in, 24)
			var want [][]byte
			seen, strips := map[int]bool{}, map[bool]bool{}
			for cache := 1 << 10; cache <= 1<<24; cache *= 4 {
				p, err := Compile(g, Options{Streams: 1, Threads: 1, MicroBatch: 16, CacheBytes: cache})
				if err != nil {
					t.Fatal(err)
				}
				out, err := p.Run(t.Context(), batch)
				if err != nil {
					t.Fatal(err)
				}
				seen[cuts(t, p, 16)] = true
				strips[stripped(t, p, 16)] = true
				for i, o := range out {
					if len(want) <= i {
						want = append(want, o.Data)
					}
					if !bytes.Equal(o.Data, want[i]) {
						t.Errorf("CacheBytes %d: output %d differs from that with %d", cache, i, 1<<10)
					}
				}
				p.Close()
			}
			if len(seen) < 3 {
				t.Errorf("numbers of stages %v: want 3 different ones at least", seen)
			}
			if net == "resnet" && len(strips) < 2 {
				t.Errorf("branches in strips: %v, want both", strips)
			}
		})
	}
}

// TestStagesOfAnyNumberOfImages runs what only a team does: plans for numbers of images
// that are no powers of two, with every cut.
func TestStagesOfAnyNumberOfImages(t *testing.T) {
	m, err := model.Load(filepath.Join("..", "testdata", "demo", "resnet"))
	if err != nil {
		t.Fatal(err)
	}
	in, _ := demoInputs(t, m, 48)
	g := quantised(t, m, in, calibrate.Options{FirstConvINT8: true})
	for _, n := range []int{5, 6, 15} {
		batch := repeated(t, in, n)
		var want []byte
		for _, mode := range []Mode{Throughput, Latency} {
			for cache := 1 << 10; cache <= 1<<20; cache *= 4 {
				p, err := Compile(g, Options{Mode: mode, Streams: 2, Threads: 2, CacheBytes: cache})
				if err != nil {
					t.Fatal(err)
				}
				out, err := p.Run(t.Context(), batch)
				if err != nil {
					t.Fatal(err)
				}
				if want == nil {
					want = out[0].Data
				}
				if !bytes.Equal(out[0].Data, want) {
					t.Errorf("%d images, mode %v, CacheBytes %d: the output differs from that of streams", n, mode, cache)
				}
				if err := p.Close(); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

func quantised(t *testing.T, m *model.Model, in []*model.Tensor, o calibrate.Options) *graph.Graph {
	t.Helper()
	o.Runner = NewRunner
	c, err := calibrate.New(m, o)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Sample(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	g, err := c.INT8Graph()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// repeated makes a batch of n images of those of in, each darker than the one before, all of class 0.
func repeated(t *testing.T, in []*model.Tensor, n int) []*model.Tensor {
	t.Helper()
	var batch []*model.Tensor
	for _, x := range in {
		dims := append([]int64{int64(n)}, x.Dims[1:]...)
		elems := n
		for _, d := range x.Dims[1:] {
			elems *= int(d)
		}
		y := &model.Tensor{DType: x.DType, Dims: dims, Data: make([]byte, elems*x.DType.Size())}
		if from := x.Float32s(); from != nil {
			for i := range y.Float32s() {
				y.Float32s()[i] = from[i%len(from)] * float32(n-i*n/elems) / float32(n)
			}
		}
		batch = append(batch, y)
	}
	return batch
}

// cuts returns the number of stages of a plan of n images.
func cuts(t *testing.T, p *Predictor, n int) int {
	t.Helper()
	g := p.geometries[0]
	one, err := graph.InferShapes(p.body.graph, g.family.at(1, true))
	if err != nil {
		t.Fatal(err)
	}
	return len(p.body.stages(one, n, p.opts.CacheBytes))
}

// stripped reports whether the plan of n images computes a branch in strips.
func stripped(t *testing.T, p *Predictor, n int) bool {
	t.Helper()
	pl, err := p.plans.get(planKey{p.geometries[0].family, n, 1})
	if err != nil {
		t.Fatal(err)
	}
	defer pl.release()
	return slices.ContainsFunc(pl.steps, func(s step) bool {
		return slices.ContainsFunc(s.args, func(a arg) bool { return a.t.skip > 0 })
	})
}

// TestStagesGrow checks the promise that the expansion rests on.
func TestStagesGrow(t *testing.T) {
	p := newTiny(t, Options{})
	defer p.Close()
	one, err := graph.InferShapes(p.body.graph, []graph.Shape{{1, 3, 16, 16}})
	if err != nil {
		t.Fatal(err)
	}
	for cache := 1; cache < 1<<22; cache *= 2 {
		stages, layers := p.body.stages(one, 16, cache), 0
		for i, s := range stages {
			layers += len(s.layers)
			if s.images < 1 || s.images > 16 || i > 0 && s.images <= stages[i-1].images {
				t.Errorf("cache %d: stage %d has %d images", cache, i, s.images)
			}
			if s.images > 1 {
				for _, l := range s.layers {
					if hot := p.body.hot(l, one); s.images*hot > cache {
						t.Errorf("cache %d: %s of %d images reads and writes %d bytes", cache, l.Name, s.images, s.images*hot)
					}
				}
			}
		}
		if layers != len(p.body.graph.Layers) {
			t.Errorf("cache %d: %d layers in the stages, %d in the body", cache, layers, len(p.body.graph.Layers))
		}
	}
}

func TestSecondLevelCache(t *testing.T) {
	dir := t.TempDir()
	write := func(index int, level, typ, size string) {
		d := filepath.Join(dir, fmt.Sprintf("index%d", index))
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{"level": level, "type": typ, "size": size} {
			if err := os.WriteFile(filepath.Join(d, name), []byte(text+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := secondLevel(dir); n != cacheUnknown {
		t.Errorf("nothing known: %d, want %d", n, cacheUnknown)
	}
	write(0, "1", "Data", "48K")
	write(1, "2", "Instruction", "64K")
	write(2, "2", "Unified", "2048K")
	if n := secondLevel(dir); n != 2<<20 {
		t.Errorf("got %d, want %d", n, 2<<20)
	}
}
