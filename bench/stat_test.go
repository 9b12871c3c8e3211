package bench

import "testing"

func TestSpread(t *testing.T) {
	for _, c := range []struct {
		x    []float64
		want Stat
	}{{[]float64{3}, Stat{3, 3, 3}}, {[]float64{4, 1}, Stat{1, 2.5, 4}}, {[]float64{9, 1, 5}, Stat{1, 5, 9}}, {[]float64{8, 2, 4, 6}, Stat{2, 5, 8}}} {
		if got := Spread(c.x); got != c.want {
			t.Errorf("Spread(%v) = %v, want %v", c.x, got, c.want)
		}
	}
}
