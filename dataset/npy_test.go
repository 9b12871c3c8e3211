package dataset

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/octet-dnn/octet/model"
	"github.com/sbinet/npyio"
)

// npy builds a file with the header as given.
func npy(version byte, header string, body string) []byte {
	b := []byte{0x93, 'N', 'U', 'M', 'P', 'Y', version, 0}
	if version == 1 {
		b = binary.LittleEndian.AppendUint16(b, uint16(len(header)))
	} else {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(header)))
	}
	return append(append(b, header...), body...)
}

func npyDict(descr, order, shape string) string {
	return fmt.Sprintf("{'descr': %s, 'fortran_order': %s, 'shape': %s, }   \n", descr, order, shape)
}

func TestParseNpy(t *testing.T) {
	tests := []struct {
		name, descr, shape string
		version            byte
		body               string
		dtype              model.DType
		dims               []int64
	}{
		{"vector", "'<f4'", "(2,)", 1, "\x00\x00\x80\x3f\x00\x00\x00\x40", model.FP32, []int64{2}},
		{"matrix, version 2", "'|u1'", "(2, 3)", 2, "abcdef", model.UInt8, []int64{2, 3}},
		{"version 3", "'<i8'", "(1, 1)", 3, "12345678", model.Int64, []int64{1, 1}},
		{"scalar", "'<f8'", "()", 1, "12345678", model.FP64, []int64{}},
		{"nothing in it", "'<f4'", "(0, 3)", 1, "", model.FP32, []int64{0, 3}},
		{"nothing in it, huge dim", "'<f4'", "(0, 9223372036854775807)", 1, "", model.FP32, []int64{0, 9223372036854775807}},
		{"byte without order", "'>i1'", "(1,)", 1, "x", model.Int8, []int64{1}},
		{"bool", "'|b1'", "(2,)", 1, "\x00\x01", model.Bool, []int64{2}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseNpy(npy(tt.version, npyDict(tt.descr, "False", tt.shape), tt.body))
			if err != nil {
				t.Fatal(err)
			}
			want := &model.Tensor{DType: tt.dtype, Dims: tt.dims, Data: []byte(tt.body)}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseNpyErrors(t *testing.T) {
	good := npyDict("'<f4'", "False", "(2,)")
	tests := []struct {
		name string
		data []byte
		want string
	}{
		{"empty", nil, "is an empty file"},
		{"a JPEG", []byte("\xff\xd8\xff\xe0 and some more bytes"), "is JPEG"},
		{"only the magic", []byte("\x93NUMPY"), "want an npy array"},
		{"version 9", npy(9, good, "12345678"), "format version 9.0"},
		{"header of 4 GB", append(npy(2, "", "")[:8], "\xff\xff\xff\xff{}"...), "header says 4294967295 bytes"},
		{"header past the end", npy(1, good, "")[:40], "header says"},
		{"long header", npy(2, strings.Repeat(" ", 20000)+good, "12345678"), "the limit is 10000"},
		{"empty header", npy(1, "", "12345678"), "is not one that numpy writes"},
		{"no newline", npy(1, strings.TrimSpace(good), "12345678"), "is not one that numpy writes"},
		{"code for a shape", npy(1, npyDict("'<f4'", "False", "(__import__('os').abort(),)"), ""), "is not one that numpy writes"},
		{"negative dim", npy(1, npyDict("'<f4'", "False", "(-2,)"), ""), "is not one that numpy writes"},
		{"Fortran order", npy(1, npyDict("'<f4'", "True", "(2,)"), "12345678"), "Fortran order"},
		{"object array", npy(1, npyDict("'|O'", "False", "(2,)"), "\x80\x04"), "holds a pickle"},
		{"records", npy(1, npyDict("[('a', '<f4'), ('b', '<i8')]", "False", "(2,)"), ""), "records"},
		{"big endian", npy(1, npyDict("'>f4'", "False", "(2,)"), "12345678"), "big endian"},
		{"complex", npy(1, npyDict("'<c8'", "False", "(1,)"), "12345678"), "has no tensor type"},
		{"text", npy(1, npyDict("'<U2'", "False", "(1,)"), "12345678"), "has no tensor type"},
		{"type without quotes", npy(1, npyDict("<f4", "False", "(2,)"), "12345678"), "type <f4"},
		{"type empty", npy(1, npyDict("''", "False", "(2,)"), "12345678"), "type ''"},
		{"type of one letter", npy(1, npyDict("'f'", "False", "(2,)"), "12345678"), "type 'f'"},
		{"unknown byte order", npy(1, npyDict("'!f4'", "False", "(2,)"), "12345678"), "type '!f4'"},
		{"dim beyond int64", npy(1, npyDict("'<f4'", "False", "(99999999999999999999,)"), ""), "shape"},
		{"dims that overflow", npy(1, npyDict("'<f4'", "False", "(4294967296, 4294967296)"), "12345678"), "needs more than"},
		{"too little data", npy(1, good, "1234567"), "needs more than the 7 bytes"},
		{"too much data", npy(1, good, "123456789"), "takes 8 bytes, the file has 9"},
		{"data for no elements", npy(1, npyDict("'<f4'", "False", "(0,)"), "1234"), "takes 0 bytes, the file has 4"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x, err := ParseNpy(tt.data)
			if err == nil {
				t.Fatalf("no error; tensor %v %v", x.DType, x.Dims)
			}
			if !errors.Is(err, ErrNpy) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %q, want an ErrNpy with %q", err, tt.want)
			}
		})
	}
}

// TestReadNpyOfNpyio reads what another implementation wrote.
func TestReadNpyOfNpyio(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.npy")
	var b bytes.Buffer
	if err := npyio.Write(&b, []float32{1, -2.5, 3}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	x, err := ReadNpy(file, 0, 3)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]float32{1, -2.5, 3}, x.Float32s()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, want := range [][]int64{{-1}, {3}} {
		if _, err := ReadNpy(file, 0, want...); err != nil {
			t.Errorf("want %v: %v", want, err)
		}
	}
	for _, want := range [][]int64{{4}, {3, 1}, {-1, -1}} {
		if _, err := ReadNpy(file, 0, want...); !errors.Is(err, ErrNpy) || !strings.Contains(err.Error(), file) {
			t.Errorf("shape [3], want %v: error %v, want an ErrNpy with the file's name", want, err)
		}
	}
	if _, err := ReadNpy(file, 20); err == nil || !strings.Contains(err.Error(), "the limit is 20") {
		t.Errorf("limit: %v", err)
	}
	if _, err := ReadNpy(file+"x", 0); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no such file: %v", err)
	}
}

func FuzzParseNpy(f *testing.F) {
	f.Add(npy(1, npyDict("'<f4'", "False", "(2,)"), "12345678"))
	f.Add(npy(2, npyDict("'|O'", "True", "(2, 3)"), ""))
	f.Add(npy(3, npyDict("'|u1'", "False", "()"), "x"))
	f.Fuzz(func(t *testing.T, data []byte) {
		x, err := ParseNpy(data)
		if err != nil {
			if !errors.Is(err, ErrNpy) {
				t.Fatalf("error %v does not wrap ErrNpy", err)
			}
			return
		}
		n := int64(x.DType.Size())
		for _, d := range x.Dims {
			n *= d
		}
		if n != int64(len(x.Data)) {
			t.Fatalf("%v %v with %d bytes", x.DType, x.Dims, len(x.Data))
		}
	})
}
