package accept

import (
	"testing"
	"time"

	"github.com/octet-dnn/octet/bench"
	"github.com/octet-dnn/octet/calibrate"
	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/infer"
	"github.com/octet-dnn/octet/internal/eval"
)

// maxSlowdown is how much longer than with plain max the default choice may take.
const maxSlowdown = 1.03

// speedRounds of so many pictures are run by both in turns.
const (
	speedRounds   = 25
	speedPictures = 64
)

// TestRealModelsQualitySpeed times what the command's default choice makes of the
// real networks beside plain max, in turns. What refinement does to weights and biases
// takes no time when they run, so the networks here are spared it. Plain max averages maps as integers and
// has its first convolution in FP32, as Paddle 1.3 did.
func TestRealModelsQualitySpeed(t *testing.T) {
	list := pictures(t, "train_list.txt")
	for _, n := range nets {
		t.Run(n.name, func(t *testing.T) {
			m := n.load(t)
			c, err := calibrate.New(m, calibrate.Options{Algorithm: calibrate.KL, Runner: infer.NewRunner})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			feeds, err := eval.FeedsOf(m.Program)
			if err != nil {
				t.Fatal(err)
			}
			var nets [2]*infer.Predictor
			for b, err := range loader(t, list, n.preset, speedPictures).Batches(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				in, err := feeds.Inputs(b.Images, b.Labels)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := c.Sample(t.Context(), in); err != nil {
					t.Fatal(err)
				}
				for i, o := range []calibrate.Options{{Algorithm: calibrate.Max, INT8AveragePool: true}, {Algorithm: calibrate.KL, Pixels: pixelsOf(n.preset)}} {
					nets[i] = thresholded(t, n, c, o)
				}
				ratio := slowdown(t, func(i int) error {
					_, err := nets[i].Run(t.Context(), in)
					return err
				})
				t.Logf("the default takes %.3f times what plain max takes (half of the rounds between %.3f and %.3f)", ratio.median, ratio.low, ratio.high)
				if ratio.median > maxSlowdown {
					t.Errorf("the default takes %.3f times what plain max takes: want %.2f at most", ratio.median, maxSlowdown)
				}
				b.Release()
				break
			}
		})
	}
}

// thresholded quantises n with the thresholds that o's algorithm finds in what c has seen.
func thresholded(t *testing.T, n net, c *calibrate.Calibrator, o calibrate.Options) *infer.Predictor {
	t.Helper()
	table, err := c.Table()
	if err != nil {
		t.Fatal(err)
	}
	if table, err = table.Rethreshold(o.Algorithm); err != nil {
		t.Fatal(err)
	}
	g, err := graph.Build(n.load(t))
	if err != nil {
		t.Fatal(err)
	}
	if g, err = calibrate.Quantize(g, table, o); err != nil {
		t.Fatal(err)
	}
	q, err := graph.ToModel(g, graph.FormFused)
	if err != nil {
		t.Fatal(err)
	}
	p, err := infer.NewPredictor(q, infer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// quartiles of ratios.
type quartiles struct{ low, median, high float64 }

// slowdown returns how much longer run(1) takes than run(0), by rounds in which both take turns.
func slowdown(t *testing.T, run func(i int) error) quartiles {
	t.Helper()
	var ratios []float64
	for round := range speedRounds + 2 {
		var took [2]time.Duration
		for j := range took {
			i := (round + j) % len(took)
			start := time.Now()
			if err := run(i); err != nil {
				t.Fatal(err)
			}
			took[i] = time.Since(start)
		}
		if round >= 2 { // those before are not warm
			ratios = append(ratios, float64(took[1])/float64(took[0]))
		}
	}
	return quartiles{bench.Quantile(ratios, 0.25), bench.Quantile(ratios, 0.5), bench.Quantile(ratios, 0.75)}
}
