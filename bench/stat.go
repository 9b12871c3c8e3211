package bench

import "slices"

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
