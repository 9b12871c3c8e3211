package accept

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/octet-dnn/octet/calibrate"
	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// qdqRatio is the largest share of the FP32 parameters that those of an INT8
// model in the QDQ form may take.
const qdqRatio = 0.27

// TestQDQ calibrates models, saves them in the QDQ form, and runs the files in
// Octet and in real Paddle: simulated in FP32, and by Paddle's INT8 engine.
func TestQDQ(t *testing.T) {
	worst := 0.0
	subjects(t, 160, 40, func(t *testing.T, s *subject) {
		for _, c := range []struct {
			name string
			o    calibrate.Options
			// What the INT8 engine owes. It takes the weights' scales from the largest
			// weight of each channel. Plain scales are those; fitted ones (the default)
			// are not, and it rounds such weights once more.
			cosine float64
		}{
			{"fitted weights", calibrate.Options{Algorithm: calibrate.KL}, 0.995},
			{"pixels", calibrate.Options{Algorithm: calibrate.KL, Pixels: pixelsOf(s.preset)}, 0.995},
			{"plain weights", calibrate.Options{Algorithm: calibrate.KL, Compat: calibrate.Paddle13}, 0.999},
		} {
			// The demo's models are so small that their first convolution counts.
			c.o.Form, c.o.FirstConvINT8 = graph.FormQDQ, len(s.model.Params) > 0 && s.images.Dims[2] < 100
			t.Run(c.name, func(t *testing.T) { worst = max(worst, testQDQ(t, s, c.o, c.cosine)) })
		}
	})
	if worst > 0 && !t.Failed() {
		fmt.Printf("INT8 weights stored as int8 in qdq: the parameters take %.4f of FP32 at most, promised %v\n", worst, qdqRatio)
	}
}

// paddles are the variables that name Pythons with real Paddle.
var paddles = []string{"OCTET_PADDLE26", "OCTET_PADDLE33"}

// testQDQ returns the share of the FP32 parameters that the file takes.
func testQDQ(t *testing.T, s *subject, o calibrate.Options, cosine float64) float64 {
	c := s.calibrated(t, o)
	prefix, q := saved(t, c)
	ratio := float64(parameterFile(t, q)) / float64(parameterFile(t, s.model))
	fmt.Printf("%s: parameters %.4f of FP32\n", t.Name(), ratio)
	if ratio > qdqRatio {
		t.Errorf("the parameters take %.4f of those of FP32: want %v at most", ratio, qdqRatio)
	}
	octet := s.probabilities(t, q)
	if o.Compat == calibrate.None {
		sameAsFused(t, s, c, octet)
	}
	fmt.Printf("%s: Octet INT8 beside FP32: %v\n", t.Name(), s.compare(octet, s.probabilities(t, s.model)))
	for _, variable := range paddles {
		t.Run(variable, func(t *testing.T) {
			python := pythonOf(t, variable, "SKIP-NOPADDLE")
			out := filepath.Join(t.TempDir(), "out")
			version := s.runPython(t, python, "paddle_run.py", prefix, out, "plain", "default", "int8")
			for mode, least := range map[string]float64{"plain": 0.99, "default": 0.99, "int8": cosine} {
				l := s.compare(octet, readRows(t, out+"."+mode, len(octet)))
				fmt.Printf("%s: Paddle %s %s: %v\n", t.Name(), version, mode, l)
				if l.cosine < least {
					t.Errorf("Paddle %s, %s: cosine %.6f with Octet: want %v", version, mode, l.cosine, least)
				}
				if d := l.topA - l.topB; max(d, -d) > 2+l.images/40 {
					t.Errorf("Paddle %s, %s: %d of %d pictures right, %d with Octet", version, mode, l.topB, l.images, l.topA)
				}
			}
		})
	}
	return ratio
}

// sameAsFused holds the answers of the QDQ form against those of the fused one,
// to the bit.
func sameAsFused(t *testing.T, s *subject, c *calibrate.Calibrator, qdq []float32) {
	t.Helper()
	g, err := c.INT8Graph()
	if err != nil {
		t.Fatal(err)
	}
	m, err := graph.ToModel(g, graph.FormFused)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(s.probabilities(t, m), qdq) {
		t.Error("Octet answers otherwise than with the fused form")
	}
}

// parameterFile returns the size of m's parameters in one file.
func parameterFile(t *testing.T, m *model.Model) int64 {
	t.Helper()
	prefix := filepath.Join(t.TempDir(), "m")
	if err := model.Save(m, prefix, model.WithForm(model.FormPdModel)); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(prefix + ".pdiparams")
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}
