package model

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"math"
	"strings"
	"testing"
	"testing/fstest"
)

// A stream of one FP32 tensor of dims [10], up to its data: the header that
// Paddle 1.8.5 writes.
const paddleHeader = "00000000 0000000000000000 00000000 04000000 0805 100a"

func stream(header string, data int) []byte { return append(raw(header), make([]byte, data)...) }

// described is a stream with that descriptor and data.
func described(desc []byte, data int) []byte {
	b := raw("00000000 0000000000000000 00000000")
	b = binary.LittleEndian.AppendUint32(b, uint32(len(desc)))
	return append(append(b, desc...), make([]byte, data)...)
}

func dimsOf(dims ...int64) []byte {
	b := vint(1, 5)
	for _, d := range dims {
		b = append(b, vint(2, uint64(d))...)
	}
	return b
}

func tensorCases() []hostileCase {
	return []hostileCase{
		{"good", stream(paddleHeader, 40), nil, ""},
		{"no dims is one element", described(vint(1, 5), 4), nil, ""},
		{"zero dim", described(dimsOf(3, 0), 0), nil, ""},
		{"packed dims", described(join(vint(1, 5), sub(2, raw("02 03"))), 24), nil, ""},
		{"empty", nil, ErrFormat, "LoD version"},
		{"version 1", stream("01000000 0000000000000000", 60), ErrFormat, "expected 0, seen 1"},
		{"big-endian data sizes", stream("00000000 0000000000000000 00000000 00000004 0805 100a", 40), ErrFormat, "seen 67108864"},
		{"tensor version 1", stream("00000000 0000000000000000 01000000 04000000 0805 100a", 40), ErrFormat, "tensor version"},
		{"65 LoD levels", stream("00000000 4100000000000000", 60), ErrFormat, "at most 64"},
		{"2^64-1 LoD levels", stream("00000000 ffffffffffffffff", 60), ErrFormat, "18446744073709551615"},
		{"LoD level beyond the file", stream("00000000 0100000000000000 0001000000000000", 60), ErrFormat, "seen 256"},
		{"LoD level of 2^64-8 bytes", stream("00000000 0100000000000000 f8ffffffffffffff", 60), ErrFormat, "18446744073709551608"},
		{"LoD level of 7 bytes", stream("00000000 0100000000000000 0700000000000000", 60), ErrFormat, "multiple of 8"},
		{"descriptor of -1 bytes", stream("00000000 0000000000000000 00000000 ffffffff", 60), ErrFormat, "seen -1"},
		{"descriptor of 2^31-1 bytes", stream("00000000 0000000000000000 00000000 ffffff7f", 60), ErrFormat, "2147483647"},
		{"descriptor beyond the file", stream("00000000 0000000000000000 00000000 50000000", 60), ErrFormat, "seen 80"},
		{"empty descriptor", described(nil, 40), ErrFormat, "TensorDesc.data_type"},
		{"descriptor of noise", described(noise(64), 40), ErrFormat, ""},
		{"descriptor of a million dims", described(join(vint(1, 5), many(500_000, vint(2, 1))), 4), ErrTooLarge, "Limits.Rank"},
		{"element type of a kind", described(join(vint(1, 7), vint(2, 10)), 40), ErrFormat, "dtype(7)"},
		{"element type -1", described(join(vint(1, minusOne), vint(2, 10)), 40), ErrFormat, "dtype(-1)"},
		{"element type complex64", described(join(vint(1, 23), vint(2, 10)), 80), ErrFormat, "dtype(23)"},
		{"nine dims", described(dimsOf(1, 1, 1, 1, 1, 1, 1, 1, 1), 4), ErrTooLarge, "Limits.Rank"},
		{"dim -1", described(dimsOf(-1, 10), 40), ErrFormat, "negative"},
		{"dim -2^63", described(dimsOf(math.MinInt64), 40), ErrFormat, "negative"},
		{"dim 2^31", described(dimsOf(1<<31), 40), ErrTooLarge, "Limits.Dim"},
		{"dim 2^63-1", described(dimsOf(math.MaxInt64), 40), ErrTooLarge, "Limits.Dim"},
		{"product overflows 64 bits", described(dimsOf(math.MaxInt32, math.MaxInt32, math.MaxInt32), 40), ErrTooLarge, "TensorBytes"},
		{"product of 2^64", described(dimsOf(1<<30, 1<<30, 16), 40), ErrTooLarge, "TensorBytes"},
		{"tensor of 4 GiB and a bit", described(dimsOf(1<<30+1), 40), ErrTooLarge, "TensorBytes"},
		{"tensor of 4 GiB in a small file", described(dimsOf(1<<30), 40), ErrFormat, "40 bytes left"},
		{"data short by one byte", stream(paddleHeader, 39), ErrFormat, "39 bytes left"},
		{"no data", stream(paddleHeader, 0), ErrFormat, "0 bytes left"},
	}
}

