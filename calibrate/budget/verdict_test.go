package budget

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestInterval(t *testing.T) {
	for _, c := range []struct {
		name      string
		v         Verdict
		low, high float64
	}{
		// The formula in Python: (b, c, n) = (10.5, 4.5, 102), mean 6/102, half 1.959964·√(15 − 36/102)/102.
		{"10 lost, 4 won of 100", Verdict{Images: 100, Labelled: true, Lost: 10, Won: 4}, -1.471639, 13.236345},
		// (0.5, 0.5, 12): half 1.959964·√1/12.
		{"nothing changed", Verdict{Images: 10, Labelled: true, Agree: 10}, -16.33303, 16.33303},
		// (2.5, 0.5, 12): mean 2/12, half 1.959964·√(3 − 4/12)/12.
		{"without labels, 2 of 10 changed", Verdict{Images: 10, Agree: 8}, -10.005065, 43.338398},
	} {
		low, high := c.v.Interval()
		if math.Abs(low-c.low) > 1e-4 || math.Abs(high-c.high) > 1e-4 {
			t.Errorf("%s: %.6f … %.6f, want %.6f … %.6f", c.name, low, high, c.low, c.high)
		}
	}
}

func TestLimits(t *testing.T) {
	v := Verdict{Images: 1000, Labelled: true, FP32Right: 800, INT8Right: 797, Lost: 5, Won: 2, Agree: 990, MeanKL: 0.004}
	for _, c := range []struct {
		name string
		l    Limits
		met  bool
	}{
		{"drop, exactly", Limits{MaxDrop: ptr(0.3)}, true},
		{"drop, too large", Limits{MaxDrop: ptr(0.29)}, false},
		{"agreement, exactly", Limits{MinAgreement: ptr(99)}, true},
		{"agreement, too small", Limits{MinAgreement: ptr(99.05)}, false},
		{"divergence, exactly", Limits{MaxKL: ptr(0.004)}, true},
		{"divergence, too large", Limits{MaxKL: ptr(0.0039)}, false},
		{"one of three", Limits{MaxDrop: ptr(1), MinAgreement: ptr(98), MaxKL: ptr(0.001)}, false},
		{"all three", Limits{MaxDrop: ptr(1), MinAgreement: ptr(98), MaxKL: ptr(0.01)}, true},
	} {
		if got := c.l.Met(v); got != c.met {
			t.Errorf("%s: met %v, want %v", c.name, got, c.met)
		}
	}
	unlabelled := Verdict{Images: 1000, Agree: 990}
	if d := unlabelled.Drop(); math.Abs(d-1) > 1e-9 {
		t.Errorf("10 of 1000 pictures without labels changed class: drop %v, want 1", d)
	}
}

func TestDoubts(t *testing.T) {
	few := Verdict{Images: 100, Labelled: true, FP32Right: 80, INT8Right: 80, Agree: 100}
	if text := (Limits{MaxDrop: ptr(0.3)}).Doubts(few); !strings.Contains(text, "one picture is 1.00") || !strings.Contains(text, "could") {
		t.Errorf("100 pictures, a drop of 0.3: %q", text)
	}
	many := Verdict{Images: 1_000_000, Labelled: true, FP32Right: 800_000, INT8Right: 799_900, Lost: 5100, Won: 5000, Agree: 980_000}
	if text := (Limits{MaxDrop: ptr(0.3)}).Doubts(many); text != "" {
		t.Errorf("a million pictures, a drop of 0.3: %q, want nothing", text)
	}
	if text := (Limits{MaxKL: ptr(0.3)}).Doubts(few); text != "" {
		t.Errorf("no drop asked: %q, want nothing", text)
	}
}

func TestStateFor(t *testing.T) {
	keys := Keys{"m", "n", "p"}
	s := NewState(keys)
	s.Sensitivities["a"] = 0.1
	s.Prices = []Priced{{[]string{"a"}, Price{1, 2, 0.5}}}
	s.Evaluations = []Evaluated{{[]string{"a"}, Verdict{Images: 1}}}
	for _, c := range []struct {
		name                               string
		k                                  Keys
		sensitivities, prices, evaluations int
	}{
		{"the same", keys, 1, 1, 1},
		{"another model", Keys{"x", "n", "p"}, 0, 0, 0},
		{"another machine", Keys{"m", "x", "p"}, 1, 0, 1},
		{"other pictures", Keys{"m", "n", "x"}, 1, 1, 0},
	} {
		got := s.For(c.k)
		if len(got.Sensitivities) != c.sensitivities || len(got.Prices) != c.prices || len(got.Evaluations) != c.evaluations || got.Keys != c.k {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}

func TestParseState(t *testing.T) {
	s := NewState(Keys{"m", "n", "p"})
	s.Sensitivities["a"] = math.Nextafter(0.1, 1)
	s.Prices = []Priced{{[]string{}, Price{1, -2, 0}}}
	s.Evaluations = []Evaluated{{[]string{"a"}, Verdict{Images: 2, Agree: 1, MeanKL: 1e-17}}}
	whole, err := text(s)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseState(whole)
	if diff := cmp.Diff(s, got); err != nil || diff != "" {
		t.Errorf("%v (-written +read):\n%s", err, diff)
	}
	for n := range len(whole) - 1 { // the last is a newline
		if _, err := ParseState(whole[:n]); !errors.Is(err, ErrState) {
			t.Fatalf("%d of %d bytes: %v, want ErrState", n, len(whole), err)
		}
	}
	for _, c := range []struct{ name, from, to string }{
		{"format", stateFormat, "octet budget 2"},
		{"unknown field", `"keys"`, `"locks"`},
		{"more behind", "}\n", "}\n{}"},
		{"sensitivity", `"a": 0`, `"a": -0`},
		{"price", `"base_ns": 1`, `"base_ns": 0`},
		{"pictures", `"images": 2`, `"images": 0`},
		{"agreement", `"agree": 1`, `"agree": 3`},
	} {
		spoilt := strings.Replace(string(whole), c.from, c.to, 1)
		if c.name == "more behind" {
			spoilt = string(whole) + "{}"
		}
		if _, err := ParseState([]byte(spoilt)); !errors.Is(err, ErrState) || spoilt == string(whole) {
			t.Errorf("%s: %v, want ErrState", c.name, err)
		}
	}
}
