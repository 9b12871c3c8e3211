package calibrate

// chooseMSE is MSE.
func chooseMSE(s *Statistics, levels int) float64 {
	p := newPrefix(s.Counts())
	return s.edge(leastOf(p.bins(), levels, func(n int) float64 { return p.squareError(n, levels) }))
}

// squareError returns the sum of the square errors, in bins, of a quantiser that
// keeps n bins. Elements count as in the middle of their bins.
func (p prefix) squareError(n, levels int) (sum float64) {
	eachLevel(n, p.bins(), levels, func(from, to int, at float64) {
		sum += p.second[to] - p.second[from] - 2*at*(p.first[to]-p.first[from]) + at*at*float64(p.count[to]-p.count[from])
	})
	return sum
}
