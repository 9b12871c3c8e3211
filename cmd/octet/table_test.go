package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/octet-dnn/octet/calibrate"
	"github.com/octet-dnn/octet/dataset"
)

// A table applied gives, to the byte, the files of the calibration that it
// stands for: without refinement from the table alone, with it from the pictures too.
func TestQuantize(t *testing.T) {
	dir := t.TempDir()
	from := filepath.Join(dir, "max")
	mustOctet(t, calibrateTo(from, "--samples", "20")...)
	pictures := []string{"--data", dataDir, "--list", "train_list.txt"}
	some := filepath.Join(dir, "some.txt")
	text, err := os.ReadFile(filepath.Join(dataDir, "train_list.txt"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, some, strings.Join(strings.SplitAfter(string(text), "\n")[:20], ""))
	listed := filepath.Join(dir, "listed")
	calibrated := func(out string, more ...string) []string {
		return append([]string{"calibrate", mobilenetDir, "-o", out, "--data", dataDir, "--list", some}, more...)
	}
	mustOctet(t, calibrated(listed)...)
	for _, c := range []struct {
		name             string
		calibrate, table []string
	}{
		{"as it is", []string{"--refine=false"}, nil},
		{"max", []string{"--refine=false", "--algo", "max"}, []string{"--algo", "max"}},
		{"placement", []string{"--refine=false", "--protect=true", "--fp32-fc", "--first-conv-int8", "--format", "qdq"},
			[]string{"--protect", "--fp32-fc", "--first-conv-int8", "--format", "qdq"}},
		{"layers in FP32", []string{"--fp32-layers", "relu6_1.tmp_0,relu6_2.tmp_0"}, append(pictures, "--list", some, "--fp32-layers", "relu6_2.tmp_0", "--fp32-layers", "relu6_1.tmp_0")},
		{"refined", nil, append(pictures, "--list", some)},
		{"auto, not refined", []string{"--refine=false", "--algo", "auto"}, append(pictures, "--list", some, "--algo", "auto", "--refine=false")},
		{"refined in other batches", []string{"--algo", "MSE"}, append(pictures, "--list", some, "--algo", "mse", "--batch-size", "7")},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			want, got := filepath.Join(dir, "want"), filepath.Join(dir, "got")
			mustOctet(t, calibrated(want, c.calibrate...)...)
			out := mustOctet(t, append([]string{"quantize", mobilenetDir, "--table", filepath.Join(listed, calibrate.TableFile), "-o", got}, c.table...)...)
			if !strings.HasPrefix(out, got+": ") || !strings.Contains(out, "from 20 pictures") {
				t.Errorf("stdout %q", out)
			}
			if d := cmp.Diff(contents(t, want), contents(t, got)); d != "" {
				t.Errorf("files differ (-calibrated +quantized):\n%.1000s", d)
			}
		})
	}
	paddle := filepath.Join(dir, "paddle")
	mustOctet(t, calibrateTo(paddle, "--algo", "KL", "--compat", "paddle13")...)
	again := filepath.Join(dir, "again")
	mustOctet(t, "quantize", mobilenetDir, "--table", paddle, "-o", again)
	if d := cmp.Diff(contents(t, paddle), contents(t, again)); d != "" {
		t.Errorf("Paddle 1.3's thresholds (-calibrated +quantized):\n%.1000s", d)
	}
}

func TestQuantizeRefuses(t *testing.T) {
	dir := t.TempDir()
	table := filepath.Join(dir, "int8")
	mustOctet(t, calibrateTo(table)...)
	paddle := filepath.Join(dir, "paddle")
	mustOctet(t, calibrateTo(paddle, "--algo", "KL", "--compat", "paddle13")...)
	out := filepath.Join(dir, "out")
	for _, c := range []struct {
		text string
		args []string
	}{
		{"--table is missing", []string{mobilenetDir}},
		{"no such file", []string{mobilenetDir, "--table", filepath.Join(dir, "none")}},
		{"starts with", []string{mobilenetDir, "--table", filepath.Join(table, dataset.PresetFile)}},
		{"the table was made from", []string{resnetDir, "--table", table}},
		{"want one of", []string{mobilenetDir, "--table", table, "--algo", "mean"}},
		{"samples to measure with are missing", []string{mobilenetDir, "--table", table, "--algo", "auto"}},
		{"without statistics", []string{mobilenetDir, "--table", paddle, "--algo", "max"}},
		{"50 samples offered, the table was made from 4", []string{mobilenetDir, "--table", table, "--data", dataDir, "--list", "train_list.txt"}},
		{"want one of fused", []string{mobilenetDir, "--table", table, "--format", "caffe"}},
	} {
		refused(t, exitBadInput, c.text, append([]string{"quantize", "-o", out}, c.args...)...)
	}
	if left := names(t, out); len(left) > 1 {
		t.Errorf("left %q", left)
	}
}

