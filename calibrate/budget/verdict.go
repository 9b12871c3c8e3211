package budget

import (
	"fmt"
	"math"

	"github.com/octet-dnn/octet/calibrate"
)

// A Verdict counts what an INT8 network and the FP32 one say about the same pictures.
type Verdict struct {
	Images int `json:"images"`
	// Labelled says that the pictures have labels, and the next four are counted.
	Labelled  bool `json:"labelled"`
	FP32Right int  `json:"fp32_right"`
	INT8Right int  `json:"int8_right"`
	Lost      int  `json:"lost"` // pictures that only FP32 gets right
	Won       int  `json:"won"`  // pictures that only INT8 gets right
	// Agree counts the pictures with equal top-1 class.
	Agree int `json:"agree"`
	// MeanKL is the mean divergence of the INT8 probabilities from FP32's, in nats.
	MeanKL float64 `json:"mean_kl"`
}

// changes returns the pictures that got worse, and better. Without labels FP32 is
// taken to be right.
func (v Verdict) changes() (worse, better int) {
	if v.Labelled {
		return v.Lost, v.Won
	}
	return v.Images - v.Agree, 0
}

// Drop returns the points of top-1 accuracy that INT8 loses, negative where it
// gains; without labels, the percentage of pictures with another class than FP32's.
func (v Verdict) Drop() float64 {
	worse, better := v.changes()
	return v.points(float64(worse - better))
}

// Agreement returns the percentage of pictures with equal top-1 class.
func (v Verdict) Agreement() float64 { return v.points(float64(v.Agree)) }

func (v Verdict) points(pictures float64) float64 { return 100 * pictures / float64(max(v.Images, 1)) }

// Interval returns within which points the drop on all pictures of this kind lies
// with 95 % confidence: the paired interval of A. Agresti and Y. Min, "Simple
// improved confidence intervals for comparing matched proportions", 2005, which
// adds one half to each of the four counts, so that it is sound with few changes too.
func (v Verdict) Interval() (low, high float64) {
	const z = 1.959964 // of the normal distribution, two-sided 95 %
	worse, better := v.changes()
	b, c, n := float64(worse)+0.5, float64(better)+0.5, float64(v.Images)+2
	mean := (b - c) / n
	half := z * math.Sqrt(b+c-(b-c)*(b-c)/n) / n
	return 100 * (mean - half), 100 * (mean + half)
}

// Limits are what a network must keep. Fields that are nil ask nothing.
type Limits struct {
	MaxDrop      *float64 `json:"max_drop,omitempty"`      // points, see Verdict.Drop
	MinAgreement *float64 `json:"min_agreement,omitempty"` // percent
	MaxKL        *float64 `json:"max_kl,omitempty"`        // nats
}

// slack absorbs the rounding of percentages of whole pictures.
const slack = 1e-9

// Met reports whether v keeps all limits.
func (l Limits) Met(v Verdict) bool { return l.excess(v) == 0 }

// excess returns by how much v misses the limits, each as a share of the whole scale.
func (l Limits) excess(v Verdict) (sum float64) {
	miss := func(by, scale float64) {
		if by > slack {
			sum += by / scale
		}
	}
	if l.MaxDrop != nil {
		miss(v.Drop()-*l.MaxDrop, 100)
	}
	if l.MinAgreement != nil {
		miss(*l.MinAgreement-v.Agreement(), 100)
	}
	if l.MaxKL != nil {
		miss(v.MeanKL-*l.MaxKL, 1)
	}
	return sum
}

// Doubts says in words what so few pictures cannot show about v, "" if they can.
func (l Limits) Doubts(v Verdict) string {
	if l.MaxDrop == nil {
		return ""
	}
	low, high := v.Interval()
	if high <= *l.MaxDrop {
		return ""
	}
	text := fmt.Sprintf("%d pictures cannot show a drop of at most %.2f points: it lies between %.2f and %.2f with 95 %% confidence, one picture is %.2f",
		v.Images, *l.MaxDrop, low, high, v.points(1))
	if room := *l.MaxDrop - v.Drop(); room > slack { // an interval narrows with the root of the number
		half := (high - low) / 2
		text += fmt.Sprintf("; about %.0f could", math.Ceil(float64(v.Images)*half*half/(room*room)/100)*100)
	}
	return text
}

// Check refuses limits that no network keeps, FP32 included, and those that ask nothing.
// Errors wrap calibrate.ErrOptions.
func (l Limits) Check() error {
	bad := func(x *float64, low, high float64) bool { return x != nil && !(*x >= low && *x <= high) }
	switch {
	case l.MaxDrop == nil && l.MinAgreement == nil && l.MaxKL == nil:
		return fmt.Errorf("no limit is given: %w", calibrate.ErrOptions)
	case bad(l.MaxDrop, 0, 100):
		return fmt.Errorf("a drop of at most %v points: want 0 … 100: %w", *l.MaxDrop, calibrate.ErrOptions)
	case bad(l.MinAgreement, 0, 100):
		return fmt.Errorf("an agreement of at least %v %%: want 0 … 100: %w", *l.MinAgreement, calibrate.ErrOptions)
	case bad(l.MaxKL, 0, math.MaxFloat64):
		return fmt.Errorf("a mean divergence of at most %v: want 0 or more: %w", *l.MaxKL, calibrate.ErrOptions)
	}
	return nil
}
