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

func TestQuantile(t *testing.T) {
	hundred := make([]float64, 100)
	for i := range hundred {
		hundred[i] = float64(100 - i)
	}
	for _, c := range []struct {
		x    []float64
		q    float64
		want float64
	}{{hundred, 0.99, 99}, {hundred, 1, 100}, {hundred, 0, 1}, {hundred, 0.501, 51}, {[]float64{7}, 0.5, 7}} {
		if got := Quantile(c.x, c.q); got != c.want {
			t.Errorf("Quantile of %d values, %v, is %v, want %v", len(c.x), c.q, got, c.want)
		}
	}
}
