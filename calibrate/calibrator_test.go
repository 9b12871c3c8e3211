package calibrate

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// variants are the ways to choose thresholds.
var variants = []Options{{Algorithm: Max}, {Algorithm: KL}, {Algorithm: Auto}, {Algorithm: KL, Compat: Paddle13}, {Algorithm: Max, Compat: Paddle13}}

// From a model and samples to an INT8 model in a folder, for every network and
// algorithm: it loads to the same graph, and computes nearly the same as FP32.
func TestCalibrateAndSave(t *testing.T) {
	for name := range nets {
		for _, o := range variants {
			t.Run(fmt.Sprintf("%s/%s%s", name, o.Algorithm, o.Compat), func(t *testing.T) {
				c := newTestCalibrator(t, name, o)
				batches := images(t, 1, 4, 1)
				sampleAll(t, c, batches)
				q, err := c.INT8Graph()
				if err != nil {
					t.Fatal(err)
				}
				checkInvariants(t, q)
				dir := filepath.Join(t.TempDir(), "int8")
				if err := c.SaveINT8Model(dir); err != nil {
					t.Fatal(err)
				}
				m, err := model.Load(dir)
				if err != nil {
					t.Fatal(err)
				}
				back, err := graph.Build(m)
				if err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(dump(q), dump(back)); d != "" {
					t.Errorf("saved and loaded (-before +after):\n%s", d)
				}
				checkSavedTable(t, filepath.Join(dir, TableFile), mustTable(t, c), asModel(t, name))
				if o.Compat == None {
					checkCloseness(t, nets[name](t), back, batches[0])
				}
				if err := c.SaveINT8Model(dir); !errors.Is(err, fs.ErrExist) {
					t.Errorf("saving over it: %v, want fs.ErrExist", err)
				}
				if err := c.SaveINT8Model(dir, model.WithOverwrite()); err != nil {
					t.Errorf("saving over it with WithOverwrite: %v", err)
				}
			})
		}
	}
}

func checkSavedTable(t *testing.T, file string, want *Table, m *model.Model) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	got, err := ParseTable(f)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("saved table (-want +got):\n%s", d)
	}
	if err := got.CheckModel(m); err != nil {
		t.Error(err)
	}
}

// checkCloseness compares the outputs of the INT8 graph with those of the FP32
// one. The noise of 8 bits in networks this small and random stays below 6 % of the
// signal; a scale that is wrong anywhere gives 20 % and more.
func checkCloseness(t *testing.T, fp32, quantised *graph.Graph, in []*model.Tensor) {
	t.Helper()
	want, err := runReference(fp32, in)
	if err != nil {
		t.Fatal(err)
	}
	got, err := runReference(quantised, in)
	if err != nil {
		t.Fatal(err)
	}
	for i, o := range fp32.Outputs {
		var noise, signal float64
		g := got[logits(quantised.Outputs[i].Value)].Data
		for j, w := range want[logits(o.Value)].Data {
			noise += (g[j] - w) * (g[j] - w)
			signal += w * w
		}
		if r := math.Sqrt(noise / signal); !(r < 0.06) {
			t.Errorf("output %q: noise is %.4f of the signal", o.Name, r)
		}
	}
}

// logits looks behind a softmax, which turns small differences into large ones.
func logits(v *graph.Value) *graph.Value {
	if _, ok := v.Producer.Op.(*graph.Softmax); ok {
		return v.Producer.In[0]
	}
	return v
}

// The table depends neither on the order of the batches nor on their size, but
// for Paddle13, which counts batches.
func TestTableIsOrderFree(t *testing.T) {
	for _, o := range variants {
		t.Run(string(o.Algorithm)+string(o.Compat), func(t *testing.T) {
			batches := images(t, 2, 6, 1)
			a, b := newTestCalibrator(t, "inception", o), newTestCalibrator(t, "inception", o)
			sampleAll(t, a, batches)
			for i := range batches {
				sampleAll(t, b, [][]*model.Tensor{batches[len(batches)-1-i]})
				if i == 2 {
					mustTable(t, b) // asking in between changes nothing
				}
			}
			if d := cmp.Diff(mustTable(t, a), mustTable(t, b)); d != "" {
				t.Errorf("tables of two orders differ:\n%s", d)
			}
		})
	}
}

