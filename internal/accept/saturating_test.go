package accept

import (
	"bytes"
	"context"
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	made "github.com/octet-dnn/octet/bench/nets"
	"github.com/octet-dnn/octet/calibrate"
	"github.com/octet-dnn/octet/dnnl"
	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/infer"
	"github.com/octet-dnn/octet/internal/eval"
	"github.com/octet-dnn/octet/internal/integers"
	"github.com/octet-dnn/octet/model"
)

// saturatingChild names the folder that TestSaturatingNet, as a process of its own with other
// instructions, writes its answers to: the limit is read once a process.
const saturatingChild = "OCTET_TEST_SATURATING"

const saturatingPictures = 16

// TestSaturatingNet runs made.Saturating with oneDNN held to AVX-512 without and with
// VNNI. Unprotected INT8 gets every picture wrong without VNNI; protected INT8 gets
// every one right, and every INT8 tensor and probability is that of VNNI to the byte.
func TestSaturatingNet(t *testing.T) {
	if dir := os.Getenv(saturatingChild); dir != "" {
		for _, name := range []string{"unprotected", "protected"} {
			answerSaturating(t, filepath.Join(dir, name))
		}
		return
	}
	if isa := dnnl.EffectiveCPUISA(); !isa.HasVNNI() || isa < dnnl.ISAAVX512CoreVNNI {
		t.Skipf("SKIP-HARDWARE: %v has no AVX-512 VNNI", isa)
	}
	answers := map[string]map[string][]byte{} // by instructions, and by model and kind
	for _, isa := range []string{"AVX512_CORE", "AVX512_CORE_VNNI"} {
		dir := t.TempDir()
		for name, protect := range map[string]bool{"unprotected": false, "protected": true} {
			saveSaturating(t, filepath.Join(dir, name), protect)
		}
		c := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestSaturatingNet$")
		c.Env = append(os.Environ(), saturatingChild+"="+dir, "ONEDNN_MAX_CPU_ISA="+isa)
		if text, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", isa, err, text)
		}
		answers[isa] = map[string][]byte{}
		for _, file := range []string{"unprotected.right", "protected.right", "protected.bytes"} {
			text, err := os.ReadFile(filepath.Join(dir, file))
			if err != nil {
				t.Fatal(err)
			}
			answers[isa][file] = text
		}
	}
	right := func(isa, name string) (n int) {
		if err := json.Unmarshal(answers[isa][name+".right"], &n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for _, c := range []struct {
		isa, name string
		want      int
	}{
		{"AVX512_CORE_VNNI", "unprotected", saturatingPictures},
		{"AVX512_CORE_VNNI", "protected", saturatingPictures},
		{"AVX512_CORE", "unprotected", 0}, // or there would be nothing to protect from
		{"AVX512_CORE", "protected", saturatingPictures},
	} {
		got := right(c.isa, c.name)
		t.Logf("%s, %s: %d of %d pictures right", c.isa, c.name, got, saturatingPictures)
		if got != c.want {
			t.Errorf("%s, %s: %d pictures right, want %d", c.isa, c.name, got, c.want)
		}
	}
	if a, b := answers["AVX512_CORE"]["protected.bytes"], answers["AVX512_CORE_VNNI"]["protected.bytes"]; len(a) == 0 || !bytes.Equal(a, b) {
		t.Errorf("protected: %d and %d bytes of INT8 tensors and probabilities, which differ", len(a), len(b))
	}
}

// saturatingBatch makes pictures whose brightest plane is the answer.
func saturatingBatch(t *testing.T) (in []*model.Tensor, answers []int) {
	t.Helper()
	r := rand.New(rand.NewPCG(16, 8))
	x := make([]float32, 0, saturatingPictures*made.SaturatingClasses*64)
	for i := range saturatingPictures {
		answers = append(answers, i%made.SaturatingClasses)
		for plane := range made.SaturatingClasses {
			for range 64 {
				v := 0.1 * r.Float32()
				if plane == answers[i] {
					v = 1 - v/2
				}
				x = append(x, v)
			}
		}
	}
	tensor, err := model.Float32Tensor(x, saturatingPictures, made.SaturatingClasses, 8, 8)
	if err != nil {
		t.Fatal(err)
	}
	return []*model.Tensor{tensor}, answers
}

func saveSaturating(t *testing.T, dir string, protect bool) {
	t.Helper()
	c, err := calibrate.New(made.Saturating(), calibrate.Options{Runner: infer.NewRunner, Protect: protect})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	in, _ := saturatingBatch(t)
	if _, err := c.Sample(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	if err := c.SaveINT8Model(dir); err != nil {
		t.Fatal(err)
	}
}

// answerSaturating writes how many answers of the model in dir are right, and all that it
// computes in INT8 with the probabilities behind.
func answerSaturating(t *testing.T, dir string) {
	m, err := model.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	g, err := graph.Build(m)
	if err != nil {
		t.Fatal(err)
	}
	in, answers := saturatingBatch(t)
	p, err := infer.Compile(g, infer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	out, err := p.Run(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	right := 0
	for i, want := range answers {
		row := out[0].Float32s()[i*2*made.SaturatingClasses:][:2*made.SaturatingClasses]
		if eval.Top(row, 1)[0] == want {
			right++
		}
	}
	var record bytes.Buffer
	r, err := integers.NewRecorder(g, &record)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := r.Run(context.Background(), in); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(right)
	if err != nil {
		t.Fatal(err)
	}
	for ext, data := range map[string][]byte{".right": text, ".bytes": append(record.Bytes(), out[0].Data...)} {
		if err := os.WriteFile(dir+ext, data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
}
