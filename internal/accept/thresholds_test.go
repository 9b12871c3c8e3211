package accept

import (
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/octet-dnn/octet/internal/refdata"

	"github.com/octet-dnn/octet/calibrate"
	"github.com/octet-dnn/octet/dataset"
	"github.com/octet-dnn/octet/infer"
)

// thresholdTol is how far a threshold may be from that of Paddle: FP32 sums in
// another order move a maximum, and with it the width of the bins, by some
// 1e-6; 1e-5 is one ten-thousandth of the coarsest bin's share.
const thresholdTol = 1e-5

// reference is realmodels/*/reference_thresholds.json: Paddle 2.6.2's
// activations on 50 pictures under the search of Paddle 1.3.
type reference struct {
	Variables map[string]struct {
		Role      string  `json:"role"`
		Max       float64 `json:"max"`
		Threshold float64 `json:"kl_threshold"`
		Width     float64 `json:"bin_width"`
	} `json:"variables"`
}

// TestRealModelsThresholds calibrates as Paddle 1.3 did and compares every
// threshold with Paddle's, for max and for KL.
func TestRealModelsThresholds(t *testing.T) {
	for _, n := range nets {
		file, err := os.ReadFile(refdata.Path(t, "realmodels", n.name, "reference_thresholds.json"))
		if err != nil {
			t.Fatal(err)
		}
		var ref reference
		if err := json.Unmarshal(file, &ref); err != nil {
			t.Fatal(err)
		}
		t.Run(n.name, func(t *testing.T) {
			for _, a := range []calibrate.Algorithm{calibrate.Max, calibrate.KL} {
				table := n.paddle13(t, a, ref)
				checkThresholds(t, table, ref, a)
			}
		})
	}
}

// paddle13 samples the pictures of the reference, one at a time.
func (n net) paddle13(t *testing.T, a calibrate.Algorithm, ref reference) *calibrate.Table {
	t.Helper()
	m := n.load(t)
	// What is added to a shortcut has no threshold of its own once the sum is
	// fused. Fetching it keeps the sum apart.
	for name, v := range ref.Variables {
		if strings.Contains(v.Role, "before the residual add") {
			m.Program.Blocks[0].AddFetch(name)
		}
	}
	c, err := calibrate.New(m, calibrate.Options{Algorithm: a, Compat: calibrate.Paddle13, FirstConvINT8: true, Runner: infer.NewRunner})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	p := n.preset
	p.Filter = dataset.Bilinear
	// Every fifth of 256 pictures spread over the list, as the reference took them.
	l := pictures(t, "train_list.txt").Spread(256)
	some := *l
	some.Samples = nil
	for i := 0; len(some.Samples) < 50; i += 5 {
		some.Samples = append(some.Samples, l.Samples[i])
	}
	sample(t, c, m, loader(t, &some, p, 1))
	table, err := c.Table()
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func checkThresholds(t *testing.T, table *calibrate.Table, ref reference, a calibrate.Algorithm) {
	t.Helper()
	same, near, worst := 0, 0, 0.0
	for name, want := range ref.Variables {
		// Poolings pass their scale on and have no threshold of their own here.
		if strings.HasPrefix(name, "pool2d") {
			continue
		}
		e, ok := table.Lookup(name)
		if !ok {
			t.Errorf("%s: no threshold for %q (%s)", a, name, want.Role)
			continue
		}
		threshold := want.Threshold
		if a == calibrate.Max {
			threshold = want.Max
		}
		d := math.Abs(e.Threshold-threshold) / threshold
		worst = max(worst, d)
		switch {
		case d <= thresholdTol:
			same++
		default:
			near++
			t.Errorf("%s: %q (%s): threshold %.9g, Paddle's is %.9g (%.1f bins away)", a, name, want.Role, e.Threshold, threshold, (e.Threshold-threshold)/want.Width)
		}
	}
	t.Logf("%s: %d thresholds equal, %d not, largest relative difference %.2g", a, same, near, worst)
}
