package bench

import (
	"math"
	"slices"
)

// A Stat sums up repeated measurements.
type Stat struct {
	Min    float64 `json:"min"`
	Median float64 `json:"median"`
	Max    float64 `json:"max"`
}

// Spread returns the Stat of at least one measurement.
func Spread(x []float64) Stat {
	x = slices.Sorted(slices.Values(x))
	n := len(x)
	return Stat{x[0], (x[(n-1)/2] + x[n/2]) / 2, x[n-1]}
}

// Quantile returns the smallest measurement that at least the share q of all
// does not exceed.
func Quantile(x []float64, q float64) float64 {
	x = slices.Sorted(slices.Values(x))
	return x[min(max(int(math.Ceil(q*float64(len(x))))-1, 0), len(x)-1)]
}
