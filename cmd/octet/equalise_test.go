package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/octet-dnn/octet/dataset"
	"github.com/octet-dnn/octet/model"
)

// An equalised model is calibrated like any other, and what is made from it does
// not pass for that of the model before.
func TestEqualise(t *testing.T) {
	dir := t.TempDir()
	equal, int8 := filepath.Join(dir, "equal"), filepath.Join(dir, "int8")
	pictures := []string{"--data", dataDir, "--list", "train_list.txt"}
	run := func(verb string, more ...string) []string {
		return append(append([]string{verb}, more...), pictures...)
	}
	out := mustOctet(t, run("equalise", resnetDir, "-o", equal, "--samples", "8")...)
	if !strings.HasPrefix(out, equal+": the channels of ") || !strings.HasSuffix(out, "by 8 pictures\n") {
		t.Errorf("stdout %q", out)
	}
	want, err := dataset.LoadPreset(resnetDir)
	if got, failed := dataset.LoadPreset(equal); err != nil || failed != nil || got != want {
		t.Errorf("preset %+v, %v, want %+v, %v", got, failed, want, err)
	}
	again := filepath.Join(dir, "again")
	mustOctet(t, run("equalise", resnetDir, "-o", again, "--samples", "8", "--batch-size", "3")...)
	var prints []string
	for _, d := range []string{resnetDir, equal, again} {
		m, err := model.Load(d)
		if err != nil {
			t.Fatal(err)
		}
		prints = append(prints, model.Fingerprint(m))
	}
	if prints[0] == prints[1] || prints[1] != prints[2] {
		t.Errorf("fingerprints of the model, of it equalised, and in other batches: %q", prints)
	}
	mustOctet(t, run("calibrate", equal, "-o", int8, "--samples", "8")...)
	mustOctet(t, "quantize", equal, "--table", int8, "-o", filepath.Join(dir, "quantized"))
	refused(t, exitBadInput, "fingerprint", "quantize", resnetDir, "--table", int8, "-o", filepath.Join(dir, "other"))
	refused(t, exitBadInput, "fingerprint", run("report", resnetDir, int8, "-o", filepath.Join(dir, "r.html"))...)

	refused(t, exitBadInput, "file already exists", run("equalise", resnetDir, "-o", equal)...)
	refused(t, exitBadInput, "INT8 already", run("equalise", int8, "-o", filepath.Join(dir, "x"))...)
	refused(t, exitBadInput, "--exponent", run("equalise", resnetDir, "-o", filepath.Join(dir, "x"), "--exponent", "0")...)
	refused(t, exitBadInput, "relu6", run("equalise", mobilenetDir, "-o", filepath.Join(dir, "x"))...)
}
