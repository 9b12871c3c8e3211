package calibrate

// kept is the share of the elements, zeros included, that Percentile keeps: what
// H. Wu et al., "Integer quantization for deep learning inference", 2020, found
// best most often among 99.9, 99.99 and 99.999 %.
const kept = 0.9999

// choosePercentile is Percentile: the upper edge of the first bin up to which at
// least that share of the elements lies.
func choosePercentile(s *Statistics, _ int) float64 {
	want := uint64(kept * float64(s.Total()))
	below := s.Zeros()
	for i, n := range s.Counts() {
		if below += n; n > 0 && below >= want {
			return s.edge(i + 1)
		}
	}
	return float64(s.Max())
}
