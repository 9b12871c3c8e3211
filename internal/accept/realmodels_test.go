package accept

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/octet-dnn/octet/calibrate"
	"github.com/octet-dnn/octet/dataset"
	"github.com/octet-dnn/octet/infer"
	"github.com/octet-dnn/octet/internal/eval"
	"github.com/octet-dnn/octet/model"
)

// TestRealModels calibrates ResNet-50 and MobileNet-V1 with real weights on real
// pictures by every algorithm, saves them, loads them again and counts what they
// get right of 780 others, beside FP32. It prints the table of the README.
func TestRealModels(t *testing.T) {
	val := pictures(t, "val_list.txt")
	var rows []eval.Row
	for _, n := range nets {
		m := n.load(t)
		// The validation pictures were resized before: only the centre is cut.
		images := loader(t, val, n.preset.NoResize(), 60)
		for _, o := range []calibrate.Options{
			{Algorithm: calibrate.Max}, {Algorithm: calibrate.KL},
			{Algorithm: calibrate.Max, Refine: true}, {Algorithm: calibrate.KL, Refine: true},
		} {
			name := string(o.Algorithm)
			if o.Refine {
				name += ", refined"
			}
			t.Run(n.name+"/"+name, func(t *testing.T) {
				q := n.quantise(t, m, pictures(t, "train_list.txt"), o)
				r := compareNets(t, m, q, images)
				rows = append(rows, eval.Row{Name: n.name + " " + name, Result: r})
				t.Logf("top-1 %d of FP32's %d, agreement %.2f %%, mean KL divergence %.5f", r.INT8.Top1Images, r.FP32.Top1Images, *r.Agreement, *r.MeanKL)
				n.judge(t, r)
			})
		}
	}
	if err := eval.WriteTable(os.Stdout, rows); err != nil {
		t.Error(err)
	}
}

// judge holds the result against what the project promises.
func (n net) judge(t *testing.T, r *eval.Result) {
	t.Helper()
	near := func(a, b int) bool { return a-b <= 1 && b-a <= 1 }
	if !near(r.FP32.Top1Images, n.top1) || !near(r.FP32.Top5Images, n.top5) {
		t.Errorf("FP32 is right on %d and %d of %d pictures: Paddle on %d and %d", r.FP32.Top1Images, r.FP32.Top5Images, r.Images, n.top1, n.top5)
	}
	if r.INT8.Top1Images < n.least {
		t.Errorf("INT8 is right on %d of %d pictures: want %d", r.INT8.Top1Images, r.Images, n.least)
	}
}

// quantise calibrates m on the pictures of a list and returns the INT8 model as
// it comes back from disk.
func (n net) quantise(t *testing.T, m *model.Model, list *dataset.List, o calibrate.Options) *model.Model {
	t.Helper()
	o.Runner = infer.NewRunner
	c, err := calibrate.New(m, o)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	sample(t, c, m, loader(t, list, n.preset, 8))
	dir := filepath.Join(t.TempDir(), "int8")
	if err := c.SaveINT8Model(dir); err != nil {
		t.Fatal(err)
	}
	q, err := model.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// sample shows all pictures of d to c.
func sample(t *testing.T, c *calibrate.Calibrator, m *model.Model, d *dataset.Loader) {
	t.Helper()
	feeds, err := eval.FeedsOf(m.Program)
	if err != nil {
		t.Fatal(err)
	}
	for b, err := range d.Batches(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		in, err := feeds.Inputs(b.Images, b.Labels)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Sample(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		b.Release()
	}
}

func compareNets(t *testing.T, fp32, int8 *model.Model, images *dataset.Loader) *eval.Result {
	t.Helper()
	subject := func(m *model.Model) *eval.Net {
		p, err := infer.NewPredictor(m, infer.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { p.Close() })
		return &eval.Net{Name: m.Name, Program: m.Program, Runner: p, Loader: images}
	}
	r, err := eval.Run(t.Context(), subject(fp32), subject(int8), nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
