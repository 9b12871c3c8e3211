package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/octet-dnn/octet/calibrate"
	"github.com/octet-dnn/octet/dataset"
)

// checkOutput refuses an output that would fail in the end, before hours of
// work: none, the input itself, one that exists, one that cannot be written.
// model.Save checks again.
func checkOutput(input, out string, overwrite bool) error {
	if out == "" {
		return usagef("--output is missing: where to save the INT8 model")
	}
	if sameModel(input, out) {
		return usagef("the output %s is the input: the FP32 model would be lost", out)
	}
	if !overwrite {
		if name, taken := occupied(out); taken {
			return fmt.Errorf("output %s: %w; choose another, or --overwrite", name, fs.ErrExist)
		}
	}
	return writable(out)
}

// modelFiles returns what a path to a model may stand for: itself, a pair of
// files, or in a folder its program.
func modelFiles(path string) []string {
	names := []string{path}
	for _, ext := range []string{".pdmodel", ".json"} {
		names = append(names, path+ext)
		if found, err := filepath.Glob(filepath.Join(escapeGlob(path), "*"+ext)); err == nil {
			names = append(names, found...)
		}
	}
	return append(names, filepath.Join(path, "__model__"))
}

// escapeGlob keeps the characters of a path from being read as a pattern.
func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

func sameModel(input, out string) bool {
	for _, a := range modelFiles(input) {
		for _, b := range modelFiles(out) {
			x, errX := os.Stat(a)
			y, errY := os.Stat(b)
			if errX == nil && errY == nil && os.SameFile(x, y) {
				return true
			}
		}
	}
	return false
}

// occupied reports what stands at out already; an empty folder does not count.
func occupied(out string) (string, bool) {
	if ext := filepath.Ext(out); ext == ".pdmodel" || ext == onnxExt {
		beside := func(name string) string { return filepath.Join(filepath.Dir(out), name) }
		files := []string{out, beside(calibrate.TableFile), beside(dataset.PresetFile)}
		if ext == ".pdmodel" {
			files = append(files, strings.TrimSuffix(out, ext)+".pdiparams")
		}
		for _, name := range files {
			if _, err := os.Lstat(name); err == nil {
				return name, true
			}
		}
		return "", false
	}
	entries, err := os.ReadDir(out)
	switch {
	case err == nil:
		return out, len(entries) > 0
	case errors.Is(err, fs.ErrNotExist):
		return "", false
	}
	return out, true // a file
}

// writable asks whether the nearest folder above out that exists may be written.
func writable(out string) error {
	dir, err := filepath.Abs(out)
	if err != nil {
		return err
	}
	for {
		dir = filepath.Dir(dir)
		err := unix.Access(dir, unix.W_OK|unix.X_OK)
		if err == nil {
			if st, err := os.Stat(dir); err == nil && !st.IsDir() {
				return fmt.Errorf("output %s: %s: %w", out, dir, unix.ENOTDIR)
			}
			return nil
		}
		if !errors.Is(err, fs.ErrNotExist) || dir == filepath.Dir(dir) {
			return fmt.Errorf("output %s: cannot write in %s: %w", out, dir, err)
		}
	}
}

// maxFileBytes bounds pictures and label files; dataset.Limits has the same.
const maxFileBytes = 256 << 20

// readFile reads a regular file; a pipe or device might never end.
func readFile(name string) ([]byte, error) {
	st, err := os.Stat(name)
	switch {
	case err != nil:
		return nil, err
	case !st.Mode().IsRegular():
		return nil, usagef("%s is not a regular file", name)
	case st.Size() > maxFileBytes:
		return nil, usagef("%s has %d bytes: the limit is %d", name, st.Size(), maxFileBytes)
	}
	return os.ReadFile(name)
}
