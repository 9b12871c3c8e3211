package accept

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/octet-dnn/octet/calibrate"
	"github.com/octet-dnn/octet/dnnl"
	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/infer"
	"github.com/octet-dnn/octet/internal/integers"
	"github.com/octet-dnn/octet/internal/refdata"
)

// mostShrink is the mean factor by which protection may widen the steps of
// weights; halving all weights is 2.
const mostShrink = 1.3

// TestRealModelsSaturation calibrates the real models with and without
// protection, and runs each with oneDNN held to AVX-512 without and with VNNI.
// Protected, every INT8 tensor is the same to the byte and every output channel
// is proved; unprotected they differ, or the test would show nothing.
func TestRealModelsSaturation(t *testing.T) {
	refdata.Path(t, "realmodels")
	if isa := dnnl.EffectiveCPUISA(); !isa.HasVNNI() || isa < dnnl.ISAAVX512CoreVNNI {
		t.Skipf("SKIP-HARDWARE: %v has no AVX-512 VNNI", isa)
	}
	octet := filepath.Join(t.TempDir(), "octet")
	if out, err := exec.Command("go", "build", "-o", octet, "../../cmd/octet").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, n := range nets {
		t.Run(n.name, func(t *testing.T) {
			if s := n.shrink(t); s > mostShrink {
				t.Errorf("protection widens the steps of weights by %.3f on average: want %.1f at most", s, mostShrink)
			} else {
				t.Logf("protection widens the steps of weights by %.3f on average", s)
			}
			for _, protected := range []bool{true, false} {
				n.compareISA(t, octet, protected)
			}
		})
	}
}

// compareISA judges what octet compare says.
func (n net) compareISA(t *testing.T, octet string, protected bool) {
	t.Helper()
	dir, data := filepath.Join(t.TempDir(), "int8"), refdata.Path(t, "imagenet", "ILSVRC2012")
	line := []string{"calibrate", refdata.Path(t, "realmodels", n.name, "fluid"), "-o", dir, "--data", data, "--list", "train_list.txt",
		"--samples", "24", "--algo", "KL", "--refine=false", "--progress", "none"}
	if protected {
		line = append(line, "--protect")
	}
	if out, err := exec.Command(octet, line...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	// It exits non-zero where anything differs, after it has said what.
	text, _ := exec.Command(octet, "compare", dir, "--json", "--data", data, "--list", "val_list.txt", "--samples", "8",
		"--resize-short", "0", "--progress", "none").Output()
	var c struct {
		Proofs  []calibrate.PairCheck
		Tensors []integers.Difference
	}
	if err := json.Unmarshal(text, &c); err != nil || len(c.Tensors) == 0 {
		t.Fatalf("octet compare: %v: %s", err, text)
	}
	var bytes, different int64
	unsafe := 0
	for _, d := range c.Tensors {
		bytes += d.Bytes
		different += d.Different
		if protected && d.Different > 0 {
			t.Errorf("%s differs in %d of %d bytes, by up to %d", d.Name, d.Different, d.Bytes, d.Largest)
		}
	}
	for _, p := range c.Proofs {
		unsafe += p.Unsafe
	}
	if protected && unsafe > 0 {
		t.Errorf("%d output channels are not proved", unsafe)
	}
	if !protected && different == 0 {
		t.Error("nothing differs without protection: the test shows nothing")
	}
	t.Logf("protected %v: %d channels not proved, %d of %d bytes of %d INT8 tensors differ", protected, unsafe, different, bytes, len(c.Tensors))
}

// shrink returns the mean factor, over all output channels, by which protection
// lowers the scales of weights.
func (n net) shrink(t *testing.T) float64 {
	t.Helper()
	m := n.load(t)
	c, err := calibrate.New(m, calibrate.Options{Runner: infer.NewRunner})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	sample(t, c, m, loader(t, pictures(t, "train_list.txt").Spread(8), n.preset, 8))
	table, err := c.Table()
	if err != nil {
		t.Fatal(err)
	}
	g, err := graph.Build(m)
	if err != nil {
		t.Fatal(err)
	}
	var scales [2][]float32
	for i, protected := range []bool{false, true} {
		q, err := calibrate.Quantize(g, table, calibrate.Options{Protect: protected})
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range q.Layers {
			switch op := l.Op.(type) {
			case *graph.Conv:
				if op.Int8 != nil {
					scales[i] = append(scales[i], op.Int8.ScaleWeights...)
				}
			case *graph.FC:
				if op.Int8 != nil {
					scales[i] = append(scales[i], op.Int8.ScaleWeights...)
				}
			}
		}
	}
	sum := 0.0
	for i, s := range scales[0] {
		sum += float64(s / scales[1][i])
	}
	return sum / float64(len(scales[0]))
}
