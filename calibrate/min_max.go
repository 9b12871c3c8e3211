package calibrate

import "math"

// chooseMinMax is MinMax: the least threshold with which no value is clipped
// when s8 is used down to −128. u8 has no such integer to spare, and there it is Max.
func chooseMinMax(s *Statistics, levels int) float64 {
	if levels != math.MaxInt8 {
		return float64(s.Max())
	}
	return max(float64(s.High()), -float64(s.Low())*math.MaxInt8/-math.MinInt8)
}
