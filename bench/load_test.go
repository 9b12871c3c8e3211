package bench

import (
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       time.Duration
		fails      bool
	}{
		{name: "busy without idle, iowait and guest", text: "cpu  100 20 3 9000 800 4 5 6 70 7\ncpu0 1 1 1 1 1 1 1 1 1 1\n", want: 138 * 10 * time.Millisecond},
		{name: "empty", text: "", fails: true},
		{name: "an old kernel without steal", text: "cpu  1 2 3 4 5 6 7\n", fails: true},
		{name: "no number", text: "cpu  1 2 x 4 5 6 7 8\n", fails: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := parseStat(c.text)
			if (err != nil) != c.fails || got != c.want {
				t.Errorf("parseStat(%q) = %v, %v, want %v, an error %v", c.text, got, err, c.want, c.fails)
			}
		})
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		x    []float64
		want float64
	}{{[]float64{3}, 3}, {[]float64{4, 1}, 2.5}, {[]float64{9, 1, 5}, 5}, {[]float64{8, 2, 4, 6}, 5}} {
		if got := median(c.x); got != c.want {
			t.Errorf("median(%v) = %v, want %v", c.x, got, c.want)
		}
	}
}
