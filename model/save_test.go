package model

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/octet-dnn/octet/internal/refdata"

	"github.com/google/go-cmp/cmp"
)

type formCase struct {
	name string
	form Form
	path string // of the output below a folder
}

var forms = []formCase{
	{"separate", FormSeparate, "out"},
	{"combined", FormCombined, "out"},
	{"pdmodel", FormPdModel, "out/net"},
}

// tree returns the files below dir with their content.
func tree(t testing.TB, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		out[filepath.ToSlash(name)] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func mustLoad(t testing.TB, name string, opts ...Option) *Model {
	t.Helper()
	m, err := Load(name, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestSaveLoad saves and loads in every form: model, fingerprint and bytes stay.
func TestSaveLoad(t *testing.T) {
	models := map[string]*Model{"tiny": tiny(t), "empty": New()}
	for name, m := range models {
		want := Fingerprint(m)
		for _, f := range forms {
			t.Run(name+"/"+f.name, func(t *testing.T) {
				dir, got := checkRoundTrip(t, m, f.form, f.path, want)
				checkSecondSave(t, dir, got, f.form, f.path)
			})
		}
	}
}

// checkRoundTrip saves m to path below a folder of its own, which it returns
// with the model that it loads from there.
func checkRoundTrip(t *testing.T, m *Model, form Form, path, fingerprint string) (string, *Model) {
	t.Helper()
	dir := t.TempDir()
	out := filepath.Join(dir, filepath.FromSlash(path))
	if err := Save(m, out, WithForm(form)); err != nil {
		t.Fatal(err)
	}
	got := mustLoad(t, out)
	if !got.Equal(m) {
		t.Fatalf("loaded model differs: %s", cmp.Diff(m.Program, got.Program))
	}
	if f := Fingerprint(got); f != fingerprint {
		t.Errorf("fingerprint %s, want %s", f, fingerprint)
	}
	return dir, got
}

// checkSecondSave saves what was loaded from below dir: the bytes must be the same.
func checkSecondSave(t *testing.T, dir string, got *Model, form Form, path string) {
	t.Helper()
	again := t.TempDir()
	if err := Save(got, filepath.Join(again, filepath.FromSlash(path)), WithForm(form)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(tree(t, dir), tree(t, again)); diff != "" {
		t.Errorf("second save differs from the first:\n%s", diff)
	}
}

// TestPaddleModelsSave is TestSaveLoad on the models of the test material.
func TestPaddleModelsSave(t *testing.T) {
	for _, file := range paddleModels(t) {
		t.Run(strings.ReplaceAll(filepath.ToSlash(file), "/", "_"), func(t *testing.T) {
			t.Parallel() // a save mostly waits for the disk
			if strings.Contains(file, "resnet50") && testing.Short() {
				t.Skip("100 MB model in -short mode")
			}
			m := mustLoad(t, file)
			want := Fingerprint(m)
			for _, f := range forms {
				checkRoundTrip(t, m, f.form, f.path, want)
			}
		})
	}
}

// TestPaddleFilesAreBytewise saves Paddle's models in their own form and wants
// Paddle's own bytes, file by file.
func TestPaddleFilesAreBytewise(t *testing.T) {
	legacy := refdata.Path(t, "paddle/fixtures/legacy")
	for _, c := range []struct {
		sub  string
		form Form
	}{
		{"tiny_resnet/separate", FormSeparate}, {"tiny_resnet/combined", FormCombined},
		{"tiny_inception/separate", FormSeparate}, {"tiny_mobilenet/combined", FormCombined},
	} {
		src := filepath.Join(legacy, filepath.FromSlash(c.sub))
		out := filepath.Join(t.TempDir(), "m")
		if err := Save(mustLoad(t, src), out, WithForm(c.form)); err != nil {
			t.Fatal(err)
		}
		want := tree(t, src)
		for name, got := range tree(t, out) {
			if want[name] != got {
				t.Errorf("%s: %s differs from Paddle's", c.sub, name)
			}
		}
	}
}

func TestSaveRefusals(t *testing.T) {
	rename := func(old, name string) *Model {
		m := tiny(t)
		m.Params[name] = m.Params[old]
		delete(m.Params, old)
		m.Program.Blocks[0].Var(old).Name = name
		return m
	}
	broken := tiny(t)
	delete(broken.Params, "lod")
	badAttr := tiny(t)
	badAttr.Program.Blocks[0].Ops[2].SetAttr(Attr{"groups", AttrInt, "one"})
	for _, c := range []struct {
		name string
		m    *Model
		path string
		opts []SaveOption
		want string
	}{
		{"name leaves the directory", rename("lod", "../lod"), "out", nil, `parameter "../lod"`},
		{"name is absolute", rename("lod", "/etc/passwd"), "out", nil, "inside the model's directory"},
		{"name with dots in the middle", rename("lod", "a/../../b"), "out", nil, "inside the model's directory"},
		{"name is a dot", rename("lod", "."), "out", nil, "inside the model's directory"},
		{"name with NUL", rename("lod", "a\x00b"), "out", nil, `parameter "a\x00b"`},
		{"name with backslash", rename("lod", `..\lod`), "out", nil, "inside the model's directory"},
		{"parameter called __model__", rename("lod", "__model__"), "out", nil, `"__model__"`},
		{"file and folder of one name", rename("lod", "conv2.b/x"), "out", nil, "conv2.b"},
		{"name longer than a file name", rename("lod", strings.Repeat("n", 300)), "out", nil, "file name too long"},
		{"missing parameter", broken, "out", nil, `parameter "lod"`},
		{"attribute of the wrong type", badAttr, "out", nil, `attribute "groups"`},
		{"nil", nil, "out", nil, "program of at least one block"},
		{"extra file is the program", tiny(t), "out", []SaveOption{WithFile("__model__", nil)}, `"__model__"`},
		{"extra file elsewhere", tiny(t), "out", []SaveOption{WithFile("../x", nil)}, "WithFile"},
		{"extra file in a folder", tiny(t), "out", []SaveOption{WithFile("a/b", nil)}, "without folders"},
		{"form unknown", tiny(t), "out", []SaveOption{WithForm(9)}, "no such form"},
		{"below a file", tiny(t), "file/out", nil, "not a directory"},
		{"prefix below a file", tiny(t), "file/out.pdmodel", nil, "not a directory"},
		{"onto a file", tiny(t), "file", nil, "exist"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "file"), []byte("mine"), 0o666); err != nil {
				t.Fatal(err)
			}
			err := Save(c.m, filepath.Join(dir, c.path), append(c.opts, WithOverwrite())...)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got error %v, want one with %q", err, c.want)
			}
			if diff := cmp.Diff(map[string]string{"file": "mine"}, tree(t, dir)); diff != "" {
				t.Errorf("the folder changed:\n%s", diff)
			}
			assertNoStage(t, dir)
		})
	}
}

