package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestUsage(t *testing.T) {
	for _, c := range []struct {
		name, text string
		args       []string
	}{
		{"no verb", "a verb is missing", nil},
		{"unknown verb", `unknown verb "quantise"`, []string{"quantise"}},
		{"unknown flag", "unknown flag: --fast", []string{"calibrate", "m", "--fast"}},
		{"unknown flag before the verb", "unknown flag: --fast", []string{"--fast", "doctor"}},
		{"a flag without its value", "flag needs an argument", []string{"eval", "--progress", "none", "--fp32"}},
		{"not a number", "invalid argument", []string{"calibrate", "m", "--samples", "many"}},
		{"a number too large", "invalid argument", []string{"calibrate", "m", "--samples", "99999999999999999999"}},
		{"no model", "accepts 1 arg(s), received 0", []string{"calibrate"}},
		{"two models", "accepts 1 arg(s), received 2", []string{"inspect", "a", "b"}},
		{"no picture", "requires at least 2 arg(s)", []string{"run", mobilenetDir}},
		{"an argument that is none", "eval", []string{"eval", "model"}},
		{"progress", "--progress is \"loud\"", []string{"doctor", "--progress", "loud"}},
		{"no output", "--output is missing", []string{"calibrate", mobilenetDir, "--data", dataDir}},
		{"no data", "--data is missing", []string{"calibrate", mobilenetDir, "-o", "x"}},
		{"no FP32 model", "--fp32 is missing", []string{"eval", "--data", dataDir}},
		{"format", "--format is \"caffe\"", []string{"calibrate", mobilenetDir, "-o", "x", "--format", "caffe"}},
		{"negative samples", "--samples is -1", []string{"calibrate", mobilenetDir, "-o", "x", "--samples", "-1"}},
		{"batch 0", "--batch-size is 0", []string{"calibrate", mobilenetDir, "-o", "x", "--data", dataDir, "--batch-size", "0"}},
		{"bad-image policy", "--bad-images", []string{"calibrate", mobilenetDir, "-o", "x", "--data", dataDir, "--bad-images", "ask"}},
		{"two means", "--mean has 2 numbers", []string{"run", mobilenetDir, "x.jpg", "--mean", "1,2"}},
		{"std of 0", "std[1] is 0", []string{"run", mobilenetDir, "x.jpg", "--std", "1,0,1"}},
		{"filter", `filter is "sinc"`, []string{"run", mobilenetDir, "x.jpg", "--filter", "sinc"}},
		{"top 0", "--top is 0", []string{"run", mobilenetDir, "x.jpg", "--top", "0"}},
		{"algorithm", "mean", []string{"calibrate", mobilenetDir, "-o", "x", "--data", dataDir, "--algo", "mean"}},
		{"compat", "paddle3", []string{"calibrate", mobilenetDir, "-o", "x", "--data", dataDir, "--compat", "paddle3"}},
		{"layer", `no layer "fc9"`, []string{"calibrate", mobilenetDir, "-o", "x", "--data", dataDir, "--fp32-layers", "relu6_1.tmp_0,fc9"}},
		{"network to bench", `"vgg16" is unknown`, []string{"bench", "--models", "vgg16"}},
		{"batch to bench", "--batch is [0]", []string{"bench", "--batch", "0"}},
		{"time to bench", "--min-time is -1s", []string{"bench", "--min-time", "-1s"}},
		{"CPUs that are no numbers", `invalid argument "a"`, []string{"bench", mobilenetDir, "--pin", "a"}},
		{"a CPU twice", "stands there twice", []string{"run", mobilenetDir, "x.jpg", "--pin", "0,0"}},
		{"no such CPU", "CPU -1 is none of those that this process may use", []string{"bench", mobilenetDir, "--pin", "-1"}},
		{"inspect of no batch", "--batch is 0", []string{"inspect", mobilenetDir, "--batch", "0"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			here := names(t, ".")
			refused(t, exitBadInput, c.text, c.args...)
			if diff := cmp.Diff(here, names(t, ".")); diff != "" {
				t.Errorf("files changed (-before +after):\n%s", diff)
			}
		})
	}
}

