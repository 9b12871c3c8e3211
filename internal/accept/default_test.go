package accept

import (
	"testing"

	"github.com/octet-dnn/octet/calibrate"
	"github.com/octet-dnn/octet/calibrate/budget"
	"github.com/octet-dnn/octet/internal/eval"
)

// A line is what the command's default choice has to reach on a network.
type line struct {
	agreement float64 // percent, at least
	meanKL    float64 // nats, at most
	drop      float64 // of top-1, points, at most
}

var defaultLines = map[string]line{
	"resnet50":           {98.5, 0.004, 0.1},
	"mobilenet_v1_x0_75": {96.5, 0.015, 0.3},
}

// TestRealModelsQualityDefault calibrates as `octet calibrate` does without
// flags, and holds the saved networks against what is promised of them.
func TestRealModelsQualityDefault(t *testing.T) {
	val := pictures(t, "val_list.txt")
	for _, n := range nets {
		t.Run(n.name, func(t *testing.T) {
			m := n.load(t)
			q := n.quantise(t, m, pictures(t, "train_list.txt"), calibrate.Options{Algorithm: calibrate.KL, Refine: true, Pixels: pixelsOf(n.preset)})
			r := compareNets(t, m, q, loader(t, val, n.preset.NoResize(), 60))
			want, drop := defaultLines[n.name], r.FP32.Top1-r.INT8.Top1
			low, high := dropInterval(r)
			t.Logf("agreement %.2f %%, mean KL divergence %.5f, top-1 drop %.2f points, by %d pictures known to lie between %.2f and %.2f with 95 %% confidence",
				*r.Agreement, *r.MeanKL, drop, r.Images, low, high)
			if *r.Agreement < want.agreement {
				t.Errorf("agreement %.2f %%: want %.1f at least", *r.Agreement, want.agreement)
			}
			if *r.MeanKL > want.meanKL {
				t.Errorf("mean KL divergence %.5f: want %.3f at most", *r.MeanKL, want.meanKL)
			}
			if drop > want.drop {
				t.Errorf("top-1 drop %.2f points: want %.1f at most", drop, want.drop)
			}
		})
	}
}

// dropInterval returns within which points the top-1 drop on all pictures of the kind lies
// with 95 % confidence, if all pictures whose class changes were right before or after. Some
// are wrong both times, so that it is a little too wide.
func dropInterval(r *eval.Result) (low, high float64) {
	change, drop := r.Images-*r.AgreementImages, r.FP32.Top1Images-r.INT8.Top1Images
	lost := (change + drop + 1) / 2
	return budget.Verdict{Images: r.Images, Labelled: true, Lost: lost, Won: lost - drop}.Interval()
}