func TestHostileTensors(t *testing.T) {
	for _, c := range tensorCases() {
		t.Run(c.name, func(t *testing.T) {
			_, err := ReadTensor(bytes.NewReader(c.data), int64(len(c.data)))
			checkRejection(t, err, c.kind, c.want)
		})
	}
}

// TestTensorShrinks reads from a file that is shorter than its size said.
func TestTensorShrinks(t *testing.T) {
	b := stream(paddleHeader, 40)
	for n := range b {
		_, err := ReadTensor(bytes.NewReader(b[:n]), int64(len(b)))
		if !errors.Is(err, io.ErrUnexpectedEOF) || !errors.Is(err, ErrFormat) {
			t.Errorf("%d of %d bytes: got %v, want ErrFormat and io.ErrUnexpectedEOF", n, len(b), err)
		}
	}
}

// TestParamsSweeps truncates a combined parameter file at every byte and flips
// every bit. A truncated file must be refused.
func TestParamsSweeps(t *testing.T) {
	m := tiny(t)
	program, params := encoded(t, m)
	load := func(b []byte) error {
		_, err := LoadFS(fstest.MapFS{"__model__": {Data: program}, "__params__": {Data: b}}, ".")
		if err == nil && len(b) != len(params) {
			t.Errorf("%d of %d bytes were accepted", len(b), len(params))
		}
		return err
	}
	sweep(t, params, load)
}

