package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/octet-dnn/octet/model"
)

// calibrateTo are the arguments of a small calibration.
func calibrateTo(out string, more ...string) []string {
	return append([]string{"calibrate", mobilenetDir, "-o", out, "--data", dataDir, "--list", "train_list.txt", "--samples", "4"}, more...)
}

func TestOutputInTheWay(t *testing.T) {
	dir := t.TempDir()
	full := filepath.Join(dir, "full")
	if err := os.Mkdir(full, 0o777); err != nil {
		t.Fatal(err)
	}
	file := write(t, filepath.Join(dir, "file"), "mine")
	write(t, filepath.Join(full, "thesis.txt"), "mine")
	write(t, filepath.Join(dir, "pair.pdiparams"), "mine")
	other := filepath.Join(dir, "other")
	if err := os.Mkdir(other, 0o777); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(other, "preprocess.json"), "mine")
	before := names(t, dir)
	for _, c := range []struct {
		name, out, text string
		more            []string
	}{
		{"a folder that is not empty", full, "file already exists", nil},
		{"a folder with other files, to overwrite", full, "thesis.txt", []string{"--overwrite"}},
		{"a file", file, "file already exists", nil},
		{"a file, to overwrite", file, "file", []string{"--overwrite"}},
		{"half of a pair", filepath.Join(dir, "pair.pdmodel"), "pair.pdiparams", nil},
		{"a pair beside the preset of another model", filepath.Join(other, "pair.pdmodel"), "preprocess.json", nil},
		{"below a file", filepath.Join(file, "out"), "file", nil},
		{"below /proc", "/proc/octet/out", "/proc", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			refused(t, exitBadInput, c.text, calibrateTo(c.out, c.more...)...)
			if diff := cmp.Diff(before, names(t, dir)); diff != "" {
				t.Errorf("files changed (-before +after):\n%s", diff)
			}
		})
	}
	for _, name := range []string{file, filepath.Join(full, "thesis.txt"), filepath.Join(dir, "pair.pdiparams"), filepath.Join(other, "preprocess.json")} {
		if text, err := os.ReadFile(name); err != nil || string(text) != "mine" {
			t.Errorf("%s now holds %q, %v", name, text, err)
		}
	}
}

func TestOutputReadOnly(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("SKIP-ROOT: root may write everywhere")
	}
	dir := filepath.Join(t.TempDir(), "dir")
	if err := os.Mkdir(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	refused(t, exitBadInput, "cannot write in "+dir, calibrateTo(filepath.Join(dir, "out"))...)
}

func TestOutputIsInput(t *testing.T) {
	m := copyOf(t, mobilenetDir)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(m, link); err != nil {
		t.Fatal(err)
	}
	before, err := model.Load(m)
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range []string{m, link, m + "/model", m + "/model.pdmodel"} {
		for _, out := range []string{m, m + "/", link, m + "/model.pdmodel"} {
			refused(t, exitBadInput, "is the input", "calibrate", in, "-o", out, "--overwrite", "--data", dataDir, "--samples", "1")
		}
	}
	if after, err := model.Load(m); err != nil || !before.Equal(after) {
		t.Errorf("the model changed: %v", err)
	}
}

func TestOverwrite(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	mustOctet(t, calibrateTo(out)...)
	first := names(t, filepath.Dir(out))
	refused(t, exitBadInput, "file already exists", calibrateTo(out)...)
	refused(t, exitBadInput, "INT8 already", "calibrate", out, "-o", out+"2", "--data", dataDir, "--samples", "1")
	mustOctet(t, calibrateTo(out, "--overwrite", "--format", "v13")...)
	second, err := model.Load(out)
	if err != nil {
		t.Fatal(err)
	}
	fused := 0
	for _, o := range second.Program.Blocks[0].Ops {
		if o.Type == "fused_conv2d" {
			fused++
		}
	}
	if fused > 0 {
		t.Errorf("%d operators fused_conv2d are left of the first model", fused)
	}
	if diff := cmp.Diff(first, names(t, filepath.Dir(out))); diff != "" {
		t.Errorf("files changed (-first +second):\n%s", diff)
	}
}

// A failing writer is a stdout that cannot take anything.
type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestStdoutFails(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		want int
	}{
		{"the reader has gone", syscall.EPIPE, exitOK},
		{"disk full", syscall.ENOSPC, exitEnvironment},
		{"anything else", errors.New("broken"), exitFailure},
	} {
		t.Run(c.name, func(t *testing.T) {
			var stderr strings.Builder
			if code := run(t.Context(), []string{"inspect", mobilenetDir}, failing{c.err}, &stderr); code != c.want {
				t.Errorf("exit %d, want %d; stderr %q", code, c.want, &stderr)
			}
		})
	}
}

func TestDiskFull(t *testing.T) {
	err := errors.Join(errors.New("save"), &os.PathError{Op: "write", Path: "out/conv1_weights", Err: unix.ENOSPC})
	if code := exitCode(t.Context(), err); code != exitEnvironment {
		t.Errorf("exit %d of %v, want %d", code, err, exitEnvironment)
	}
	if got, want := message(t.Context(), err), "save; write out/conv1_weights: no space left on device"; got != want {
		t.Errorf("message %q, want %q", got, want)
	}
}

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"plain, Übung, 猫\n\tindented": "plain, Übung, 猫\n\tindented",
		"\x1b[31mred\x1b[0m":          "�[31mred�[0m",
		"bell\a, NUL\x00, DEL\x7f":    "bell�, NUL�, DEL�",
		"right to left \u202e":        "right to left �",
	} {
		if got := printable(in); got != want {
			t.Errorf("printable(%q) = %q, want %q", in, got, want)
		}
	}
}

// Writers between the verbs and the output cut text anywhere.
func TestOutputJoinsCharacters(t *testing.T) {
	const text = "Übung 猫 🐈 \x1b end"
	for size := 1; size <= len(text); size++ {
		var w strings.Builder
		o := &output{w: &w}
		for at := 0; at < len(text); at += size {
			fmt.Fprint(o, text[at:min(at+size, len(text))])
		}
		if got, want := w.String(), "Übung 猫 🐈 � end"; got != want {
			t.Errorf("in pieces of %d bytes: %q, want %q", size, got, want)
		}
	}
}
