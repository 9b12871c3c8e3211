package accept

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/octet-dnn/octet/calibrate"
	"github.com/octet-dnn/octet/dataset"
	"github.com/octet-dnn/octet/infer"
	"github.com/octet-dnn/octet/internal/eval"
	"github.com/octet-dnn/octet/model"
)

// demoFolder holds the models and pictures that ship with Octet.
const demoFolder = "../../testdata/demo"

// A subject is a model that is written for other engines, with pictures to
// calibrate it and pictures to run.
type subject struct {
	name   string
	model  *model.Model
	preset dataset.Preset
	train  *dataset.Loader
	images *model.Tensor
	labels []int64
	file   string // holds the images, as bare numbers
}

// subjects are the demo's models and, where there is reference data, the real
// ones, with so many pictures each.
func subjects(t *testing.T, demo, real int, test func(t *testing.T, s *subject)) {
	demoSubjects(t, demo, test)
	for _, n := range nets {
		t.Run(n.name, func(t *testing.T) {
			m := n.load(t)
			train, val := pictures(t, "train_list.txt").Spread(100), pictures(t, "val_list.txt").Spread(real)
			test(t, newSubject(t, n.name, m, n.preset, loader(t, train, n.preset, 10), loader(t, val, n.preset.NoResize(), real)))
		})
	}
}

func demoSubjects(t *testing.T, demo int, test func(t *testing.T, s *subject)) {
	for _, name := range []string{"resnet", "mobilenet"} {
		t.Run("demo "+name, func(t *testing.T) {
			folder := filepath.Join(demoFolder, name)
			preset, err := dataset.LoadPreset(filepath.Join(folder, dataset.PresetFile))
			if err != nil {
				t.Fatal(err)
			}
			list := func(file string) *dataset.List {
				l, err := dataset.Open(filepath.Join(demoFolder, "data"), file, dataset.ListOptions{})
				if err != nil {
					t.Fatal(err)
				}
				return l
			}
			m, err := model.Load(folder)
			if err != nil {
				t.Fatal(err)
			}
			val := list("val_list.txt").Spread(demo)
			test(t, newSubject(t, name, m, preset, loader(t, list("train_list.txt"), preset, 20), loader(t, val, preset, demo)))
		})
	}
}

