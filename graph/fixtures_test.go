package graph

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/octet-dnn/octet/internal/refdata"

	"github.com/google/go-cmp/cmp"
	"github.com/sbinet/npyio"

	"github.com/octet-dnn/octet/model"
)

// A fixture is a program made with real Paddle, with inputs and outputs.
type fixture struct {
	name, dir, model string
	outputs          string // pattern of the output files
}

func fixtures(t testing.TB) []fixture {
	root := refdata.Path(t, "paddle/fixtures")
	var all []fixture
	for _, kind := range []struct{ glob, sub, outputs string }{
		{"legacy/*", "separate", "out_*.npy"},
		{"legacy/*", "combined", "out_*.npy"},
		{"paddle26/*", "", "out_*.npy"},
		{"paddle33/*", "", "out_*.npy"},
		{"int8/*", "", "out_emulated_*.npy"},
	} {
		dirs, err := filepath.Glob(filepath.Join(root, kind.glob, "in_*.npy"))
		if err != nil || len(dirs) == 0 {
			t.Fatalf("no fixtures under %s: %v", kind.glob, err)
		}
		seen := map[string]bool{}
		for _, in := range dirs {
			dir := filepath.Dir(in)
			if seen[dir] {
				continue
			}
			seen[dir] = true
			name := strings.TrimPrefix(dir, root+string(filepath.Separator))
			all = append(all, fixture{filepath.Join(name, kind.sub), dir, filepath.Join(dir, kind.sub), kind.outputs})
		}
	}
	return all
}

func (f fixture) load(t testing.TB) *model.Model {
	t.Helper()
	m, err := model.Load(f.model)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func npyShape(t testing.TB, file string) Shape {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := npyio.NewReader(f)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return append(Shape{}, r.Header.Descr.Shape...)
}

// inputShapes matches in_*.npy to the inputs: by name, or by column.
func (f fixture) inputShapes(t testing.TB, g *Graph) []Shape {
	files, err := filepath.Glob(filepath.Join(f.dir, "in_*.npy"))
	if err != nil || len(files) != len(g.Inputs) {
		t.Fatalf("%d input files for %d inputs: %v", len(files), len(g.Inputs), err)
	}
	shapes := make([]Shape, len(files))
	for i, v := range g.Inputs {
		file := filepath.Join(f.dir, "in_"+v.Name+".npy")
		if _, err := os.Stat(file); err != nil {
			file = files[i]
		}
		shapes[i] = npyShape(t, file)
	}
	return shapes
}

// TestFixtureShapes imports every fixture, as it is and fused, and compares the
// shapes of its outputs with what Paddle computed.
func TestFixtureShapes(t *testing.T) {
	for _, f := range fixtures(t) {
		t.Run(f.name, func(t *testing.T) {
			m := f.load(t)
			for _, step := range []struct {
				name  string
				build func(*model.Model) (*Graph, error)
			}{{"import", Import}, {"build", Build}} {
				g, err := step.build(m)
				if err != nil {
					t.Fatalf("%s: %v", step.name, err)
				}
				shapes, err := InferShapes(g, f.inputShapes(t, g))
				if err != nil {
					t.Fatalf("%s: %v", step.name, err)
				}
				var got, want []Shape
				files, err := filepath.Glob(filepath.Join(f.dir, f.outputs))
				if err != nil {
					t.Fatal(err)
				}
				for i, o := range g.Outputs {
					got = append(got, shapes[o.Value])
					want = append(want, npyShape(t, files[i]))
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s: shapes of the outputs (-Paddle +Octet):\n%s", step.name, diff)
				}
			}
		})
	}
}
