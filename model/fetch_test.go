package model

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
)

// A fsProbe counts open files, can hide that they are readable at an offset,
// and can lie about the size of one.
type fsProbe struct {
	fstest.MapFS
	sequential bool
	shrunk     string // a file that has half of the bytes it claims
	open       atomic.Int32
}

type fileProbe struct {
	fs.File
	of   *fsProbe
	name string
}

type fileProbeAt struct{ fileProbe }

func (p *fsProbe) Open(name string) (fs.File, error) {
	f, err := p.MapFS.Open(name)
	if err != nil {
		return nil, err
	}
	p.open.Add(1)
	probe := fileProbe{f, p, name}
	if p.sequential {
		return probe, nil
	}
	return fileProbeAt{probe}, nil
}

func (f fileProbe) Close() error {
	f.of.open.Add(-1)
	return f.File.Close()
}

func (f fileProbeAt) ReadAt(b []byte, at int64) (int, error) {
	if f.name == f.of.shrunk {
		info, err := f.Stat()
		if err != nil {
			return 0, err
		}
		if keep := info.Size()/2 - at; keep < int64(len(b)) {
			n, err := f.File.(io.ReaderAt).ReadAt(b[:max(keep, 0)], at)
			return n, errors.Join(io.EOF, err)
		}
	}
	return f.File.(io.ReaderAt).ReadAt(b, at)
}

// large has parameters on both sides of the size from which data is fetched.
func large(t testing.TB) *Model {
	m := New()
	b := m.Program.Blocks[0]
	b.AddTensor("x", FP32, -1, 4)
	for i, n := range []int{1, largeData / 4, 5, 3 * largeData, largeData/4 - 1, largeData} {
		x := make([]float32, n)
		for k := range x {
			x[k] = float32(i + k)
		}
		w := m.AddParam(strings.Repeat("w", i+1), floats(t, x, int64(n)))
		b.AddOp("scale", Slots("X", "x", "ScaleTensor", w), Slots("Out", "x"))
	}
	return m
}

// filesOf returns m in the combined form, or with a file each parameter.
func filesOf(t *testing.T, m *Model, combined bool) fstest.MapFS {
	program, params := encoded(t, m)
	if combined {
		return fstest.MapFS{"__model__": {Data: program}, "__params__": {Data: params}}
	}
	fsys := fstest.MapFS{"__model__": {Data: program}}
	for name, p := range m.Params {
		var b bytes.Buffer
		if err := WriteTensor(&b, p); err != nil {
			t.Fatal(err)
		}
		fsys[name] = &fstest.MapFile{Data: b.Bytes()}
	}
	return fsys
}

// TestFetch loads large parameters by every way, and from files that shrink
// meanwhile, and looks that no file stays open.
func TestFetch(t *testing.T) {
	m := large(t)
	const third = "wwww" // 3·largeData elements: more than half of all bytes
	for _, c := range []struct {
		name       string
		combined   bool
		sequential bool
		shrunk     string
	}{
		{"combined", true, false, ""}, {"separate", false, false, ""},
		{"combined, no offsets", true, true, ""}, {"separate, no offsets", false, true, ""},
		{"combined shrinks", true, false, "__params__"}, {"separate shrinks", false, false, third},
	} {
		t.Run(c.name, func(t *testing.T) {
			fsys := &fsProbe{MapFS: filesOf(t, m, c.combined), sequential: c.sequential, shrunk: c.shrunk}
			got, err := LoadFS(fsys, ".")
			if n := fsys.open.Load(); n != 0 {
				t.Errorf("%d files stay open", n)
			}
			switch {
			case c.shrunk == "":
				if err != nil || !got.Equal(m) {
					t.Errorf("another model, or %v", err)
				}
			case !errors.Is(err, ErrFormat), !errors.Is(err, io.ErrUnexpectedEOF), !strings.Contains(err.Error(), `"ww`), !strings.Contains(err.Error(), c.shrunk):
				t.Errorf("got %v, want ErrFormat with io.ErrUnexpectedEOF, parameter and file", err)
			}
		})
	}
}