func newSubject(t *testing.T, name string, m *model.Model, preset dataset.Preset, train, val *dataset.Loader) *subject {
	t.Helper()
	s := &subject{name: name, model: m, preset: preset, train: train, file: filepath.Join(t.TempDir(), "images")}
	for b, err := range val.Batches(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if s.images != nil {
			t.Fatal("more pictures than one batch")
		}
		s.images = &model.Tensor{DType: b.Images.DType, Dims: b.Images.Dims, Data: bytes.Clone(b.Images.Data)}
		s.labels = append(s.labels, b.Labels.Int64s()...)
		b.Release()
	}
	if err := os.WriteFile(s.file, s.images.Data, 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

// calibrated samples the pictures and returns the calibrator.
// pixelsOf describes the pixels of what a preset makes.
func pixelsOf(p dataset.Preset) *calibrate.Pixels {
	scale, shift := p.Pixels()
	return &calibrate.Pixels{Scale: scale, Shift: shift}
}

func (s *subject) calibrated(t *testing.T, o calibrate.Options) *calibrate.Calibrator {
	t.Helper()
	o.Runner = infer.NewRunner
	c, err := calibrate.New(s.model, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	sample(t, c, s.model, s.train)
	return c
}

// saved saves the INT8 model of c as a pair of files, and returns the beginning of
// their names and the model as it comes back.
func saved(t *testing.T, c *calibrate.Calibrator) (prefix string, m *model.Model) {
	t.Helper()
	prefix = filepath.Join(t.TempDir(), "int8")
	if err := c.SaveINT8Model(prefix + ".pdmodel"); err != nil {
		t.Fatal(err)
	}
	m, err := model.Load(prefix)
	if err != nil {
		t.Fatal(err)
	}
	return prefix, m
}

// probabilities runs m on the pictures.
func (s *subject) probabilities(t *testing.T, m *model.Model) []float32 {
	t.Helper()
	p, err := infer.NewPredictor(m, infer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	out, err := p.Run(t.Context(), s.inputs(t, m))
	if err != nil {
		t.Fatal(err)
	}
	rows, _ := eval.Probabilities(out, len(s.labels))
	return rows
}

// inputs are what m takes for the pictures, with labels of 0 where it wants some.
func (s *subject) inputs(t *testing.T, m *model.Model) []*model.Tensor {
	t.Helper()
	feeds, err := eval.FeedsOf(m.Program)
	if err != nil {
		t.Fatal(err)
	}
	labels, err := model.Int64Tensor(make([]int64, len(s.labels)), int64(len(s.labels)), 1)
	if err != nil {
		t.Fatal(err)
	}
	in, err := feeds.Inputs(s.images, labels)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

// pythonOf returns the Python that variable names, or skips: word says in the
// log what is missing. Where OCTET_REQUIRE is set it fails instead, as
// refdata.Path does.
func pythonOf(t *testing.T, variable, word string) string {
	t.Helper()
	python := os.Getenv(variable)
	if python == "" {
		if os.Getenv("OCTET_REQUIRE") != "" {
			t.Fatalf("%s names no Python", variable)
		}
		t.Skipf("%s: %s names no Python", word, variable)
	}
	return python
}

// runPython runs a script of testdata/written on the pictures and returns its
// last line. It writes a file for each mode, see readRows.
func (s *subject) runPython(t *testing.T, python, script, model, out string, modes ...string) string {
	t.Helper()
	return runScript(t, python, script, append([]string{model, s.file, s.shape(), out}, modes...)...)
}

// shape is that of the pictures, as the scripts take it.
func (s *subject) shape() string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(s.images.Dims), " ", ","), "[]")
}

// runScript runs a script of testdata/written and returns its last line.
func runScript(t *testing.T, python, script string, args ...string) string {
	t.Helper()
	args = append([]string{filepath.Join("../../testdata/written", script)}, args...)
	text, err := exec.CommandContext(t.Context(), python, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", python, strings.Join(args, " "), err, text)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return lines[len(lines)-1]
}

func readRows(t *testing.T, file string, want int) []float32 {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	rows := (&model.Tensor{DType: model.FP32, Dims: []int64{int64(len(data) / 4)}, Data: data}).Float32s()
	if len(rows) != want {
		t.Fatalf("%s holds %d numbers: want %d", file, len(rows), want)
	}
	return rows
}

// A likeness says how close the rows of two engines are.
type likeness struct {
	cosine   float64 // over all rows
	agree    int     // rows with the same largest element
	topA     int     // rows that are right
	topB     int
	images   int
	farthest float64 // of rows that do not agree, the largest lead of a's favourite over b's
}

func (s *subject) compare(a, b []float32) likeness {
	l := likeness{images: len(s.labels)}
	var aa, ab, bb float64
	for i := range a {
		aa, ab, bb = aa+float64(a[i])*float64(a[i]), ab+float64(a[i])*float64(b[i]), bb+float64(b[i])*float64(b[i])
	}
	l.cosine = ab / math.Sqrt(aa*bb)
	classes := len(a) / l.images
	for i, label := range s.labels {
		p, q := a[i*classes:(i+1)*classes], b[i*classes:(i+1)*classes]
		top, other := eval.Top(p, 1)[0], eval.Top(q, 1)[0]
		if top == other {
			l.agree++
		} else {
			l.farthest = max(l.farthest, float64(p[top]-p[other]))
		}
		if top == int(label) {
			l.topA++
		}
		if other == int(label) {
			l.topB++
		}
	}
	return l
}

func (l likeness) String() string {
	return fmt.Sprintf("cosine %.6f, same top-1 %d of %d (others within %.3f), right %d and %d", l.cosine, l.agree, l.images, l.farthest, l.topA, l.topB)
}
