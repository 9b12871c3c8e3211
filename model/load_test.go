package model

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"unsafe"
)

// TestLoadPlaces finds one model under all names that it can be given.
func TestLoadPlaces(t *testing.T) {
	m := tiny(t)
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, filepath.FromSlash(name)) }
	program, params := encoded(t, m)
	err := errors.Join(
		Save(m, at("separate")), Save(m, at("combined"), WithForm(FormCombined)), Save(m, at("two/net.pdmodel")),
		os.Mkdir(at("named"), 0o777), os.WriteFile(at("named/model"), program, 0o666), os.WriteFile(at("named/params"), params, 0o666),
	)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		opts []Option
	}{
		{"separate", nil}, {"separate/", nil}, {"separate/__model__", nil}, {"combined", nil}, {"combined/__model__", nil},
		{"two", nil}, {"two/net", nil}, {"two/net.pdmodel", nil},
		{"named", []Option{WithProgramFile("model"), WithParamsFile("params")}},
		{"named/model", []Option{WithParamsFile("params")}},
		{"combined", []Option{WithParamsFile("__params__"), WithLimits(Limits{Ops: 50})}},
	} {
		got, err := Load(at(c.name), c.opts...)
		if err != nil {
			t.Errorf("Load(%s): %v", c.name, err)
			continue
		}
		if !got.Equal(m) || got.Name != at(c.name) {
			t.Errorf("Load(%s) gives another model, called %s", c.name, got.Name)
		}
		if got, err = LoadFS(os.DirFS(dir), strings.TrimSuffix(c.name, "/"), c.opts...); err != nil || !got.Equal(m) {
			t.Errorf("LoadFS(%s): %v", c.name, err)
		}
	}
	t.Chdir(at("two"))
	if got, err := Load("net"); err != nil || !got.Equal(m) {
		t.Errorf("prefix in the current directory: %v", err)
	}
}

func TestLoadRefusals(t *testing.T) {
	dir := t.TempDir()
	if err := Save(tiny(t), filepath.Join(dir, "m")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		path string
		opts []Option
		kind error // nil: any error will do
		want string
	}{
		{"nothing there", "gone", nil, fs.ErrNotExist, "gone.pdmodel"},
		{"no such directory", "gone/m", nil, fs.ErrNotExist, "gone/m"},
		{"a parameter as program", "m/lod", nil, ErrUnsupported, "parameter file"},
		{"file called as a directory", "m/lod/x", nil, nil, "not a directory"},
		{"program file outside", "m", []Option{WithProgramFile("../m/__model__")}, nil, "WithProgramFile"},
		{"absolute program file", "m", []Option{WithProgramFile("/etc/passwd")}, nil, "WithProgramFile"},
		{"params file outside", "m", []Option{WithParamsFile("../x")}, nil, "WithParamsFile"},
		{"program file missing", "m", []Option{WithProgramFile("gone")}, fs.ErrNotExist, "gone"},
		{"params file missing", "m", []Option{WithParamsFile("gone")}, fs.ErrNotExist, "gone"},
		{"negative limit", "m", []Option{WithLimits(Limits{Ops: -1})}, nil, "Limits.Ops is -1"},
		{"negative total", "m", []Option{WithLimits(Limits{TotalBytes: -1})}, nil, "Limits.TotalBytes"},
		{"program file over the limit", "m", []Option{WithLimits(Limits{ProgramBytes: 100})}, ErrTooLarge, "Limits.ProgramBytes"},
		{"ops over the limit", "m", []Option{WithLimits(Limits{Ops: 3})}, ErrTooLarge, "Limits.Ops"},
		{"vars over the limit", "m", []Option{WithLimits(Limits{Vars: 3})}, ErrTooLarge, "Limits.Vars"},
		{"blocks over the limit", "m", []Option{WithLimits(Limits{Blocks: 1})}, ErrTooLarge, "Limits.Blocks"},
		{"rank over the limit", "m", []Option{WithLimits(Limits{Rank: 2})}, ErrTooLarge, "Limits.Rank"},
		{"names over the limit", "m", []Option{WithLimits(Limits{NameBytes: 10})}, ErrTooLarge, "Limits.NameBytes"},
		{"tensor over the limit", "m", []Option{WithLimits(Limits{TensorBytes: 15})}, ErrTooLarge, `parameter "scope/conv.w_0"`},
		{"total over the limit", "m", []Option{WithLimits(Limits{TotalBytes: 39})}, ErrTooLarge, "TotalBytes"},
		{"dim over the limit", "m", []Option{WithLimits(Limits{Dim: 2})}, ErrTooLarge, "Limits.Dim"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Load(filepath.Join(dir, filepath.FromSlash(c.path)), c.opts...)
			if err == nil || !strings.Contains(err.Error(), c.want) || (c.kind != nil && !errors.Is(err, c.kind)) {
				t.Errorf("got %v, want kind %v with %q", err, c.kind, c.want)
			}
		})
	}
	if m, err := Load(filepath.Join(dir, "m"), WithLimits(Limits{TotalBytes: 40})); err != nil {
		t.Errorf("a total of just the limit: %v, %v", m, err)
	}
}

