package calibrate

// chooseEMD is EMD. Quantisation never changes the order of two values, so the
// cheapest way to move one distribution onto the other moves each element to
// its own integer: on a line, the earth mover's distance is the mean absolute error.
func chooseEMD(s *Statistics, levels int) float64 {
	p := newPrefix(s.Counts())
	return s.edge(leastOf(p.bins(), levels, func(n int) float64 { return p.absoluteError(n, levels) }))
}

// absoluteError returns the sum of the absolute errors, in bins, of a quantiser
// that keeps n bins. Elements count as in the middle of their bins.
func (p prefix) absoluteError(n, levels int) (sum float64) {
	eachLevel(n, p.bins(), levels, func(from, to int, at float64) {
		split := min(max(int(at+0.5), from), to) // bins whose middle is below at
		sum += at*float64(p.count[split]-p.count[from]) - (p.first[split] - p.first[from])
		sum += p.first[to] - p.first[split] - at*float64(p.count[to]-p.count[split])
	})
	return sum
}
