package house

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/octet-dnn/octet/"

// allowed lists, for each package of the library, what else of the module it
// may import, tests aside. The command and the tests' own packages are free.
var allowed = map[string][]string{
	"cgo":       {},
	"dnnl":      {"cgo"},
	"model":     {"model/internal/pb"},
	"graph":     {"model", "internal/parallel"},
	"calibrate": {"graph", "model", "internal/parallel"},
	"dataset":   {"model", "dataset/internal/jpeg"},
	"onnx":      {"graph", "model", "onnx/internal/pb"},
	"report":    {"calibrate", "graph", "model"},
	"infer":     {"calibrate", "dnnl", "graph", "model", "infer/internal/hostop", "internal/cpustat"},

	"calibrate/budget":      {"calibrate", "graph", "model", "internal/eval"},
	"infer/internal/hostop": {"graph", "model"},

	"internal/cpustat":     {},
	"internal/parallel":    {},
	"internal/ref":         {},
	"internal/refrun":      {"graph", "model", "internal/ref"},
	"internal/conformance": {"internal/ref"},
	"internal/eval":        {"dataset", "model"},
	"bench/nets":           {"graph", "model"},
}

// pure builds without cgo.
var pure = []string{"model", "graph", "calibrate", "calibrate/budget", "dataset", "onnx", "report", "infer/internal/hostop", "internal/cpustat", "internal/eval", "internal/parallel", "internal/ref", "internal/refrun", "internal/conformance", "bench/nets"}

type pkg struct {
	ImportPath string
	Dir        string
	Imports    []string
	CgoFiles   []string
}

func packages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Dir,Imports,CgoFiles", module+"...")
	cmd.Stderr = os.Stderr
	text, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []pkg
	d := json.NewDecoder(strings.NewReader(string(text)))
	for {
		var p pkg
		switch err := d.Decode(&p); {
		case errors.Is(err, io.EOF):
			return all
		case err != nil:
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func TestImports(t *testing.T) {
	found := map[string]bool{}
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		may, known := allowed[name]
		found[name] = true
		for _, i := range p.Imports {
			inner, ours := strings.CutPrefix(i, module)
			if known && ours && !slices.Contains(may, inner) {
				t.Errorf("%s imports %s: docs/architecture.md allows it %v", name, inner, may)
			}
			if known && i == "log" {
				t.Errorf("%s imports log: the library takes a *slog.Logger", name)
			}
		}
		if len(p.CgoFiles) > 0 && name != "cgo" {
			t.Errorf("%s has cgo files %v: only cgo may", name, p.CgoFiles)
		}
	}
	for name := range allowed {
		if !found[name] {
			t.Errorf("package %s is in the rules and not in the module", name)
		}
	}
}

// TestPure builds the packages that promise to do without C.
func TestPure(t *testing.T) {
	args := []string{"build"}
	for _, p := range pure {
		args = append(args, module+p)
	}
	cmd := exec.Command("go", args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("CGO_ENABLED=0 go %s: %v\n%s", strings.Join(args, " "), err, text)
	}
}

// generated files may be as long as they must.
const longestFile = 400

// TestFileSizes keeps a file to one idea.
func TestFileSizes(t *testing.T) {
	for _, p := range packages(t) {
		files, err := filepath.Glob(filepath.Join(p.Dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(string(text), "\n"); n > longestFile && !strings.HasSuffix(f, ".pb.go") && !strings.HasSuffix(f, "_test.go") {
				t.Errorf("%s has %d lines: more than %d", f, n, longestFile)
			}
		}
	}
}