// TestParamsAligned: parameter data starts at multiples of 8, so that typed
// views are never copies.
func TestParamsAligned(t *testing.T) {
	m := tiny(t)
	_, params := encoded(t, m)
	s := newStreamReader(Limits{Rank: 8, Dim: 100, TensorBytes: 1 << 10, TotalBytes: 1 << 10})
	s.reset(bytes.NewReader(params), int64(len(params)))
	for _, name := range m.Program.ParamNames() {
		x, err := s.tensor()
		if err != nil {
			t.Fatal(err)
		}
		if p := uintptr(unsafe.Pointer(unsafe.SliceData(x.Data))); p%8 != 0 {
			t.Errorf("%s starts at %#x", name, p)
		}
		if f := x.Float32s(); len(f) > 0 && unsafe.Pointer(&f[0]) != unsafe.Pointer(&x.Data[0]) {
			t.Errorf("%s: Float32s is a copy", name)
		}
	}
}

// TestRejectionMemory: refusing a file allocates, garbage included, less than
// twice its size and 64 MiB.
func TestRejectionMemory(t *testing.T) {
	for _, c := range programCases() {
		if len(c.data) < 1<<20 || c.kind == nil {
			continue
		}
		got := allocated(func() {
			if _, err := decodeFile(c.data); err == nil {
				t.Errorf("%s: accepted", c.name)
			}
		})
		if most := uint64(len(c.data)) + 64<<20; got > most { // the file itself is the other size
			t.Errorf("%s: %d bytes allocated for a file of %d", c.name, got, len(c.data))
		}
	}
	huge := filepath.Join(t.TempDir(), fluidProgram)
	if err := errors.Join(os.WriteFile(huge, raw("80027d71"), 0o666), os.Truncate(huge, 200<<20)); err != nil {
		t.Fatal(err)
	}
	if got := allocated(func() { _, _ = Load(huge) }); got > 1<<20 {
		t.Errorf("a pickle of 200 MiB took %d bytes to refuse", got)
	}
}

// TestSparseParams: a file of 16 GiB that is a hole is refused without reading it.
func TestSparseParams(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "w")
	err := errors.Join(
		os.WriteFile(filepath.Join(dir, fluidProgram), block(tensorParam("w")), 0o666),
		os.WriteFile(file, stream(paddleHeader, 0), 0o666), os.Truncate(file, 16<<30))
	if err != nil {
		t.Skipf("no sparse file here: %v", err)
	}
	got := allocated(func() {
		_, err := Load(dir)
		checkRejection(t, err, ErrFormat, "more bytes")
	})
	if got > 1<<20 {
		t.Errorf("%d bytes allocated", got)
	}
}

func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