// The second pass gives what observing the activations directly gives.
func TestSecondPass(t *testing.T) {
	dir := t.TempDir()
	c := newTestCalibrator(t, "mobilenet", Options{Algorithm: KL, Compat: Paddle13, TempDir: dir})
	batches := images(t, 3, 5, 2)
	sampleAll(t, c, batches)
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("the samples kept have a name: %v", left)
	}
	table := mustTable(t, c)
	seen := make(map[string][][]float32)
	r, err := newRefRunner(refRunner{}, nil)(c.graph, names(c.tensors))
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range batches {
		seen["image"] = append(seen["image"], b[0].Float32s())
		if _, err := r.Run(t.Context(), b, func(a Activation) error {
			if a.Name != "image" {
				seen[a.Name] = append(seen[a.Name], a.Data)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	for _, e := range table.Entries {
		if want := paddleKL(paddlePasses(t, seen[e.Name]...), len(batches)); e.Threshold != want {
			t.Errorf("%s: threshold %v, want %v", e.Name, e.Threshold, want)
		}
	}
	// Paddle samples what poolings give as well.
	if _, ok := table.Lookup("avg"); !ok || len(seen) != len(table.Entries) {
		t.Errorf("%d tensors seen, %d in the table, avg among them: %v", len(seen), len(table.Entries), ok)
	}
}

func names(tensors []watched) (list []string) {
	for _, w := range tensors {
		list = append(list, w.name)
	}
	return list
}

// A batch that fails leaves no trace: the table is as if it had not been there.
func TestFailedBatchesDoNotCount(t *testing.T) {
	batches := images(t, 4, 3, 1)
	bad := images(t, 5, 1, 1)[0]
	bad[0].Float32s()[17] = float32(math.NaN())
	poison := func(tensor string) func(string, []float32) (string, []float32) {
		n := 0
		return func(name string, data []float32) (string, []float32) {
			if name == tensor {
				if n++; n == 2 {
					data[5] = float32(math.Inf(-1))
				}
			}
			return name, data
		}
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, o := range variants {
		reference := newTestCalibrator(t, "resnet", o)
		sampleAll(t, reference, batches)
		want := mustTable(t, reference)
		for _, c := range []struct {
			name  string
			hooks refRunner
			ctx   context.Context
			in    []*model.Tensor
			want  error
			text  string
		}{
			{"runner fails", refRunner{before: failOn(2)}, t.Context(), batches[1], errPower, "batch 1"},
			{"canceled", refRunner{}, canceled, batches[1], context.Canceled, "batch 1"},
			{"NaN in the input", refRunner{}, t.Context(), bad, ErrNotFinite, `image 0 of the batch: input "image": element 17`},
			{"infinity inside", refRunner{show: poison("b_sum")}, t.Context(), batches[1], ErrNotFinite, `image 0 of the batch: tensor "b_sum" of layer conv "b_sum": element 5`},
			{"no inputs", refRunner{}, t.Context(), nil, graph.ErrShape, "0 inputs"},
			{"nil input", refRunner{}, t.Context(), []*model.Tensor{nil}, graph.ErrShape, `"image"`},
		} {
			t.Run(fmt.Sprintf("%s%s/%s", o.Algorithm, o.Compat, c.name), func(t *testing.T) {
				o := o
				o.Runner = newRefRunner(c.hooks, nil)
				cal := newTestCalibrator(t, "resnet", o)
				sampleAll(t, cal, batches[:1])
				if _, err := cal.Sample(c.ctx, c.in); !errors.Is(err, c.want) || !strings.Contains(fmt.Sprint(err), c.text) {
					t.Fatalf("error %v, want %v about %s", err, c.want, c.text)
				}
				sampleAll(t, cal, batches[1:])
				if d := cmp.Diff(want, mustTable(t, cal)); d != "" {
					t.Errorf("the failed batch left something:\n%s", d)
				}
			})
		}
	}
}

func TestRunnerContract(t *testing.T) {
	rename := func(name string, data []float32) (string, []float32) {
		if name == "conv1" {
			name = "conv99"
		}
		return name, data
	}
	for _, c := range []struct {
		name  string
		hooks refRunner
		text  string
	}{
		{"shows another tensor", refRunner{show: rename}, `"conv99"`},
		{"leaves one out", refRunner{skip: "b_1"}, `showed tensor "b_1" of 0 of 1 images`},
	} {
		t.Run(c.name, func(t *testing.T) {
			cal := newTestCalibrator(t, "resnet", Options{Runner: newRefRunner(c.hooks, nil)})
			_, err := cal.Sample(t.Context(), images(t, 1, 1, 1)[0])
			if !errors.Is(err, ErrRunner) || !strings.Contains(fmt.Sprint(err), c.text) {
				t.Errorf("error %v, want ErrRunner about %s", err, c.text)
			}
		})
	}
	t.Run("differs in the second pass", func(t *testing.T) {
		runs := 0
		drift := func(name string, data []float32) (string, []float32) {
			if runs > 1 && name == "conv1" {
				data[0] = 1000
			}
			return name, data
		}
		cal := newTestCalibrator(t, "resnet", Options{
			Algorithm: KL, Compat: Paddle13,
			Runner: newRefRunner(refRunner{before: func() error { runs++; return nil }, show: drift}, nil),
		})
		sampleAll(t, cal, images(t, 1, 1, 1))
		if _, err := cal.Table(); !errors.Is(err, ErrRunner) || !strings.Contains(fmt.Sprint(err), `"conv1"`) {
			t.Errorf("error %v, want ErrRunner about conv1", err)
		}
	})
}

func TestCalibratorLife(t *testing.T) {
	closed := 0
	c := newTestCalibrator(t, "resnet", Options{Runner: newRefRunner(refRunner{closed: &closed}, nil)})
	if _, err := c.Table(); !errors.Is(err, ErrNoSamples) {
		t.Errorf("table without samples: %v, want ErrNoSamples", err)
	}
	if err := c.SaveINT8Model(filepath.Join(t.TempDir(), "x")); !errors.Is(err, ErrNoSamples) {
		t.Errorf("save without samples: %v, want ErrNoSamples", err)
	}
	out, err := c.Sample(t.Context(), images(t, 1, 1, 2)[0])
	if err != nil {
		t.Fatal(err)
	}
	if len(out) != 1 || out[0].Len() != 20 {
		t.Errorf("fetches %v, want one of 2 × 10", out)
	}
	table := mustTable(t, c)
	table.Entries[0].Threshold = -1
	if again := mustTable(t, c); again.Entries[0].Threshold == -1 {
		t.Error("the table given out is the Calibrator's own")
	}
	for range 2 {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if closed != 1 {
		t.Errorf("the runner was closed %d times", closed)
	}
	if _, err := c.Sample(t.Context(), nil); !errors.Is(err, ErrClosed) {
		t.Errorf("sample after close: %v, want ErrClosed", err)
	}
	if _, err := c.Table(); !errors.Is(err, ErrClosed) {
		t.Errorf("table after close: %v, want ErrClosed", err)
	}
}

func TestNewErrors(t *testing.T) {
	run := newRefRunner(refRunner{}, nil)
	noConv := model.New()
	noConv.Program.Blocks[0].AddFeed("x", model.FP32, -1, 4)
	noConv.Program.Blocks[0].AddTensor("y", model.FP32, -1, 4)
	noConv.Program.Blocks[0].AddOp("relu", model.Slots("X", "x"), model.Slots("Out", "y"))
	noConv.Program.Blocks[0].AddFetch("y")
	for _, c := range []struct {
		name string
		m    *model.Model
		o    Options
		want error
	}{
		{"no runner", asModel(t, "resnet"), Options{}, ErrOptions},
		{"algorithm", asModel(t, "resnet"), Options{Runner: run, Algorithm: "mean"}, ErrOptions},
		{"nothing to quantise", noConv, Options{Runner: run}, graph.ErrUnsupported},
		{"no folder for samples", asModel(t, "resnet"),
			Options{Runner: run, Algorithm: KL, Compat: Paddle13, TempDir: "/nonexistent/folder"}, fs.ErrNotExist},
		{"runner", asModel(t, "resnet"),
			Options{Runner: func(*graph.Graph, []string) (Runner, error) { return nil, errPower }}, errPower},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := New(c.m, c.o); !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
		})
	}
	for _, name := range []string{"MAX", "kl", "Kl", ""} {
		if _, err := Algorithm(name).normal(); err != nil {
			t.Errorf("algorithm %q: %v", name, err)
		}
	}
}

// Many goroutines may share a Calibrator; the result is that of one.
func TestSampleConcurrently(t *testing.T) {
	batches := images(t, 6, 8, 1)
	alone, together := newTestCalibrator(t, "mobilenet", Options{Algorithm: KL}), newTestCalibrator(t, "mobilenet", Options{Algorithm: KL})
	sampleAll(t, alone, batches)
	var wg sync.WaitGroup
	for _, b := range batches {
		wg.Go(func() {
			if _, err := together.Sample(t.Context(), b); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if d := cmp.Diff(mustTable(t, alone), mustTable(t, together)); d != "" {
		t.Errorf("tables differ:\n%s", d)
	}
}

// A constant runner shows the same values without computing them.
type constantRunner struct {
	watch []string
	data  []float32
}

func (r constantRunner) Run(_ context.Context, _ []*model.Tensor, observe func(Activation) error) ([]*model.Tensor, error) {
	for _, name := range r.watch {
		if err := observe(Activation{Name: name, Image: AllImages, Data: r.data}); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

func (constantRunner) Close() error { return nil }

// Memory does not grow with the samples, nor with their size.
func TestMemoryIsConstant(t *testing.T) {
	for _, o := range variants {
		t.Run(string(o.Algorithm)+string(o.Compat), func(t *testing.T) {
			data := draw(1, 20_000, relu6(0, 1))
			o.Runner = func(_ *graph.Graph, watch []string) (Runner, error) { return constantRunner{watch, data}, nil }
			c := newTestCalibrator(t, "resnet", o)
			in := images(t, 1, 1, 8)
			heap := func(samples int) uint64 {
				for range samples {
					sampleAll(t, c, in)
				}
				runtime.GC()
				runtime.GC() // the first one only moves pools aside
				var s runtime.MemStats
				runtime.ReadMemStats(&s)
				return s.HeapAlloc
			}
			few, many := heap(10), heap(500)
			// 500 samples hold 12 MB of inputs and 400 MB of activations.
			if many > few+4<<20 {
				t.Errorf("heap of %d KiB after 10 samples, %d KiB after 510", few>>10, many>>10)
			}
		})
	}
}

// TestNewRefusesINT8 checks that a quantised model is refused before anything
// is sampled.
func TestNewRefusesINT8(t *testing.T) {
	b := model.New()
	block := b.Program.Blocks[0]
	block.AddFeed("x", model.FP32, -1, 2, 4, 4)
	block.AddTensor("q", model.UInt8)
	block.AddOp("quantize", model.Slots("Input", "x"), model.Slots("Output", "q"), model.FloatAttr("Scale", 10))
	block.AddTensor("y", model.FP32)
	block.AddOp("dequantize", model.Slots("Input", "q"), model.Slots("Output", "y"), model.FloatAttr("Scale", 10))
	block.AddFetch("y")
	if _, err := New(b, Options{Runner: newRefRunner(refRunner{}, nil)}); !errors.Is(err, ErrMismatch) {
		t.Errorf("error %v, want ErrMismatch", err)
	}
}
