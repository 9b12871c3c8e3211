package zoo

import (
	"archive/zip"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/infer"
	"github.com/octet-dnn/octet/model"
)

// TestGoldens runs the small networks, as Paddle 2.6 and Paddle 3.3 wrote them,
// against what Paddle computed, and quantises them.
func TestGoldens(t *testing.T) {
	z, err := zip.OpenReader(filepath.Join(makers, "goldens.zip"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { z.Close() }) // after the parallel tests
	folders, err := fs.ReadDir(z, ".")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range folders {
		for _, p := range paddles {
			t.Run(f.Name()+"/"+p.version, func(t *testing.T) {
				t.Parallel()
				testGolden(t, network{name: f.Name(), dir: unpack(t, z, f.Name(), p)})
			})
		}
	}
}

// unpack writes the files of a network to a folder, but for the program of the
// other version: Paddle 3 writes m.json and m.pdiparams, in 1.x a parameter had a
// file of its own.
func unpack(t *testing.T, z fs.FS, name string, p paddle) string {
	t.Helper()
	dir := t.TempDir()
	files, err := fs.ReadDir(z, name)
	if err != nil {
		t.Fatal(err)
	}
	fluid := slices.ContainsFunc(files, func(f fs.DirEntry) bool { return f.Name() == "__model__" })
	for _, f := range files {
		pir := f.Name() == "m.json" || fluid && f.Name() == "m.pdiparams"
		old := !pir && (fluid || f.Name() == "m.pdmodel") && !strings.HasSuffix(f.Name(), ".npy")
		if old && p.pir || pir && !p.pir {
			continue
		}
		data, err := fs.ReadFile(z, name+"/"+f.Name())
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, f.Name()), data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// leastOfGoldens is the cosine that INT8 owes to FP32 in the worst of the small
// networks. Their few random channels, calibrated on two pictures, make
// quantisation hard (MobileNet-V1: 0.72); it finds layers that are wrong, not
// ones that are coarse.
const leastOfGoldens = 0.6

func testGolden(t *testing.T, n network) {
	m, err := model.Load(n.dir)
	if err != nil {
		t.Fatal(err)
	}
	if d, _, err := n.floating(t, m); err != nil || !(d <= tolerance) {
		t.Fatalf("FP32 differs from Paddle by %.2g: want %v at most (%v)", d, tolerance, err)
	}
	g, err := quantised(t, m, n.tensors(t, "in"))
	if err != nil {
		t.Fatal(err)
	}
	if pair := needlessPair(g); pair != "" {
		t.Errorf("%s is dequantised only to be quantised again", pair)
	}
	for _, size := range n.sizes() {
		in, want := n.tensors(t, size+"in"), n.tensors(t, size+"out")
		var first []*model.Tensor
		for _, form := range []graph.Form{graph.FormFused, graph.FormV13, graph.FormQDQ} {
			out, err := written(t, g, form, in)
			if err != nil {
				t.Errorf("form %v, pictures %v: %v", form, in[0].Dims, err)
				continue
			}
			if c, err := cosine(g, out, want); err != nil || !(c >= leastOfGoldens) {
				t.Errorf("form %v, pictures %v: cosine %.4f with FP32: want %v (%v)", form, in[0].Dims, c, leastOfGoldens, err)
			}
			if first == nil {
				first = out
			} else if d, err := relative(out, first); err != nil || d != 0 {
				t.Errorf("form %v, pictures %v: differs by %.2g from the fused one: want equal bits (%v)", form, in[0].Dims, d, err)
			}
		}
	}
}

// written runs what comes back of g from a program of that form.
func written(t *testing.T, g *graph.Graph, form graph.Form, in []*model.Tensor) ([]*model.Tensor, error) {
	m, err := graph.ToModel(g, form)
	if err != nil {
		return nil, fmt.Errorf("write: %w", err)
	}
	// One image at a time: kernels for several may sum in another order, and which
	// runs them is a matter of time.
	p, err := infer.NewPredictor(m, infer.Options{Streams: 1, Threads: 1, MicroBatch: 1})
	if err != nil {
		return nil, err
	}
	defer p.Close()
	return p.Run(t.Context(), in)
}
