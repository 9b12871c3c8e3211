package infer

import (
	"bytes"
	"path/filepath"
	"slices"
	"testing"

	"github.com/octet-dnn/octet/calibrate"
	"github.com/octet-dnn/octet/dnnl"
	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// TestLanes runs single images of INT8 networks on teams whose threads have
// lanes, and on one thread: the answers are the same to the byte. A row too few or too
// early shows in all.
func TestLanes(t *testing.T) {
	const images = 12
	for _, net := range []string{"resnet", "mobilenet"} {
		t.Run(net, func(t *testing.T) {
			m, err := model.Load(filepath.Join("..", "testdata", "demo", net))
			if err != nil {
				t.Fatal(err)
			}
			m.Program.Blocks[0].Var("image").Dims = []int64{-1, 3, 112, 112} // maps with rows for several bands
			in, _ := demoInputs(t, m, 112)
			batch := repeated(t, in, images)
			g := quantised(t, m, in, calibrate.Options{FirstConvINT8: true})
			one, err := Compile(g, Options{Streams: 1, Threads: 1})
			if err != nil {
				t.Fatal(err)
			}
			defer one.Close()
			for _, threads := range []int{2, 3} {
				team, err := Compile(g, Options{Streams: 1, Threads: threads, Mode: Latency})
				if err != nil {
					t.Fatal(err)
				}
				defer team.Close()
				for i := range images {
					image := imagesOf(batch, i, 1)
					want := runs(t, one, image)
					for run := range 4 {
						if !slices.EqualFunc(runs(t, team, image), want, sameData) {
							t.Errorf("%d threads, image %d, run %d: other bytes than with one thread", threads, i, run)
						}
					}
				}
				checkLanes(t, team, threads)
			}
		})
	}
}

func runs(t *testing.T, p *Predictor, in []*model.Tensor) []*model.Tensor {
	t.Helper()
	out, err := p.Run(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func sameData(a, b *model.Tensor) bool { return bytes.Equal(a.Data, b.Data) }

// checkLanes looks at the plan of one image: every lane has steps, they meet, and
// none of them uses bytes that a step of another lane uses between the same fences.
// Bands as large as each other have one primitive.
func checkLanes(t *testing.T, p *Predictor, threads int) {
	t.Helper()
	pl, err := p.plans.get(planKey{p.geometries[0].family, 1, threads})
	if err != nil {
		t.Fatal(err)
	}
	defer pl.release()
	lanes, met, shared := map[int]bool{}, 0, 0
	begin := 0
	for i, s := range pl.steps {
		lanes[s.lane] = true
		if s.fence {
			met++
		}
		if s.fence || s.lane == 0 {
			begin = i
		}
		for _, before := range pl.steps[begin:i] {
			if before.lane == s.lane || before.lane == 0 {
				continue
			}
			if before.prim == s.prim {
				shared++
			}
			for _, a := range s.args {
				for _, b := range before.args {
					if a.t.store != nil && b.t.store != nil && overlapInArena(pl, a, b) {
						t.Errorf("%q and %q, in lanes %d and %d without a fence, share bytes of the arena", before.layer, s.layer, before.lane, s.lane)
					}
				}
			}
		}
	}
	if len(lanes) != threads+1 || met == 0 {
		t.Errorf("lanes %v and %d fences in the plan for %d threads", lanes, met, threads)
	}
	if shared == 0 {
		t.Error("no two lanes share the primitive of a layer")
	}
}

// overlapInArena reports whether a and b lie upon each other, and not both are read only.
func overlapInArena(p *plan, a, b arg) bool {
	writes := func(a arg) bool { return a.arg == dnnl.ArgDst || a.arg == dnnl.ArgScratchpad }
	x, y := p.offset(a.t), p.offset(b.t)
	return (writes(a) || writes(b)) && x < y+b.t.desc.Size() && y < x+a.t.desc.Size()
}

func TestBands(t *testing.T) {
	tests := []struct {
		name                               string
		height, kernel, stride, pad, lanes int
		rows                               int
		want                               []band
	}{
		{"1x1", 14, 1, 1, 0, 2, 14, []band{{0, 7, 0, 7, 0, 0}, {7, 14, 7, 14, 0, 0}}},
		{"3x3", 14, 3, 1, 1, 2, 14, []band{{0, 7, 0, 8, 1, 0}, {7, 14, 6, 14, 0, 1}}},
		{"3x3, stride 2", 28, 3, 2, 1, 2, 14, []band{{0, 7, 0, 14, 1, 0}, {7, 14, 13, 28, 0, 0}}},
		{"1x1, stride 2", 28, 1, 2, 0, 2, 14, []band{{0, 7, 0, 13, 0, 0}, {7, 14, 14, 27, 0, 0}}},
		{"7x7, three lanes", 21, 7, 1, 3, 3, 21, []band{{0, 7, 0, 10, 3, 0}, {7, 14, 4, 17, 0, 0}, {14, 21, 11, 21, 0, 3}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := &convolution{
				x: &tensor{dims: []int{1, 8, tt.height, 5}}, y: &tensor{dims: []int{1, 8, tt.rows, 5}},
				window: graph.Window{Kernel: [2]int{tt.kernel, 1}, Strides: [2]int{tt.stride, 1},
					Dilations: [2]int{1, 1}, Pads: [4]int{tt.pad, tt.pad, 0, 0}},
			}
			got := c.bands(tt.lanes)
			if len(got) != len(tt.want) {
				t.Fatalf("got %v, want %v", got, tt.want)
			}
			for i := range got {
				if got[i] != tt.want[i] {
					t.Errorf("band %d: got %v, want %v", i, got[i], tt.want[i])
				}
			}
		})
	}
}