// The preset goes from beside the table to beside the model.
func TestQuantizePreset(t *testing.T) {
	dir := t.TempDir()
	table, bare := filepath.Join(dir, "int8"), copyOf(t, mobilenetDir)
	mustOctet(t, calibrateTo(table, "--divide", "200")...)
	if err := os.Remove(filepath.Join(bare, dataset.PresetFile)); err != nil {
		t.Fatal(err)
	}
	for i, m := range []string{mobilenetDir, bare} {
		out := filepath.Join(dir, string(rune('a'+i)))
		mustOctet(t, "quantize", m, "--table", table, "-o", out)
		if p, err := dataset.LoadPreset(out); err != nil || p.Divide != 200 {
			t.Errorf("%s: preset %+v, %v: want the table's", m, p, err)
		}
	}
	other := write(t, filepath.Join(t.TempDir(), "t.txt"), contents(t, table)[calibrate.TableFile])
	out := filepath.Join(dir, "c")
	mustOctet(t, "quantize", mobilenetDir, "--table", other, "-o", out)
	checkBeside(t, mobilenetDir, out)
}

// Tables of shards, in any order, merge to the bytes of the table of all pictures.
func TestMerge(t *testing.T) {
	dir := t.TempDir()
	text, err := os.ReadFile(filepath.Join(dataDir, "train_list.txt"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(text), "\n")[:30]
	calibrated := func(name string, lines []string, more ...string) string {
		list := write(t, filepath.Join(dir, name+".txt"), strings.Join(lines, ""))
		out := filepath.Join(dir, name)
		mustOctet(t, append([]string{"calibrate", mobilenetDir, "-o", out, "--data", dataDir, "--list", list, "--refine=false"}, more...)...)
		return filepath.Join(out, calibrate.TableFile)
	}
	a := calibrated("a", lines[:3], "--algo", "moving-average")
	b := calibrated("b", lines[3:19], "--algo", "moving-average", "--batch-size", "5")
	c := calibrated("c", lines[19:], "--algo", "moving-average", "--batch-size", "1")
	all := contents(t, filepath.Dir(calibrated("all", lines, "--algo", "moving-average")))[calibrate.TableFile]
	kl := contents(t, filepath.Dir(calibrated("kl", lines, "--algo", "KL")))[calibrate.TableFile]
	for name, run := range map[string]struct {
		args []string
		want string
	}{
		"in order": {[]string{a, b, c}, all},
		"backward": {[]string{c, filepath.Dir(b), a}, all},
		"KL":       {[]string{b, a, c, "--algo", "kl"}, kl},
	} {
		out := filepath.Join(dir, name+".merged")
		if got := mustOctet(t, append([]string{"merge", "-o", out}, run.args...)...); got != out+": 3 tables of 30 pictures\n" {
			t.Errorf("%s: stdout %q", name, got)
		}
		if got, err := os.ReadFile(out); err != nil || string(got) != run.want {
			t.Errorf("%s: the merged table differs from the one of all pictures, %v", name, err)
		}
	}
	refused(t, exitBadInput, "file already exists", "merge", a, b, "-o", c)
	refused(t, exitBadInput, "--output is missing", "merge", a, b)
	refused(t, exitBadInput, "merge", "merge", "-o", filepath.Join(dir, "x"))
	k := calibrated("k", lines[:3], "--algo", "KL")
	refused(t, exitBadInput, "do not belong together", "merge", a, k, "-o", filepath.Join(dir, "x"))
	refused(t, exitBadInput, "none", "merge", a, filepath.Join(dir, "none"), "-o", filepath.Join(dir, "x"))
	mustOctet(t, "merge", a, b, c, "-o", c, "--overwrite")
}

// What calibration says about its pictures.
func TestCalibrateSays(t *testing.T) {
	dir := t.TempDir()
	out := mustOctet(t, calibrateTo(filepath.Join(dir, "a"), "--samples", "64", "--batch-size", "16", "--refine=false")...)
	if !strings.Contains(out, "from 32 to 64 pictures thresholds moved by") {
		t.Errorf("stdout %q", out)
	}
	if out := mustOctet(t, calibrateTo(filepath.Join(dir, "few"))...); !strings.Contains(out, "too few pictures to tell") {
		t.Errorf("stdout %q", out)
	}
	same := write(t, filepath.Join(dir, "same.txt"), strings.Repeat("val/val_00000.jpg 0\n", 20))
	o := octet(t, "calibrate", mobilenetDir, "-o", filepath.Join(dir, "b"), "--data", dataDir, "--list", same)
	if o.code != exitOK || !strings.Contains(o.stderr, "19 of 20 samples looked at had come before") {
		t.Errorf("exit %d, stderr %q", o.code, o.stderr)
	}
	var got calibrated
	decode(t, mustOctet(t, calibrateTo(filepath.Join(dir, "c"), "--samples", "40", "--batch-size", "8", "--json", "--refine=false")...), &got)
	if got.INT8 != 17 || got.Pictures != 40 || got.Algorithm != calibrate.KL || len(got.Movements) != 2 || got.Movements[1].To != 40 {
		t.Errorf("%+v", got)
	}
}
