package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestConvertONNX writes a demo model as ONNX by either flag, and refuses names
// and flags that contradict each other.
func TestConvertONNX(t *testing.T) {
	in := filepath.Join("..", "..", "testdata", "demo", "mobilenet")
	for _, c := range []struct {
		name string
		out  string
		args []string
		code int
	}{
		{"to", "m.onnx", []string{"--to", "onnx"}, 0},
		{"format", "m.onnx", []string{"--format", "onnx"}, 0},
		{"form of a program", "m", []string{"--to", "pdmodel", "--format", "qdq"}, 0},
		{"name without onnx", "m", []string{"--to", "onnx"}, exitBadInput},
		{"name of onnx", "m.onnx", []string{"--to", "pir"}, exitBadInput},
		{"contradiction", "m.onnx", []string{"--to", "onnx", "--format", "v13"}, exitBadInput},
		{"unknown format", "m", []string{"--to", "pir", "--format", "x"}, exitBadInput},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			r := octet(t, append([]string{"convert", in, filepath.Join(dir, c.out)}, c.args...)...)
			if r.code != c.code {
				t.Fatalf("exit code %d: want %d\n%s", r.code, c.code, r.stderr)
			}
			files, err := os.ReadDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			if (len(files) > 0) != (c.code == 0) {
				t.Errorf("wrote %v", files)
			}
		})
	}
}
