package main

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/octet-dnn/octet/bench"
	"github.com/octet-dnn/octet/calibrate"
	"github.com/octet-dnn/octet/dataset"
	"github.com/octet-dnn/octet/dnnl"
	"github.com/octet-dnn/octet/infer"
	"github.com/octet-dnn/octet/model"
)

// golden reads what Paddle computes for a demo model.
func golden(t *testing.T, dir string) (g struct{ Images, Top1, Top5 int }) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "golden.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

// score mirrors the JSON that octet eval promises.
type score struct {
	Top1, Top5 float64
	Top1Images int `json:"top1_images"`
	Top5Images int `json:"top5_images"`
}

type evaluation struct {
	Images          int
	FP32, INT8      score
	Agreement       float64
	AgreementImages int     `json:"agreement_images"`
	MeanKL          float64 `json:"mean_kl"`
}

func TestCalibrateAndEval(t *testing.T) {
	live := dnnl.Live()
	for _, c := range []struct {
		name, model string
		flags       []string
	}{
		{"resnet, labels fed, max", resnetDir, nil},
		{"resnet, KL, v13", resnetDir, []string{"--algo", "KL", "--format", "v13"}},
		{"resnet, Paddle 1.3's KL", resnetDir, []string{"--algo", "kl", "--compat", "paddle13"}},
		{"mobilenet, first convolution INT8, FP32 classifier", mobilenetDir, []string{"--pixels=false", "--first-conv-int8", "--fp32-fc"}},
		{"mobilenet, first convolution FP32", mobilenetDir, []string{"--pixels=false"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "deep", "int8")
			o := octet(t, append([]string{"calibrate", c.model, "-o", out, "--data", dataDir, "--list", "train_list.txt"}, c.flags...)...)
			if o.code != exitOK || !strings.HasPrefix(o.out, out+": ") {
				t.Fatalf("exit %d, stdout %q, stderr %q", o.code, o.out, o.stderr)
			}
			if v13 := strings.Contains(c.name, "v13"); v13 != strings.Contains(o.stderr, "wrong numbers") {
				t.Errorf("stderr %q: a warning about the form is wanted exactly for v13", o.stderr)
			}
			checkBeside(t, c.model, out)

			var got evaluation
			decode(t, mustOctet(t, "eval", "--fp32", c.model, "--int8", out, "--data", dataDir, "--list", filepath.Join(dataDir, "val_list.txt"), "--json"), &got)
			want := golden(t, c.model)
			if got.Images != want.Images || got.FP32.Top1Images != want.Top1 || got.FP32.Top5Images != want.Top5 {
				t.Errorf("FP32 %+v of %d pictures, Paddle has %+v", got.FP32, got.Images, want)
			}
			if percent := 100 * float64(want.Top1) / float64(want.Images); got.FP32.Top1 != percent {
				t.Errorf("fp32.top1 is %v, want %v percent", got.FP32.Top1, percent)
			}
			// The same bounds as the demo's; agreement of careful INT8 is 94 to 99 percent there.
			if got.FP32.Top1-got.INT8.Top1 > demoDrop || got.Agreement < 93 || !(got.MeanKL > 0 && got.MeanKL < 0.1) {
				t.Errorf("INT8 %+v, agreement %v, KL %v: want close to FP32 %+v", got.INT8, got.Agreement, got.MeanKL, got.FP32)
			}
		})
	}
	if n := dnnl.Live(); n != live {
		t.Errorf("%d oneDNN objects alive, %d before", n, live)
	}
}

// checkBeside checks the preset and the table beside an INT8 model.
func checkBeside(t *testing.T, from, out string) {
	t.Helper()
	want, err1 := dataset.LoadPreset(from)
	got, err2 := dataset.LoadPreset(out)
	if err1 != nil || err2 != nil || got != want {
		t.Errorf("preset %+v, %v, want %+v, %v", got, err2, want, err1)
	}
	f, err := os.Open(filepath.Join(out, calibrate.TableFile))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := calibrate.ParseTable(f); err != nil {
		t.Error(err)
	}
}

func TestEvalTable(t *testing.T) {
	list := write(t, filepath.Join(t.TempDir(), "list.txt"), "val/val_00000.jpg 0\nval/val_00001.jpg 1\n")
	out := mustOctet(t, "eval", "--fp32", mobilenetDir, "--int8", mobilenetDir, "--data", dataDir, "--list", list)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != 2 {
		t.Fatalf("%d lines, want head and one row:\n%s", len(lines), out)
	}
	if fields := strings.Fields(lines[1]); fields[0] != mobilenetDir || fields[1] != "2" || fields[len(fields)-1] != "0.00000" {
		t.Errorf("row %q, want the model, 2 pictures, and no divergence from itself", lines[1])
	}
}

