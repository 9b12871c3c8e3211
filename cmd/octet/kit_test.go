package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/octet-dnn/octet/model"
)

// The models and pictures that ship with Octet.
const (
	demoFolder   = "../../testdata/demo"
	resnetDir    = demoFolder + "/resnet"
	mobilenetDir = demoFolder + "/mobilenet"
	dataDir      = demoFolder + "/data"
)

// runMain makes the test binary behave as the command, for tests of signals
// and pipes.
const runMain = "OCTET_TEST_RUN_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(runMain) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// An outcome is what a command line did.
type outcome struct {
	code        int
	out, stderr string
}

// octet runs a command line in this process.
func octet(t *testing.T, args ...string) outcome {
	t.Helper()
	return octetWith(t.Context(), args...)
}

func octetWith(ctx context.Context, args ...string) outcome {
	var out, err bytes.Buffer
	code := run(ctx, append([]string{"--progress=none"}, args...), &out, &err)
	return outcome{code, out.String(), err.String()}
}

// mustOctet fails the test unless the command line succeeds.
func mustOctet(t *testing.T, args ...string) string {
	t.Helper()
	o := octet(t, args...)
	if o.code != exitOK {
		t.Fatalf("octet %s: exit %d, want 0\n%s", strings.Join(args, " "), o.code, o.stderr)
	}
	return o.out
}

// refused checks that a command line fails as it should: with the code, one
// line on stderr that contains the text, and nothing on stdout.
func refused(t *testing.T, code int, text string, args ...string) {
	t.Helper()
	o := octet(t, args...)
	if o.code != code || !strings.Contains(o.stderr, text) {
		t.Errorf("octet %s: exit %d, stderr %q; want exit %d and %q", strings.Join(args, " "), o.code, o.stderr, code, text)
	}
	if o.out != "" {
		t.Errorf("octet %s: stdout %q, want nothing", strings.Join(args, " "), o.out)
	}
	if !strings.HasPrefix(o.stderr, "octet: ") || strings.Count(o.stderr, "\n") != 1 {
		t.Errorf("octet %s: stderr %q, want one line that starts with octet:", strings.Join(args, " "), o.stderr)
	}
}

// decode reads stdout as exactly one JSON object.
func decode(t *testing.T, text string, v any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	if d.More() {
		t.Fatalf("more than one object in %s", text)
	}
}

// copyOf copies a folder, to be spoilt.
func copyOf(t *testing.T, dir string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), filepath.Base(dir))
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to
}

// withOp returns a folder with the demo's MobileNet in which one operator
// has another type.
func withOp(t *testing.T, from, to string) string {
	t.Helper()
	m, err := model.Load(mobilenetDir)
	if err != nil {
		t.Fatal(err)
	}
	changed := false
	for _, o := range m.Program.Blocks[0].Ops {
		if o.Type == from && !changed {
			o.Type, changed = to, true
		}
	}
	dir := filepath.Join(t.TempDir(), "changed")
	if err := model.Save(m, dir); err != nil || !changed {
		t.Fatalf("changed %v, error %v", changed, err)
	}
	return dir
}

// names lists everything below dir.
func names(t *testing.T, dir string) (all []string) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, _ fs.DirEntry, err error) error {
		all = append(all, path)
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return all
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return name
}
