package infer

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/octet-dnn/octet/internal/refdata"

	"github.com/sbinet/npyio/npz"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// TestINT8Activations fetches every u8 and s8 value of the INT8 fixtures and
// compares its bytes with the exact emulation.
func TestINT8Activations(t *testing.T) {
	needExactINT8(t)
	for _, file := range glob(t, filepath.Join(refdata.Path(t), "paddle", "fixtures", "int8", "*", "activations_emulated.npz")) {
		dir := filepath.Dir(file)
		t.Run(filepath.Base(dir), func(t *testing.T) { checkActivations(t, dir, file) })
	}
}

func checkActivations(t *testing.T, dir, file string) {
	t.Helper()
	m, err := model.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	g, err := graph.Build(m)
	if err != nil {
		t.Fatal(err)
	}
	want := readIntegers(t, file)
	fetched := len(g.Outputs)
	for v := range g.Values() {
		if _, ok := want[v.Name]; ok && v.Producer != nil && v.DType != model.FP32 {
			g.Outputs = append(g.Outputs, graph.Output{Name: v.Name, Value: v})
		}
	}
	if len(g.Outputs) == fetched {
		t.Fatal("the fixture has no integer activations")
	}
	p, err := Compile(g, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	out, err := p.Run(t.Context(), []*model.Tensor{readNpy(t, filepath.Join(dir, "in_0.npy"))})
	if err != nil {
		t.Fatal(err)
	}
	for i, o := range g.Outputs[fetched:] {
		got := out[fetched+i]
		if w := want[o.Name]; !slices.Equal(got.Data, w) {
			t.Errorf("%s (%v %v): bytes differ from the emulation", o.Name, got.DType, got.Dims)
		}
	}
}

// readIntegers reads the u8 and s8 arrays of an npz file.
func readIntegers(t *testing.T, path string) map[string][]byte {
	t.Helper()
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	r, err := npz.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	all := map[string][]byte{}
	for _, key := range r.Keys() {
		name := key[:len(key)-len(".npy")]
		switch r.Header(key).Descr.Type {
		case "|u1":
			var x []uint8
			if err := r.Read(key, &x); err != nil {
				t.Fatal(err)
			}
			all[name] = x
		case "|i1":
			var x []int8
			if err := r.Read(key, &x); err != nil {
				t.Fatal(err)
			}
			for _, v := range x {
				all[name] = append(all[name], byte(v))
			}
		}
	}
	return all
}
