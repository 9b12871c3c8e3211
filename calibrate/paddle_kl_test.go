package calibrate

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/octet-dnn/octet/internal/refdata"

	"github.com/google/go-cmp/cmp"
	"github.com/sbinet/npyio/npz"
)

// klFixtures is expected.json of fixtures/kl: what an implementation of Paddle's
// search in Python gives, itself compared with the original.
type klFixtures struct {
	Cases map[string]struct {
		Batches      int      `json:"batches"`
		Index        int      `json:"kl_index"`
		Width        float64  `json:"bin_width"`
		Threshold    float64  `json:"kl_threshold"`
		MaxThreshold float64  `json:"max_threshold"`
		MinAbs       float64  `json:"min_abs"`
		ScaleU8KL    float64  `json:"scale_u8_kl"`
		ScaleS8KL    float64  `json:"scale_s8_kl"`
		ScaleU8Max   *float64 `json:"scale_u8_max"`
		ScaleS8Max   *float64 `json:"scale_s8_max"`
	} `json:"cases"`
	WeightScales []float64 `json:"weight_scales"`
}

func loadKLFixtures(t *testing.T) (dir string, f klFixtures) {
	t.Helper()
	dir = refdata.Path(t, "paddle", "fixtures", "kl")
	b, err := os.ReadFile(filepath.Join(dir, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &f); err != nil {
		t.Fatal(err)
	}
	if len(f.Cases) == 0 {
		t.Fatal("expected.json has no cases")
	}
	return dir, f
}

func readNPZ[T any](t *testing.T, path, name string) []T {
	t.Helper()
	r, err := npz.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var x []T
	if err := r.Read(name+".npy", &x); err != nil {
		t.Fatalf("%s: %s: %v", path, name, err)
	}
	return x
}

// observe runs the passes of a method over batches as the Calibrator does.
func observe(t testing.TB, m method, batches ...[]float32) Observer {
	t.Helper()
	pass := func(o Observer) Observer {
		for _, b := range batches {
			if err := o.Add(b); err != nil {
				t.Fatal(err)
			}
		}
		return o
	}
	o := pass(m.observe())
	if m.again != nil {
		o = pass(m.again(o))
	}
	return o
}

func TestPaddleKLFixtures(t *testing.T) {
	dir, fixtures := loadKLFixtures(t)
	for name, want := range fixtures.Cases {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(dir, name+".npz")
			var batches [][]float32
			for i := range want.Batches {
				batches = append(batches, readNPZ[float32](t, file, fmt.Sprintf("batch_%d", i)))
			}
			h := observe(t, paddleKLMethod, batches...).(*paddleHistogram)
			hist := make([]int64, paddleBins)
			for i, n := range h.counts {
				hist[i] = int64(n)
			}
			if d := cmp.Diff(readNPZ[int64](t, file, "hist"), hist); d != "" {
				t.Errorf("histogram (-numpy +octet):\n%s", d)
			}
			if got := h.width(); got != want.Width {
				t.Errorf("bin width %v, want %v", got, want.Width)
			}
			if got := paddleKLIndex(h.counts[:], want.Batches); got != want.Index {
				t.Errorf("index %d, want %d: scores %v and %v", got, want.Index,
					paddleScoreExactly(h.counts[:], got, want.Batches), paddleScoreExactly(h.counts[:], want.Index, want.Batches))
			}
			if got := paddleKLMethod.threshold(h, 255, want.Batches); got != want.Threshold {
				t.Errorf("threshold %v, want %v", got, want.Threshold)
			}

			m := observe(t, absMaxMethod, batches...).(*AbsMax)
			if got := absMaxMethod.threshold(m, 255, want.Batches); got != want.MaxThreshold {
				t.Errorf("max threshold %v, want %v", got, want.MaxThreshold)
			}
			if got := float64(m.Min()); got != want.MinAbs {
				t.Errorf("smallest %v, want %v", got, want.MinAbs)
			}
		})
	}
}