// The preset beside one of two models holds for the other, unless flags say so.
func TestEvalPresets(t *testing.T) {
	bare := copyOf(t, mobilenetDir)
	if err := os.Remove(filepath.Join(bare, dataset.PresetFile)); err != nil {
		t.Fatal(err)
	}
	refused(t, exitBadInput, "takes [3 48 48]", "eval", "--fp32", bare, "--data", dataDir)
	for _, args := range [][]string{
		{"--fp32", bare, "--int8", mobilenetDir}, {"--fp32", mobilenetDir, "--int8", bare},
		{"--fp32", bare, "--int8", bare, "--resize-short", "0", "--crop", "48", "--divide", "127.5", "--mean", "1,1,1", "--std", "1,1,1"},
		{"--fp32", bare, "--int8", bare, "--preset", mobilenetDir},
	} {
		var got evaluation
		decode(t, mustOctet(t, append(args, "eval", "--json", "--data", dataDir)...), &got)
		if want := golden(t, mobilenetDir).Top1; got.FP32 != got.INT8 || got.FP32.Top1Images != want {
			t.Errorf("%q: FP32 %+v, INT8 %+v, want %d hits twice", args, got.FP32, got.INT8, want)
		}
	}
}

func TestRun(t *testing.T) {
	images := []string{dataDir + "/val/val_00000.jpg", dataDir + "/val/val_00001.jpg"}
	labels := dataDir + "/synset_words.txt"
	for _, m := range []string{resnetDir, mobilenetDir} {
		var got struct{ Images []seen }
		decode(t, mustOctet(t, "run", m, images[0], images[1], "--labels", labels, "--top", "3", "--json"), &got)
		if len(got.Images) != 2 || got.Images[1].Image != images[1] || len(got.Images[0].Top) != 3 {
			t.Fatalf("%s: %+v, want the 3 first classes of 2 pictures", m, got)
		}
		for i, s := range got.Images {
			if s.Top[0].Class != i || s.Top[0].Label != []string{"stripes disc", "checks disc"}[i] {
				t.Errorf("%s: %s is %+v, want class %d with its label", m, s.Image, s.Top[0], i)
			}
			if s.Top[0].Probability < s.Top[1].Probability || s.Top[0].Probability > 1 {
				t.Errorf("%s: probabilities %+v", m, s.Top)
			}
		}
	}
	text := mustOctet(t, "run", mobilenetDir, images[0])
	if n := strings.Count(text, "\n"); n != 6 || !strings.HasPrefix(text, images[0]+"\n") {
		t.Errorf("stdout %q, want the picture and 5 classes", text)
	}
}

func TestInspect(t *testing.T) {
	out := filepath.Join(t.TempDir(), "int8")
	mustOctet(t, calibrateTo(out)...)
	var fp32, int8 description
	decode(t, mustOctet(t, "inspect", mobilenetDir, "--json"), &fp32)
	decode(t, mustOctet(t, "inspect", out, "--json", "--kernels"), &int8)
	if want := []tensorInfo{{"image", "float32", []int64{-1, 3, 48, 48}}}; !cmp.Equal(fp32.Feeds, want) {
		t.Errorf("feeds %+v, want %+v", fp32.Feeds, want)
	}
	if fp32.Ops["relu6"] != 17 || fp32.MACs != int8.MACs || fp32.MACs == 0 || fp32.Parameters.Bytes == 0 {
		t.Errorf("FP32 %+v, INT8 %+v: want 17 relu6 and equal multiplications", fp32, int8)
	}
	quantised := 0
	for _, l := range int8.Layers {
		if l.INT8 && l.ScaleIn > 0 {
			quantised++
		}
	}
	if quantised != 18 {
		t.Errorf("%d layers are INT8 with a scale, want 18", quantised)
	}
	if len(int8.Kernels) == 0 {
		t.Error("no kernels")
	}
	for _, c := range []struct {
		flag, want string
	}{{"--ops", "depthwise_conv2d(Filter=conv2_dw_weights"}, {"--kernels", "implementation"}, {"--verbose", "relu6_0.tmp_0"}} {
		if text := mustOctet(t, "inspect", mobilenetDir, c.flag); !strings.Contains(text, c.want) || !strings.Contains(text, "Paddle 2.6.2") {
			t.Errorf("inspect %s does not show %q and the version:\n%s", c.flag, c.want, text)
		}
	}
}

