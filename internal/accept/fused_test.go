package accept

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/octet-dnn/octet/calibrate"
	"github.com/octet-dnn/octet/graph"
)

// fusedCosine is the promise for the probabilities of the fused form in real Paddle.
const fusedCosine = 0.9999

// TestFusedInPaddle calibrates models, saves them in the fused form, and runs the
// files in real Paddle: with the same top-1 as Octet on every picture.
func TestFusedInPaddle(t *testing.T) {
	agree, images := 0, 0
	subjects(t, 160, 40, func(t *testing.T, s *subject) {
		for name, o := range map[string]calibrate.Options{
			"first convolution": {FirstConvINT8: true}, "pixels": {Pixels: pixelsOf(s.preset)},
		} {
			o.Algorithm, o.Form = calibrate.KL, graph.FormFused
			t.Run(name, func(t *testing.T) {
				same, of := testFused(t, s, o)
				agree, images = agree+same, images+of
			})
		}
	})
	if images > 0 {
		fmt.Printf("fused form in Paddle: the same top-1 as Octet on %d of %d runs of a picture\n", agree, images)
	}
}

// testFused returns on how many of the runs of a picture Paddle has Octet's top-1.
func testFused(t *testing.T, s *subject, o calibrate.Options) (agree, images int) {
	prefix, q := saved(t, s.calibrated(t, o))
	octet := s.probabilities(t, q)
	for _, variable := range paddles {
		t.Run(variable, func(t *testing.T) {
			python := pythonOf(t, variable, "SKIP-NOPADDLE")
			out := filepath.Join(t.TempDir(), "out")
			modes := []string{"plain", "default", "onednn"}
			version := s.runPython(t, python, "paddle_run.py", prefix, out, modes...)
			for _, mode := range modes {
				l := s.compare(octet, readRows(t, out+"."+mode, len(octet)))
				fmt.Printf("%s: Paddle %s %s: %v\n", t.Name(), version, mode, l)
				if l.cosine < fusedCosine || l.agree != l.images {
					t.Errorf("Paddle %s, %s: cosine %.6f, the same top-1 as Octet on %d of %d pictures: want %v and all", version, mode, l.cosine, l.agree, l.images, fusedCosine)
				}
				agree, images = agree+l.agree, images+l.images
			}
		})
	}
	return agree, images
}

// TestPaddleFaults runs minimal programs that real Paddle fails to run, each
// beside what Octet writes in its place.
func TestPaddleFaults(t *testing.T) {
	for _, variable := range paddles {
		t.Run(variable, func(t *testing.T) {
			fmt.Println(runScript(t, pythonOf(t, variable, "SKIP-NOPADDLE"), "paddle_faults.py"))
		})
	}
}
