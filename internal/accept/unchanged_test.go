package accept

import (
	"crypto/sha256"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/octet-dnn/octet/calibrate"
	"github.com/octet-dnn/octet/dnnl"
	"github.com/octet-dnn/octet/infer"
	"github.com/octet-dnn/octet/internal/eval"
	"github.com/octet-dnn/octet/internal/refdata"
	"github.com/octet-dnn/octet/model"
)

var update = flag.Bool("update", false, "write testdata/answers.json for this oneDNN and CPU instead of comparing with it")

const answersFile = "testdata/answers.json"

// TestRealModelsUnchanged holds the probabilities that the real models give for
// 780 pictures, to the byte against earlier ones: FP32 against the first whole Octet (commit
// cea02ca, see -update), INT8 against the commit that made its rounding independent
// of the CPU and of oneDNN's version, so that all have the same digests since. What makes Octet
// faster must not change them. oneDNN sums FP32 in another order on other CPUs and
// in other versions, so each has digests of its own.
func TestRealModelsUnchanged(t *testing.T) {
	refdata.Path(t, "realmodels")
	key := fmt.Sprintf("oneDNN %v, %v", dnnl.LibraryVersion(), dnnl.EffectiveCPUISA())
	known := map[string]map[string]string{}
	text, err := os.ReadFile(answersFile)
	if err == nil {
		err = json.Unmarshal(text, &known)
	}
	if err != nil {
		t.Fatal(err)
	}
	if known[key] == nil && !*update {
		t.Skipf("SKIP-HARDWARE: no digests for %s", key)
	}
	got := map[string]string{}
	// Paddle 1.3's own calibration is the one that never changes; so many
	// pictures are enough for a comparison with itself.
	some := pictures(t, "train_list.txt").Spread(24)
	o := calibrate.Options{Compat: calibrate.Paddle13}
	for _, n := range nets {
		m := n.load(t)
		got[n.name+" FP32"] = n.digest(t, m)
		got[n.name+" INT8"] = n.digest(t, n.quantise(t, m, some, o))
	}
	if !*update {
		if diff := cmp.Diff(known[key], got); diff != "" {
			t.Errorf("answers with %s (-before +now):\n%s", key, diff)
		}
		t.Logf("%d of %d answers of 780 pictures each equal to the byte", len(got), len(known[key]))
		return
	}
	known[key] = got
	if text, err = json.MarshalIndent(known, "", "\t"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(answersFile, append(text, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}

// digest returns the SHA-256 of all outputs of m for the validation pictures.
func (n net) digest(t *testing.T, m *model.Model) string {
	t.Helper()
	p, err := infer.NewPredictor(m, infer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	feeds, err := eval.FeedsOf(m.Program)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.New()
	for b, err := range loader(t, pictures(t, "val_list.txt"), n.preset.NoResize(), 60).Batches(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		in, err := feeds.Inputs(b.Images, b.Labels)
		if err != nil {
			t.Fatal(err)
		}
		out, err := p.Run(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range out {
			sum.Write(o.Data)
		}
		b.Release()
	}
	return fmt.Sprintf("%x", sum.Sum(nil))
}
