package model

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

// TestLazyParams loads models without their large parameters and looks that
// nobody can tell the difference.
func TestLazyParams(t *testing.T) {
	m := large(t)
	for _, f := range forms {
		t.Run(f.name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), filepath.FromSlash(f.path))
			if err := Save(m, out, WithForm(f.form)); err != nil {
				t.Fatal(err)
			}
			got, err := Load(out, WithLazyParams())
			if err != nil {
				t.Fatal(err)
			}
			for name, p := range got.Params {
				if want := m.Params[name]; p.Lazy() != (len(want.Data) >= largeData) || p.Size() != len(want.Data) || p.Len() != want.Len() {
					t.Errorf("%s: lazy %v, %d bytes, %d elements: want those of %d bytes", name, p.Lazy(), p.Size(), p.Len(), len(want.Data))
				}
			}
			if !got.Equal(m) || Fingerprint(got) != Fingerprint(m) || Check(got) != nil {
				t.Errorf("another model than the one saved: %v", Check(got))
			}
			// Replacing the model by itself, from the files that are replaced.
			if err := Save(got, out, WithForm(f.form), WithOverwrite()); err != nil {
				t.Fatal(err)
			}
			if again, err := Load(out); err != nil || !again.Equal(m) {
				t.Errorf("saved lazily: another model, or %v", err)
			}
		})
	}
}

// TestLazyReads reads in all the ways there are.
func TestLazyReads(t *testing.T) {
	out := filepath.Join(t.TempDir(), "m.pdmodel")
	m := large(t)
	if err := Save(m, out); err != nil {
		t.Fatal(err)
	}
	lazily, err := Load(out, WithLazyParams())
	if err != nil {
		t.Fatal(err)
	}
	const name = "wwww"
	got, want := lazily.Params[name], m.Params[name]
	if x := got.Float32s(); len(x) != want.Len() || x[5] != want.Float32s()[5] {
		t.Errorf("Float32s: %d elements", len(x))
	}
	for shift := range 3 {
		b := make([]byte, got.Size()+shift)[shift:]
		if err := got.Read(b); err != nil || !bytes.Equal(b, want.Data) {
			t.Errorf("Read to an address of %d more than a multiple of 8: other bytes, or %v", shift, err)
		}
	}
	if err := got.Read(make([]byte, 8)); !errors.Is(err, ErrFormat) {
		t.Errorf("Read into 8 bytes: got %v, want ErrFormat", err)
	}
	if v := got.WithDims(3, largeData); !v.Lazy() || !v.Equal(want.WithDims(3, largeData)) || v.Equal(want) {
		t.Error("WithDims gives another tensor")
	}
	for _, from := range []*Tensor{got, want} {
		twice := from.Derived("twice", func(data *Tensor) {
			for i, x := range data.Float32s() {
				data.Float32s()[i] = 2 * x
			}
		})
		if x := twice.Float32s(); !twice.Lazy() || len(x) != want.Len() || x[5] != 2*want.Float32s()[5] {
			t.Errorf("Derived from a tensor with lazy %v gives another one", from.Lazy())
		}
	}
}

// TestLazyChange changes the files behind a loaded model.
func TestLazyChange(t *testing.T) {
	m := large(t)
	const name = "wwww"
	load := func(form Form, path string) (*Tensor, string) {
		out := filepath.Join(t.TempDir(), filepath.FromSlash(path))
		if err := Save(m, out, WithForm(form)); err != nil {
			t.Fatal(err)
		}
		got, err := Load(out, WithLazyParams())
		if err != nil {
			t.Fatal(err)
		}
		return got.Params[name], filepath.Join(filepath.Dir(out), "m.pdiparams")
	}
	p, file := load(FormPdModel, "m")
	if err := os.Truncate(file, 1000); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Bytes(); !errors.Is(err, ErrChanged) || !errors.Is(err, ErrFormat) {
		t.Errorf("truncated: got %v, want ErrChanged", err)
	}
	if p.Float32s() != nil {
		t.Error("truncated: Float32s gives elements")
	}
	p, file = load(FormPdModel, "m")
	if later := time.Now().Add(time.Second); os.Chtimes(file, later, later) != nil || !errors.Is(p.Read(make([]byte, p.Size())), ErrChanged) {
		t.Error("written to: no ErrChanged")
	}
	p, file = load(FormPdModel, "m")
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if !p.Equal(m.Params[name]) {
		t.Error("removed: the open file is not read")
	}
}

// TestLazyClose looks that a file is closed when nobody can read it any more.
func TestLazyClose(t *testing.T) {
	fsys := &fsProbe{MapFS: filesOf(t, large(t), true)}
	m, err := LoadFS(fsys, ".", WithLazyParams())
	if err != nil {
		t.Fatal(err)
	}
	p := m.Params["wwww"]
	m = nil
	runtime.GC()
	if _, err := p.Bytes(); err != nil || fsys.open.Load() != 1 {
		t.Errorf("%d files open while one tensor is left, reading it: %v", fsys.open.Load(), err)
	}
	p = nil
	for range 100 {
		runtime.GC()
		if fsys.open.Load() == 0 {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Error("the file stays open")
}