func TestBadModel(t *testing.T) {
	truncated, noParams, text := copyOf(t, mobilenetDir), copyOf(t, mobilenetDir), copyOf(t, mobilenetDir)
	if err := os.Truncate(filepath.Join(truncated, "model.pdiparams"), 1000); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(noParams, "model.pdiparams")); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(text, "model.pdmodel"), "not a program")
	for _, c := range []struct{ name, model, text string }{
		{"missing", "no/such/model", "no/such/model"},
		{"an empty folder", t.TempDir(), "__model__"},
		{"truncated parameters", truncated, "model.pdiparams"},
		{"no parameters", noParams, "model.pdiparams"},
		{"text for a program", text, "model.pdmodel"},
		{"a picture", dataDir + "/val/val_00000.jpg", "val_00000.jpg"},
		{"an unknown operator", withOp(t, "relu6", "warp\x1b[31m"), `warp`},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "out")
			refused(t, exitBadInput, c.text, "calibrate", c.model, "-o", out, "--data", dataDir, "--samples", "1", "--preset", mobilenetDir)
			if found := names(t, filepath.Dir(out)); len(found) != 1 {
				t.Errorf("left behind: %q", found)
			}
			refused(t, exitBadInput, c.text, "eval", "--fp32", mobilenetDir, "--int8", c.model, "--data", dataDir, "--preset", mobilenetDir)
			refused(t, exitBadInput, c.text, "inspect", "--json", c.model)
			refused(t, exitBadInput, c.text, "run", c.model, dataDir+"/val/val_00000.jpg", "--preset", mobilenetDir)
			refused(t, exitBadInput, c.text, "bench", c.model)
		})
	}
}

func TestBadPictures(t *testing.T) {
	dir := copyOf(t, dataDir)
	write(t, filepath.Join(dir, "val/text.jpg"), "no picture")
	list := func(text string) string { return write(t, filepath.Join(t.TempDir(), "list.txt"), text) }
	for _, c := range []struct{ name, data, list, text string }{
		{"no folder", "no/such/folder", "", "no/such/folder"},
		{"a folder without pictures", t.TempDir(), "", "no pictures"},
		{"no list", dir, "no_list.txt", "no_list.txt"},
		{"an empty list", dir, list("\n\n"), "list.txt"},
		{"missing pictures", dir, list("val/val_00000.jpg 0\nval/gone.jpg 1\n"), "gone.jpg"},
		{"a path out of the folder", dir, list("../val_list.txt 0\n"), "list.txt:1"},
		{"a label that is no number", dir, list("val/val_00000.jpg zero\n"), "list.txt:1"},
		{"a file that is no picture", dir, list("val/val_00000.jpg 0\nval/text.jpg 1\n"), "text.jpg"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "out")
			refused(t, exitBadInput, c.text, "calibrate", mobilenetDir, "-o", out, "--data", c.data, "--list", c.list)
			if found := names(t, filepath.Dir(out)); len(found) != 1 {
				t.Errorf("left behind: %q", found)
			}
			refused(t, exitBadInput, c.text, "eval", "--fp32", mobilenetDir, "--data", c.data, "--list", c.list)
		})
	}
	refused(t, exitBadInput, "has label 16, the model has 16 classes", "eval", "--fp32", mobilenetDir, "--data", dir, "--list", list("val/val_00000.jpg 16\n"))
	refused(t, exitBadInput, "takes [3 48 48]", "eval", "--fp32", mobilenetDir, "--data", dir, "--crop", "32")
	refused(t, exitBadInput, "takes [3 48 48]", "calibrate", mobilenetDir, "-o", filepath.Join(t.TempDir(), "out"), "--data", dir, "--crop", "32")
	refused(t, exitBadInput, "text.jpg", "run", mobilenetDir, dir+"/val/text.jpg")
	refused(t, exitBadInput, "not a regular file", "run", mobilenetDir, "/dev/zero")
	refused(t, exitBadInput, "no_labels.txt", "run", mobilenetDir, dir+"/val/val_00000.jpg", "--labels", "no_labels.txt")
}

func TestSkippedPictures(t *testing.T) {
	dir := copyOf(t, dataDir)
	write(t, filepath.Join(dir, "val/text.jpg"), "no picture")
	list := write(t, filepath.Join(dir, "list.txt"), "val/text.jpg 0\nval/val_00000.jpg 0\nval/val_00001.jpg 1\n")
	o := octet(t, "eval", "--fp32", mobilenetDir, "--data", dir, "--list", list, "--bad-images", "skip", "--json")
	var got struct {
		Images, Skipped int
		FP32            map[string]float64
	}
	decode(t, o.out, &got)
	if o.code != exitOK || got.Images != 2 || got.Skipped != 1 {
		t.Errorf("exit %d, %+v, want 2 pictures and 1 skipped", o.code, got)
	}
	if want := "octet: 1 picture skipped, the first: picture val/text.jpg"; len(o.stderr) < len(want) || o.stderr[:len(want)] != want {
		t.Errorf("stderr %q, want %q", o.stderr, want)
	}
}
