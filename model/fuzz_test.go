package model

import (
	"bytes"
	"errors"
	"testing"
)

// The seeds of all targets are in testdata/fuzz, made by testdata/make.go.

// FuzzProgram feeds bytes to what reads program files. What is accepted must
// encode, and decode again to the same program; every error is a FormatError.
func FuzzProgram(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := decodeFile(data)
		if err != nil {
			wantFormatError(t, err)
			return
		}
		if err := Check(&Model{Program: p}); err != nil {
			wantFormatError(t, err)
		}
		again, err := encoder{}.program(p)
		if err != nil {
			t.Fatalf("does not encode: %v", err)
		}
		q, err := decodeFile(again)
		if err != nil {
			t.Fatalf("does not decode again: %v\nwas %x\nis  %x", err, data, again)
		}
		if !p.Equal(q) || !p.Equal(p.Clone()) {
			t.Fatalf("decodes to another program:\nwas %x\nis  %x", data, again)
		}
		p.Feeds()
		p.Fetches()
	})
}

// FuzzPIR feeds bytes to what reads PIR programs. What is accepted and can be
// written must come back the same once it went through the writer, which
// orders what a file may have in any order.
func FuzzPIR(f *testing.F) {
	for _, c := range pirCases() {
		if len(c.data) < 1<<12 {
			f.Add(c.data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		lim := defaultLimits(t)
		p, _, err := decodePIR(data, lim)
		if err != nil {
			wantFormatError(t, err)
			return
		}
		if err := Check(&Model{Program: p, Params: noParams(p)}); err != nil {
			wantFormatError(t, err)
			return
		}
		first, err := encodePIR(p)
		if err != nil {
			wantFormatError(t, err)
			return
		}
		q, _, err := decodePIR(first, lim)
		if err != nil {
			t.Fatalf("does not decode again: %v\nwas %s\nis  %s", err, data, first)
		}
		second, err := encodePIR(q)
		if err != nil {
			t.Fatalf("does not encode again: %v\nwas %s\nis  %s", err, data, first)
		}
		r, _, err := decodePIR(second, lim)
		if err != nil || !q.Equal(r) {
			t.Fatalf("comes back as another program (%v):\nwas %s\nis  %s", err, first, second)
		}
	})
}

// FuzzTensor feeds bytes to what reads parameter streams.
func FuzzTensor(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		r := bytes.NewReader(data)
		x, err := ReadTensor(r, int64(len(data)))
		if err != nil {
			wantFormatError(t, err)
			return
		}
		var buf bytes.Buffer
		if err := WriteTensor(&buf, x); err != nil {
			t.Fatalf("does not encode: %v", err)
		}
		y, err := ReadTensor(bytes.NewReader(buf.Bytes()), int64(buf.Len()))
		if err != nil || !x.Equal(y) {
			t.Fatalf("decodes to another tensor (%v):\nwas %x\nis  %x", err, data, buf.Bytes())
		}
	})
}

func wantFormatError(t *testing.T, err error) {
	t.Helper()
	var fe *FormatError
	if !errors.As(err, &fe) || fe.Kind == nil || err.Error() == "" {
		t.Fatalf("%v (%T) is no FormatError", err, err)
	}
}