func TestInspectEncodings(t *testing.T) {
	m, err := model.Load(mobilenetDir)
	if err != nil {
		t.Fatal(err)
	}
	const paddle1 = 1_003_002 // 1.3.2
	for _, c := range []struct {
		form          model.Form
		name          string // of the output, and of what is inspected
		version       int64  // that the program names
		encoding, era string
		shown         string
	}{
		{model.FormSeparate, "separate", paddle1, "fluid-separate", "fluid (Paddle 1.3.2)", "1003002"},
		{model.FormSeparate, "unnamed", 0, "fluid-separate", "Paddle 2 (the file names no version, but has flatten_contiguous_range)", "0"},
		{model.FormCombined, "combined", paddle1, "fluid", "fluid (Paddle 1.3.2)", "1003002"},
		{model.FormPdModel, "pair.pdmodel", 2_006_002, "pdmodel", "Paddle 2.6.2", "2006002"},
		{model.FormPIR, "pir.json", 0, "pir", "Paddle 3 (PIR, format version 4)", "4"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), c.name)
			m.Program.Version = c.version
			if err := model.Save(m, out, model.WithForm(c.form)); err != nil {
				t.Fatal(err)
			}
			text := mustOctet(t, "inspect", out)
			if !strings.Contains(text, "encoding    "+c.encoding+" (") {
				t.Errorf("inspect does not name the encoding %s:\n%s", c.encoding, text)
			}
			for _, line := range []string{"era " + c.era, "version " + c.shown} {
				if !slices.ContainsFunc(strings.Split(text, "\n"), func(l string) bool { return strings.Join(strings.Fields(l), " ") == line }) {
					t.Errorf("inspect does not say %q:\n%s", line, text)
				}
			}
		})
	}
}

func TestInspectUnknownOp(t *testing.T) {
	dir := withOp(t, "relu6", "warp")
	if text := mustOctet(t, "inspect", dir, "--ops"); !strings.Contains(text, "warp 1") {
		t.Errorf("inspect --ops does not count the unknown operator:\n%s", text)
	}
}

func TestBench(t *testing.T) {
	var got struct {
		Machine struct {
			CPU, OneDNN, ISA string
			CPUs             int
		}
		Rows []struct {
			Model             string
			Batch             int
			FP32, INT8, Ratio float64
			OtherLoad         float64           `json:"other_load"`
			Memory            infer.MemoryStats `json:"int8_memory"`
			Resident          int64             `json:"resident_bytes"`
		}
	}
	decode(t, mustOctet(t, "bench", mobilenetDir, "--batch", "1,3", "--min-time", "10ms", "--json"), &got)
	if len(got.Rows) != 2 || got.Rows[1].Batch != 3 || got.Machine.CPUs < 1 {
		t.Fatalf("%+v, want two rows", got)
	}
	for _, r := range got.Rows {
		if !(r.FP32 > 0 && r.INT8 > 0 && r.Ratio > 0) || r.Model != mobilenetDir || r.Memory.Plans < 1 || r.Resident < int64(r.Memory.WeightsBytes) {
			t.Errorf("row %+v", r)
		}
	}
	text := mustOctet(t, "bench", mobilenetDir, "--batch", "1", "--min-time", "1ms")
	if !strings.HasPrefix(text, "oneDNN ") || !strings.Contains(text, "INT8/FP32") || !strings.Contains(text, "of packed weights") {
		t.Errorf("no head, or no memory, in\n%s", text)
	}
}

// TestPin gives networks one of the CPUs that there are.
func TestPin(t *testing.T) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		t.Fatal(err)
	}
	cpu := 0
	for !set.IsSet(cpu) {
		cpu++
	}
	one := []string{"--pin", strconv.Itoa(cpu)}
	var got struct {
		Machine, Rows any
		Pin           []int
	}
	verb := slices.Concat([]string{"bench", mobilenetDir, "--batch", "2", "--min-time", "1ms"}, one)
	decode(t, mustOctet(t, append(verb, "--json")...), &got)
	if len(got.Pin) != 1 || got.Pin[0] != cpu {
		t.Errorf("pin is %v, want %d", got.Pin, cpu)
	}
	if text, want := mustOctet(t, append(verb, "--layers")...), "\npinned to CPUs "+one[1]+"\n"; !strings.Contains(text, want) {
		t.Errorf("%q is not in\n%s", want, text)
	}
	image := dataDir + "/val/val_00000.jpg"
	if free, pinned := mustOctet(t, "run", mobilenetDir, image), mustOctet(t, slices.Concat([]string{"run", mobilenetDir, image}, one)...); free != pinned {
		t.Errorf("pinned run prints\n%s, free\n%s", pinned, free)
	}
}