// assertNoStage fails where a staging folder was left in dir.
func assertNoStage(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), stagePrefix) {
			t.Errorf("%s was left behind", e.Name())
		}
	}
}

func TestSaveExisting(t *testing.T) {
	for _, f := range forms {
		t.Run(f.name, func(t *testing.T) {
			dir := t.TempDir()
			out := filepath.Join(dir, filepath.FromSlash(f.path))
			if err := Save(tiny(t), out, WithForm(f.form), WithFile("preset.json", []byte("1"))); err != nil {
				t.Fatal(err)
			}
			before := tree(t, dir)
			next := tiny(t)
			next.AddParam("another", floats(t, []float32{7}, 1))
			err := Save(next, out, WithForm(f.form), WithFile("preset.json", []byte("2")))
			if !errors.Is(err, fs.ErrExist) {
				t.Errorf("save onto an output: %v, want fs.ErrExist", err)
			}
			if diff := cmp.Diff(before, tree(t, dir)); diff != "" {
				t.Errorf("a refused save changed the output:\n%s", diff)
			}
			err = Save(next, out, WithForm(f.form), WithFile("preset.json", []byte("2")), WithOverwrite())
			if err != nil {
				t.Fatalf("overwrite: %v", err)
			}
			if !mustLoad(t, out).Equal(next) {
				t.Error("the new model is not there")
			}
			if got := tree(t, dir)["out/preset.json"]; got != "2" {
				t.Errorf("preset.json holds %q", got)
			}
			assertNoStage(t, dir)
			assertNoStage(t, filepath.Join(dir, "out"))
		})
	}
}

func TestSaveOverwriteKeepsForeignFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	if err := Save(tiny(t), dir); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "thesis.tex"), []byte("years"), 0o666); err != nil {
		t.Fatal(err)
	}
	before := tree(t, dir)
	err := Save(New(), dir, WithOverwrite())
	if !errors.Is(err, fs.ErrExist) || !strings.Contains(err.Error(), "thesis.tex") {
		t.Errorf("got %v, want fs.ErrExist that names thesis.tex", err)
	}
	if diff := cmp.Diff(before, tree(t, dir)); diff != "" {
		t.Errorf("the output changed:\n%s", diff)
	}
	if err := Save(New(), filepath.Join(dir, "net.pdmodel")); err != nil {
		t.Errorf("a pair of files beside other files: %v", err)
	}
	// A model whose parameters are damaged may be replaced all the same.
	err = errors.Join(os.Remove(filepath.Join(dir, "thesis.tex")), os.Truncate(filepath.Join(dir, "lod"), 3))
	if err = errors.Join(err, Save(New(), dir, WithOverwrite())); err != nil {
		t.Errorf("a damaged model: %v", err)
	}
}

func TestSaveThroughLink(t *testing.T) {
	dir := t.TempDir()
	real, link := filepath.Join(dir, "v1"), filepath.Join(dir, "current")
	if err := errors.Join(Save(New(), real), os.Symlink("v1", link)); err != nil {
		t.Fatal(err)
	}
	if err := Save(tiny(t), link, WithOverwrite()); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("the link is gone: %v %v", info, err)
	}
	if !mustLoad(t, real).Equal(tiny(t)) {
		t.Error("the directory behind the link has not the new model")
	}
}

func TestSaveIntoWorkingDir(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := Save(New(), "."); !errors.Is(err, fs.ErrExist) {
		t.Errorf("got %v, want fs.ErrExist", err)
	}
	if err := Save(tiny(t), "a/b/net"); err != nil { // parents are made
		t.Fatal(err)
	}
	if !mustLoad(t, "a/b/net").Equal(tiny(t)) {
		t.Error("the model differs")
	}
}

func TestWithoutCallstacks(t *testing.T) {
	out := filepath.Join(t.TempDir(), "m")
	m := tiny(t)
	if err := Save(m, out, WithoutCallstacks()); err != nil {
		t.Fatal(err)
	}
	got := mustLoad(t, out)
	if got.Program.Blocks[0].Ops[2].Attr(callstackAttr) != nil {
		t.Error("op_callstack was written")
	}
	if m.Program.Blocks[0].Ops[2].Attr(callstackAttr) == nil {
		t.Error("Save changed its model")
	}
	if a, b := Fingerprint(m), Fingerprint(got); a != b {
		t.Errorf("call stacks change the fingerprint: %s, %s", a, b)
	}
}

// TestSwapByRenames is the way to overwrite where the kernel cannot swap.
func TestSwapByRenames(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	if err := errors.Join(Save(New(), a), Save(tiny(t), b)); err != nil {
		t.Fatal(err)
	}
	if err := swapByRenames(a, b); err != nil {
		t.Fatal(err)
	}
	if !mustLoad(t, a).Equal(tiny(t)) || !mustLoad(t, b).Equal(New()) {
		t.Error("the directories did not change places")
	}
	before := tree(t, dir)
	if err := swapByRenames(filepath.Join(dir, "gone"), b); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want fs.ErrNotExist", err)
	}
	if diff := cmp.Diff(before, tree(t, dir)); diff != "" {
		t.Errorf("a failed swap changed files:\n%s", diff)
	}
}