// TestHostileParams are faults of whole models: what is in the directory, and
// which file has what. want "" accepts.
func TestHostileParams(t *testing.T) {
	m := tiny(t)
	program, params := encoded(t, m)
	combined := func(params []byte) fstest.MapFS {
		return fstest.MapFS{"__model__": {Data: program}, "__params__": {Data: params}}
	}
	separate := func(change func(fstest.MapFS)) fstest.MapFS {
		fsys := fstest.MapFS{"__model__": {Data: program}}
		for name, tensor := range m.Params {
			var buf bytes.Buffer
			if err := WriteTensor(&buf, tensor); err != nil {
				t.Fatal(err)
			}
			fsys[name] = &fstest.MapFile{Data: buf.Bytes()}
		}
		change(fsys)
		return fsys
	}
	param := func(name string) []byte { return block(tensorParam(name)) }
	for _, c := range []struct {
		name string
		fsys fstest.MapFS
		kind error
		want string
	}{
		{"good", combined(params), nil, ""},
		{"good separate", separate(func(fstest.MapFS) {}), nil, ""},
		{"other files beside", separate(func(f fstest.MapFS) { f["README"] = &fstest.MapFile{} }), nil, ""},
		{"combined file empty", combined(nil), ErrFormat, "seen the end of the file after 0"},
		{"combined file with a byte too many", combined(append(params[:len(params):len(params)], 0)), ErrFormat, "1 more bytes"},
		{"combined file short by a byte", combined(params[:len(params)-1]), ErrFormat, `"scope/conv.w_0"`},
		{"combined file twice", combined(append(params[:len(params):len(params)], params...)), ErrFormat, "more bytes"},
		{"combined file is a pickle", combined(raw("80027d71")), ErrUnsupported, "pickle"},
		{"combined file is gzip", combined(raw("1f8b0800")), ErrUnsupported, "gzip"},
		{"combined file is an LFS pointer", combined([]byte("version https://git-lfs.github.com")), ErrUnsupported, "Git LFS"},
		{"combined file is a directory", fstest.MapFS{"__model__": {Data: program}, "__params__/x": {}}, ErrFormat, "a directory"},
		{"a separate file is missing", separate(func(f fstest.MapFS) { delete(f, "lod") }), fs.ErrNotExist, `1 missing: "lod"`},
		{"all separate files are missing", fstest.MapFS{"__model__": {Data: program}}, fs.ErrNotExist, "WithParamsFile"},
		{"a separate file is empty", separate(func(f fstest.MapFS) { f["lod"] = &fstest.MapFile{} }), ErrFormat, `parameter "lod": LoD version`},
		{"a separate file is a directory", separate(func(f fstest.MapFS) { delete(f, "lod"); f["lod/x"] = &fstest.MapFile{} }), ErrFormat, "a directory"},
		{"a separate file has two streams", separate(func(f fstest.MapFS) { f["lod"].Data = append(f["lod"].Data, f["lod"].Data...) }), ErrFormat, "more bytes"},
		{"program is a directory", fstest.MapFS{"__model__/x": {}}, ErrFormat, "a directory"},
		{"empty directory", fstest.MapFS{}, fs.ErrNotExist, "an empty directory"},
		{"directory without a program", fstest.MapFS{"a.txt": {}, "b\n.bin": {}}, fs.ErrNotExist, `a.txt, "b\n.bin"`},
		{"two pdmodels", fstest.MapFS{"a.pdmodel": {}, "b.pdmodel": {}}, ErrFormat, "a.pdmodel, b.pdmodel"},
		{"pdmodel without pdiparams", fstest.MapFS{"a.pdmodel": {Data: program}}, fs.ErrNotExist, "a.pdiparams"},
		{"PIR directory", fstest.MapFS{"a.json": {Data: []byte(`{"base_code":{"magic":"pir"}}`)}, "a.pdiparams": {}}, ErrFormat, "a.json"},
		{"two PIR programs", fstest.MapFS{"a.json": {}, "b.json": {}, "a.pdiparams": {}, "b.pdiparams": {}}, ErrFormat, "several: a.json, b.json"},
		{"two JSON files, one with parameters", fstest.MapFS{"a.json": {}, "b.json": {}, "b.pdiparams": {}}, ErrFormat, "b.json: malformed model: expected a Paddle program, seen an empty file"},
		{"parameter ../x", fstest.MapFS{"__model__": {Data: param("../x")}}, ErrFormat, `parameter "../x"`},
		{"parameter /etc/passwd", fstest.MapFS{"__model__": {Data: param("/etc/passwd")}}, ErrFormat, "inside the model's directory"},
		{"parameter a/../../b", fstest.MapFS{"__model__": {Data: param("a/../../b")}}, ErrFormat, "inside the model's directory"},
		{"parameter .", fstest.MapFS{"__model__": {Data: param(".")}}, ErrFormat, "inside the model's directory"},
		{"parameter with NUL", fstest.MapFS{"__model__": {Data: param("a\x00")}}, ErrFormat, `"a\x00"`},
		{"parameter ;rm", fstest.MapFS{"__model__": {Data: param(";rm -rf ~")}}, fs.ErrNotExist, `";rm -rf ~"`},
		{"parameter $(id)", fstest.MapFS{"__model__": {Data: param("$(id)")}}, fs.ErrNotExist, `"$(id)"`},
		{"parameter with newline", fstest.MapFS{"__model__": {Data: param("a\nb")}}, fs.ErrNotExist, `"a\nb"`},
		{"parameter of 4 KiB", fstest.MapFS{"__model__": {Data: param(strings.Repeat("n", 4096))}}, ErrTooLarge, "NameBytes"},
		{"parameter that looks like another", fstest.MapFS{"__model__": {Data: param("cоnv")}, "conv": {Data: stream(paddleHeader, 40)}}, fs.ErrNotExist, "1 missing"},
		{"no parameters, no file", fstest.MapFS{"__model__": {Data: block()}}, nil, ""},
		{"no parameters, empty file", fstest.MapFS{"__model__": {Data: block()}, "__params__": {}}, nil, ""},
		{"no parameters, a file with some", fstest.MapFS{"__model__": {Data: block()}, "__params__": {Data: params}}, ErrFormat, "after 0 parameters"},
		{"stream of another shape than the variable", fstest.MapFS{"__model__": {Data: param("w")}, "w": {Data: stream(paddleHeader, 40)}}, nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := LoadFS(c.fsys, ".")
			checkRejection(t, err, c.kind, c.want)
		})
	}
}

// tensorParam is a persistable FP32 variable of dims [3].
func tensorParam(name string) []byte {
	return sub(3, str(1, name), sub(2, vint(1, 7), sub(3, sub(1, vint(1, 5), vint(2, 3)))), vint(3, 1))
}
