package model

import (
	"bytes"
	"errors"
	"testing"
)

// The seeds of both targets are in testdata/fuzz, made by testdata/make.go.

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
