package refrun

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/octet-dnn/octet/internal/refdata"

	"github.com/sbinet/npyio"
	"github.com/sbinet/npyio/npz"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/internal/ref"
	"github.com/octet-dnn/octet/model"
)

// readNPY reads an array of any of the types that the fixtures have.
func readNPY(t testing.TB, file string) *ref.Tensor {
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
	out, err := fromNumpy(r.Header, r.Read)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return out
}

func fromNumpy(h npyio.Header, read func(any) error) (*ref.Tensor, error) {
	switch dt := strings.TrimLeft(h.Descr.Type, "<|="); dt {
	case "f4":
		return widen[float32](ref.F32, h, read)
	case "i8":
		return widen[int64](ref.S32, h, read)
	case "i4":
		return widen[int32](ref.S32, h, read)
	case "i1":
		return widen[int8](ref.S8, h, read)
	case "u1":
		return widen[uint8](ref.U8, h, read)
	default:
		return nil, fmt.Errorf("numpy type %s", dt)
	}
}

func widen[T float32 | int64 | int32 | int8 | uint8](dt ref.DType, h npyio.Header, read func(any) error) (*ref.Tensor, error) {
	var values []T
	if err := read(&values); err != nil {
		return nil, err
	}
	out := ref.NewTensor(dt, h.Descr.Shape...)
	for i, v := range values {
		out.Data[i] = float64(v)
	}
	return out, nil
}

// caseDirs lists the folders below dir that hold inputs.
func caseDirs(t testing.TB, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*", "in_*.npy"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases in %s: %v", dir, err)
	}
	var dirs []string
	for _, f := range files {
		if d := filepath.Dir(f); len(dirs) == 0 || dirs[len(dirs)-1] != d {
			dirs = append(dirs, d)
		}
	}
	return dirs
}

func inputs(t testing.TB, dir string, g *graph.Graph) []*ref.Tensor {
	t.Helper()
	in := make([]*ref.Tensor, len(g.Inputs))
	for i, v := range g.Inputs {
		file := filepath.Join(dir, "in_"+v.Name+".npy")
		if _, err := os.Stat(file); err != nil {
			file = filepath.Join(dir, fmt.Sprintf("in_%d.npy", i))
		}
		in[i] = readNPY(t, file)
	}
	return in
}

// relative is the largest difference, measured against the largest magnitude.
func relative(got, want []float64) float64 {
	if len(got) != len(want) {
		return math.Inf(1)
	}
	diff, size := 0.0, 1e-30
	for i, w := range want {
		size = max(size, math.Abs(w))
		if d := math.Abs(got[i] - w); !(d <= diff) {
			diff = d
		}
	}
	return diff / size
}

// TestFP32Fixtures runs every FP32 fixture, plain and fused, against what
// Paddle computed.
func TestFP32Fixtures(t *testing.T) {
	// The project's promise for FP32; measured here: below 2e-6.
	const tolerance = 1e-4
	for _, kind := range []struct{ dir, model string }{{"legacy", "separate"}, {"paddle26", ""}, {"paddle33", ""}} {
		for _, dir := range caseDirs(t, refdata.Path(t, "paddle/fixtures/"+kind.dir)) {
			t.Run(kind.dir+"/"+filepath.Base(dir), func(t *testing.T) {
				for name, build := range map[string]func(*model.Model) (*graph.Graph, error){"plain": graph.Import, "fused": graph.Build} {
					if name == "plain" && filepath.Base(dir) == "op_local_response_norm" {
						continue // its parts are no layers of their own
					}
					g := load(t, filepath.Join(dir, kind.model), build)
					values, err := Run(g, inputs(t, dir, g))
					if err != nil {
						t.Fatalf("%s: %v", name, err)
					}
					for i, o := range g.Outputs {
						want := readNPY(t, filepath.Join(dir, fmt.Sprintf("out_%d.npy", i)))
						if d := relative(values[o.Value].Data, want.Data); !(d <= tolerance) {
							t.Errorf("%s: output %d %q differs by %.3g (relative)", name, i, o.Name, d)
						}
					}
				}
			})
		}
	}
}

func load(t testing.TB, path string, build func(*model.Model) (*graph.Graph, error)) *graph.Graph {
	t.Helper()
	m, err := model.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	g, err := build(m)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestInt8Fixtures runs every INT8 fixture against exact arithmetic: all u8 and
// s8 values must be equal, float ones within a rounding of float32.
func TestInt8Fixtures(t *testing.T) {
	const tolerance = 1e-6
	for _, dir := range caseDirs(t, refdata.Path(t, "paddle/fixtures/int8")) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			g := load(t, dir, graph.Build)
			values, err := Run(g, inputs(t, dir, g))
			if err != nil {
				t.Fatal(err)
			}
			compared := 0
			want := readNPZ(t, filepath.Join(dir, "activations_emulated.npz"))
			for v, got := range values {
				w := want[v.Name]
				if w == nil {
					continue
				}
				compared++
				if got.DType != w.DType {
					t.Errorf("%q is %v, want %v", v.Name, got, w)
				}
				limit := tolerance
				if got.DType.Integer() {
					limit = 0
				}
				if d := relative(got.Data, w.Data); !(d <= limit) {
					t.Errorf("%q differs by %.3g (relative)", v.Name, d)
				}
			}
			if compared < 3 {
				t.Errorf("only %d values were compared", compared)
			}
		})
	}
}

func readNPZ(t testing.TB, file string) map[string]*ref.Tensor {
	t.Helper()
	f, err := npz.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all := make(map[string]*ref.Tensor)
	for _, key := range f.Keys() {
		h := f.Header(key)
		v, err := fromNumpy(*h, func(p any) error { return f.Read(key, p) })
		if err != nil {
			t.Fatalf("%s %s: %v", file, key, err)
		}
		all[strings.TrimSuffix(key, ".npy")] = v
	}
	return all
}

// TestNamesAfterFusion compares every value of the fused legacy nets with the
// variable of the same name that Paddle computed: a fused value must hold what
// the last variable fused into it held, or calibration tables would lie.
func TestNamesAfterFusion(t *testing.T) {
	const tolerance = 1e-5
	for net, least := range map[string]int{"tiny_resnet": 8, "tiny_mobilenet": 8, "tiny_inception": 10} {
		t.Run(net, func(t *testing.T) {
			dir := refdata.Path(t, "paddle/fixtures/legacy/"+net)
			g := load(t, filepath.Join(dir, "separate"), graph.Build)
			values, err := Run(g, inputs(t, dir, g))
			if err != nil {
				t.Fatal(err)
			}
			want := readNPZ(t, filepath.Join(dir, "activations.npz"))
			compared := 0
			for v, got := range values {
				if w := want[v.Name]; w != nil && v.Const == nil {
					compared++
					if d := relative(got.Data, w.Data); !(d <= tolerance) {
						t.Errorf("%q differs by %.3g (relative)", v.Name, d)
					}
				}
			}
			if compared < least {
				t.Errorf("only %d values were compared, want at least %d", compared, least)
			}
		})
	}
}
