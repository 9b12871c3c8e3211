package operators

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/sbinet/npyio"

	"github.com/octet-dnn/octet/model"
)

// A golden is one program of testdata/ops with what Paddle computes.
type golden struct {
	name    string
	model   *model.Model
	in, out []*model.Tensor
}

// goldens reads the archive that testdata/ops/make.py wrote.
func goldens(t testing.TB) []golden {
	t.Helper()
	z, err := zip.OpenReader(filepath.Join("..", "..", "testdata", "ops", "paddle26.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	files := map[string]map[string][]byte{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		name, file := filepath.Split(f.Name)
		name = strings.TrimSuffix(name, "/")
		if files[name] == nil {
			files[name] = map[string][]byte{}
		}
		files[name][file] = data
	}
	var all []golden
	for _, name := range slices.Sorted(maps.Keys(files)) {
		all = append(all, read(t, name, files[name]))
	}
	return all
}

func read(t testing.TB, name string, files map[string][]byte) golden {
	t.Helper()
	dir := t.TempDir()
	for _, file := range []string{"m.pdmodel", "m.pdiparams"} {
		if data, ok := files[file]; ok {
			if err := os.WriteFile(filepath.Join(dir, file), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	m, err := model.Load(dir)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	g := golden{name: name, model: m}
	for i := 0; files[fmt.Sprintf("in_%d.npy", i)] != nil; i++ {
		g.in = append(g.in, readNpy(t, files[fmt.Sprintf("in_%d.npy", i)]))
	}
	for i := 0; files[fmt.Sprintf("out_%d.npy", i)] != nil; i++ {
		g.out = append(g.out, readNpy(t, files[fmt.Sprintf("out_%d.npy", i)]))
	}
	return g
}

var numpyTypes = map[string]model.DType{
	"<f4": model.FP32, "<i4": model.Int32, "<i8": model.Int64, "|u1": model.UInt8, "|i1": model.Int8,
}

func readNpy(t testing.TB, data []byte) *model.Tensor {
	t.Helper()
	r, err := npyio.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	dt, ok := numpyTypes[r.Header.Descr.Type]
	if !ok {
		t.Fatalf("element type %q", r.Header.Descr.Type)
	}
	x := &model.Tensor{DType: dt}
	n := dt.Size()
	for _, d := range r.Header.Descr.Shape {
		x.Dims, n = append(x.Dims, int64(d)), n*d
	}
	words := make([]uint64, (n+7)/8) // aligned for every type
	x.Data = unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), n)
	copy(x.Data, data[len(data)-n:])
	return x
}

// compare returns how got differs from want: in dims, type or integers at all,
// in reals by more than tol of the largest magnitude. "" if it does not.
func compare(got, want *model.Tensor, tol float64) string {
	if got.DType != want.DType || !slices.Equal(got.Dims, want.Dims) {
		return fmt.Sprintf("%v %v, want %v %v", got.DType, got.Dims, want.DType, want.Dims)
	}
	if got.DType != model.FP32 {
		if i := firstDifference(got.Data, want.Data); i >= 0 {
			return fmt.Sprintf("byte %d is %d, want %d", i, got.Data[i], want.Data[i])
		}
		return ""
	}
	g, w := got.Float32s(), want.Float32s()
	top := 1e-30
	for _, v := range w {
		top = max(top, math.Abs(float64(v)))
	}
	for i := range g {
		if d := math.Abs(float64(g[i]) - float64(w[i])); !(d <= tol*top) {
			return fmt.Sprintf("element %d is %g, want %g (largest magnitude %g)", i, g[i], w[i], top)
		}
	}
	return ""
}

func firstDifference(a, b []byte) int {
	for i := range a {
		if a[i] != b[i] {
			return i
		}
	}
	return -1
}