func TestBenchLayers(t *testing.T) {
	var got struct {
		Machine  bench.Machine
		Profiles []bench.Layers
	}
	decode(t, mustOctet(t, "bench", mobilenetDir, "--layers", "--sort", "lost", "--batch", "1", "--min-time", "1ms", "--json"), &got)
	if len(got.Profiles) != 2 || got.Profiles[0].Precision != "fp32" || got.Profiles[1].Precision != "int8" {
		t.Fatalf("%+v, want one profile of each precision", got)
	}
	for _, p := range got.Profiles {
		var share float64
		for i, l := range p.Rows {
			share += l.Share
			if l.Time <= 0 || l.Kernel == "" || l.Peak < 0 || i > 0 && l.Lost > p.Rows[i-1].Lost {
				t.Errorf("%s: layer %d is %+v: want a time, a kernel, and less lost than the one before", p.Precision, i, l)
			}
		}
		if !(p.Matmul > 0) || math.Abs(share-1) > 1e-6 {
			t.Errorf("%s: matmul %v, shares add up to %v", p.Precision, p.Matmul, share)
		}
	}
	text := mustOctet(t, "bench", mobilenetDir, "--layers", "--batch", "1", "--min-time", "1ms")
	if !strings.Contains(text, "of matmul") || !strings.Contains(text, "\n  total") {
		t.Errorf("no table in\n%s", text)
	}
	refused(t, exitBadInput, "--sort", "bench", mobilenetDir, "--layers", "--sort", "name")
}

func TestDemo(t *testing.T) {
	keep := filepath.Join(t.TempDir(), "keep")
	text := mustOctet(t, "demo", "--no-throughput", "--keep", keep)
	for _, row := range []string{"resnet, max", "resnet, KL", "mobilenet, max", "mobilenet, KL"} {
		if !strings.Contains(text, row) {
			t.Errorf("no row %q in\n%s", row, text)
		}
	}
	for _, name := range []string{"resnet-int8-max", "resnet-int8-kl", "mobilenet-int8-max", "mobilenet-int8-kl"} {
		mustOctet(t, "inspect", filepath.Join(keep, name))
	}
	refused(t, exitBadInput, "file already exists", "demo", "--no-throughput", "--keep", keep)
	refused(t, exitBadInput, "no data/val_list.txt", "demo", "--dir", t.TempDir())
}

func TestDemoTemporary(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	t.Setenv(demoVariable, demoFolder)
	mustOctet(t, "demo", "--no-throughput")
	if left := names(t, tmp); len(left) != 1 {
		t.Errorf("left in TMPDIR: %q", left)
	}
	t.Setenv("TMPDIR", filepath.Join(tmp, "gone"))
	refused(t, exitEnvironment, "--keep names another", "demo", "--no-throughput")
}

func TestDoctor(t *testing.T) {
	t.Setenv("OMP_WAIT_POLICY", "passive")
	var got diagnosis
	decode(t, mustOctet(t, "doctor", "--json"), &got)
	if !got.Usable || got.FP32Check != "ok" || got.INT8Check != "ok" || got.Limit < 1 || got.CPUs < got.Limit {
		t.Errorf("%+v, want a usable machine", got)
	}
	if len(got.Environment) == 0 || !strings.Contains(strings.Join(got.Environment, " "), "OMP_WAIT_POLICY=passive") {
		t.Errorf("environment %q, want OMP_WAIT_POLICY", got.Environment)
	}
	if text := mustOctet(t, "doctor"); !strings.Contains(text, "VNNI") {
		t.Errorf("no VNNI in\n%s", text)
	}
}

func TestVersion(t *testing.T) {
	if text := mustOctet(t, "version"); !strings.HasPrefix(text, "octet ") || !strings.Contains(text, "oneDNN 3.") {
		t.Errorf("stdout %q", text)
	}
}
