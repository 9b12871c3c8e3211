package infer

import (
	"fmt"
	"math"
	"path/filepath"
	"testing"

	"github.com/octet-dnn/octet/internal/refdata"

	"github.com/octet-dnn/octet/model"
)

// relTol is what Paddle's own kernels differ by between its plain and oneDNN
// paths on these fixtures, with a margin of about ten.
const relTol = 1e-4

// int8Tol is the room for the final float of an INT8 fixture: their emulation
// computes in double, oneDNN in single precision.
const int8Tol = 1e-5

// TestFP32Fixtures runs every model that real Paddle wrote, FP32 nets and
// single operators, and compares with Paddle's outputs.
func TestFP32Fixtures(t *testing.T) {
	root := filepath.Join(refdata.Path(t), "paddle", "fixtures")
	for _, dir := range glob(t, filepath.Join(root, "legacy", "*", "separate")) {
		t.Run("legacy/"+filepath.Base(filepath.Dir(dir)), func(t *testing.T) {
			checkFixture(t, dir, filepath.Dir(dir), "out_%d.npy", relTol)
			checkFixture(t, filepath.Join(filepath.Dir(dir), "combined"), filepath.Dir(dir), "out_%d.npy", relTol)
		})
	}
	for _, programs := range []string{"paddle26/*/m.pdmodel", "paddle33/*/m.json"} {
		for _, file := range glob(t, filepath.Join(root, filepath.FromSlash(programs))) {
			dir := filepath.Dir(file)
			t.Run(filepath.Base(filepath.Dir(dir))+"/"+filepath.Base(dir), func(t *testing.T) {
				checkFixture(t, dir, dir, "out_%d.npy", relTol)
			})
		}
	}
}

// TestINT8Fixtures runs hand-written INT8 programs and compares with the exact
// emulation.
func TestINT8Fixtures(t *testing.T) {
	needExactINT8(t)
	for _, file := range glob(t, filepath.Join(refdata.Path(t), "paddle", "fixtures", "int8", "*", "__model__")) {
		dir := filepath.Dir(file)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			checkFixture(t, dir, dir, "out_emulated_%d.npy", int8Tol)
		})
	}
}

func checkFixture(t *testing.T, dir, data, pattern string, tol float64) {
	t.Helper()
	m, err := model.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	p, err := NewPredictor(m, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	var in []*model.Tensor
	for i, s := range p.Inputs() {
		in = append(in, readNpy(t, inputFile(data, s.Name, i)))
	}
	out, err := p.Run(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	for i, got := range out {
		want := readNpy(t, filepath.Join(data, fmt.Sprintf(pattern, i)))
		if msg := compare(got, want, tol); msg != "" {
			t.Errorf("output %d (%s): %s", i, p.Outputs()[i].Name, msg)
		}
	}
	if t.Failed() {
		k, _ := p.Kernels(in)
		t.Logf("kernels: %+v", k)
	}
}

// inputFile returns in_NAME.npy where a fixture has it, else in_INDEX.npy.
func inputFile(dir, name string, i int) string {
	if named, _ := filepath.Glob(filepath.Join(dir, "in_"+name+".npy")); len(named) == 1 {
		return named[0]
	}
	return filepath.Join(dir, fmt.Sprintf("in_%d.npy", i))
}

// compare returns how got differs from want by more than tol of want's largest
// magnitude, or "".
func compare(got, want *model.Tensor, tol float64) string {
	if got.Len() != want.Len() {
		return fmt.Sprintf("dims %v, want %v", got.Dims, want.Dims)
	}
	if got.DType != want.DType {
		return fmt.Sprintf("%v, want %v", got.DType, want.DType)
	}
	if got.DType != model.FP32 {
		for i := range got.Data {
			if got.Data[i] != want.Data[i] {
				return fmt.Sprintf("byte %d is %d, want %d", i, got.Data[i], want.Data[i])
			}
		}
		return ""
	}
	g, w := got.Float32s(), want.Float32s()
	top := 0.0
	for _, v := range w {
		top = max(top, math.Abs(float64(v)))
	}
	for i := range g {
		if d := math.Abs(float64(g[i]) - float64(w[i])); !(d <= tol*max(top, 1e-30)) {
			return fmt.Sprintf("element %d is %g, want %g (difference %.2g of %.2g)", i, g[i], w[i], d, top)
		}
	}
	return ""
}

func glob(t testing.TB, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("nothing matches %s (%v)", pattern, err)
	}
	return files
}
