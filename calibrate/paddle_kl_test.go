package calibrate

import (
	"encoding/json"
	"fmt"
	"math"
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

// statistics returns what a Calibrator would have of one tensor.
func statistics(t testing.TB, samples ...[]float32) *Statistics {
	t.Helper()
	s := NewStatistics()
	for _, x := range samples {
		top, err := s.add(x, unshared{})
		if err != nil {
			t.Fatal(err)
		}
		s.Tops = append(s.Tops, math.Float32frombits(top))
	}
	return s
}

// paddlePasses runs both passes of Paddle 1.3's KL.
func paddlePasses(t testing.TB, batches ...[]float32) *paddleHistogram {
	t.Helper()
	a := new(AbsMax)
	for _, b := range batches {
		if err := a.Add(b); err != nil {
			t.Fatal(err)
		}
	}
	h := newPaddlePass(a)
	for _, b := range batches {
		if err := h.Add(b); err != nil {
			t.Fatal(err)
		}
	}
	return h
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
			h := paddlePasses(t, batches...)
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
			if got := paddleKL(h, want.Batches); got != want.Threshold {
				t.Errorf("threshold %v, want %v", got, want.Threshold)
			}

			if got := chooseMax(statistics(t, batches...), 255); got != want.MaxThreshold {
				t.Errorf("max threshold %v, want %v", got, want.MaxThreshold)
			}
			if got := float64(math.Float32frombits(h.lo)); got != want.MinAbs {
				t.Errorf("smallest %v, want %v", got, want.MinAbs)
			}
		})
	}
}
