package calibrate

// movingRate is the weight that the average keeps when a sample comes: it then
// reaches back over a hundred samples or so. (Paddle's moving_average_abs_max has 0.9,
// for batches.)
const movingRate = 0.99

// chooseMovingAverage is MovingAverage: the operator moving_average_abs_max of
// Paddle, accum/state, over the samples of the sketch in the order of their
// digests. A moving average depends on order; that order is one that the samples
// themselves decide, as good as drawn by lot, and the same whatever
// order they came in.
func chooseMovingAverage(s *Statistics, _ int) float64 {
	var accum, state float64
	for _, top := range s.Tops {
		accum = float64(accum*movingRate) + float64(top)
		state = float64(state*movingRate) + 1
	}
	if accum == 0 { // what is not zero is in samples that the sketch left out
		return float64(s.Max())
	}
	return min(accum/state, float64(s.Max()))
}
