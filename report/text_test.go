package report

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/octet-dnn/octet/calibrate"
)

func TestNumbers(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{short(0), "0"}, {short(-12.34), "−12.3"}, {short(0.04567), "0.0457"}, {short(9.996), "10.00"}, {short(1234.5), "1234"}, {short(2.5e7), "2.5e+07"},
		{percent(0), "0 %"}, {percent(1e-7), "< 0.001 %"}, {percent(0.00042), "0.042 %"}, {percent(0.0123), "1.23 %"}, {percent(0.5), "50.0 %"},
		{plain(7), "7"}, {plain(1234567), "1\u202f234\u202f567"},
		{unitOf(0.4).full(0.0123), "12.3\u00a0µs"}, {unitOf(0.4).text(0.00123), "1.23"}, {unitOf(0.5).full(0.5), "0.500\u00a0ms"}, {unitOf(200).text(187.4), "187"},
		{mark(0.30000000000000004), "0.3"}, {mark(-10), "−10"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}

func TestShorten(t *testing.T) {
	for _, name := range []string{"", "conv1", strings.Repeat("ä", maxName), strings.Repeat("ä", maxName+1), strings.Repeat("long/", 1e6), "bad \xff\xfe"} {
		got := shorten(name)
		if n := utf8.RuneCountInString(got); n > maxName || !utf8.ValidString(got) {
			t.Errorf("%.20q… became %d characters: %q", name, n, got)
		}
		if utf8.ValidString(name) && utf8.RuneCountInString(name) <= maxName && got != name {
			t.Errorf("%q became %q", name, got)
		}
	}
}

func TestBreaks(t *testing.T) {
	for name, want := range map[string][]string{
		"":                   nil,
		"conv":               {"conv"},
		"bn2a.output.1.tmp_": {"bn2a.", "output.", "1.", "tmp_"},
		"a__b/c":             {"a__", "b/", "c"},
	} {
		if got := breaks(name); !slices.Equal(got, want) {
			t.Errorf("%q breaks into %q, want %q", name, got, want)
		}
	}
}

// TestChoices: what the table was made with is marked where the model uses it,
// and else the model's own threshold; the largest value seen is not clipped by max.
func TestChoices(t *testing.T) {
	all, err := newTensors(tiny(t).Table)
	if err != nil {
		t.Fatal(err)
	}
	s := all["first"]
	kl := s.choices[slices.IndexFunc(s.choices, func(c choice) bool { return c.Algorithm == string(calibrate.KL) })].threshold
	for _, c := range []struct {
		used float64
		want []string
	}{{kl, []string{"KL"}}, {kl * 1.5, []string{"the INT8 model"}}, {0, nil}} {
		var marked []string
		for _, one := range s.plot(c.used).Choices {
			if one.InUse {
				marked = append(marked, one.Algorithm)
			}
			if one.Algorithm == string(calibrate.Max) && one.Clipped != "0 %" {
				t.Errorf("max clips %s", one.Clipped)
			}
		}
		if !slices.Equal(marked, c.want) {
			t.Errorf("threshold %v: %q in use, want %q", c.used, marked, c.want)
		}
	}
}

// TestLabels: the labels of thresholds, however close, neither overlap nor leave the plot.
func TestLabels(t *testing.T) {
	const width = 632
	for _, thresholds := range [][]float64{{1, 2, 3, 4, 5, 6, 7, 8}, {7.9, 7.95, 8, 8}, {0.01, 0.1, 0.2, 8}, {8, 8, 8, 8, 8, 8, 8, 8}} {
		var choices []choice
		for i, x := range thresholds {
			choices = append(choices, choice{Algorithm: string(calibrate.Algorithms()[i]), threshold: x})
		}
		all, _ := lines(choices, 8, func(x float64) float64 { return 8 + x/8*600 }, width)
		type span struct{ from, to, y float64 }
		var spans []span
		for _, l := range all {
			s := span{l.LabelX, l.LabelX + labelChar*float64(len(l.Label)), l.LabelY}
			if l.Anchor == "end" {
				s.from, s.to = s.from-(s.to-s.from), s.from
			}
			if s.from < 0 || s.to > width {
				t.Errorf("%v: label %q from %.0f to %.0f", thresholds, l.Label, s.from, s.to)
			}
			for _, o := range spans {
				if o.y == s.y && o.from < s.to && s.from < o.to {
					t.Errorf("%v: label %q overlaps another", thresholds, l.Label)
				}
			}
			spans = append(spans, s)
		}
	}
}
