package model

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/octet-dnn/octet/internal/refdata"
)

// programFiles lists the program files below dir.
func programFiles(t testing.TB, dir string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && (d.Name() == fluidProgram || filepath.Ext(path) == pdmodelExt) {
			out = append(out, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) == 0 {
		t.Fatalf("no program below %s", dir)
	}
	return out
}

// paddleModels are all models of the test material that Paddle, or a writer
// verified with Paddle, made.
func paddleModels(t testing.TB) []string {
	var out []string
	for _, sub := range []string{
		"paddle/fixtures/legacy", "paddle/fixtures/paddle26", "paddle/fixtures/int8", "paddle/fixtures/qdq",
		"thirdparty", "realmodels",
	} {
		out = append(out, programFiles(t, refdata.Path(t, sub))...)
	}
	return out
}

// TestPaddleProgramsAreBytewise loads every program of the test material and
// encodes it again: the bytes must be those of the file.
func TestPaddleProgramsAreBytewise(t *testing.T) {
	for _, file := range paddleModels(t) {
		m, err := Load(file)
		if err != nil {
			t.Errorf("Load: %v", err)
			continue
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		got, err := encoder{}.program(m.Program)
		if err != nil || string(got) != string(want) {
			t.Errorf("%s: %d bytes encode to %d others (%v)", file, len(want), len(got), err)
		}
		for _, name := range m.Program.Feeds() {
			if strings.TrimSpace(name) == "" {
				t.Errorf("%s: feeds %q", file, m.Program.Feeds())
			}
		}
	}
}
