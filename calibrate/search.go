package calibrate

import "math"

// candidates bounds the thresholds that a search tries, evenly spaced: a step is
// then a thousandth of the range or less.
const candidates = 1024

// leastOf returns the number of bins, of those of a histogram, to keep below the
// threshold so that cost is least. Candidates go down to one bin a level, below
// which the histogram cannot tell levels apart. Ties go to the larger threshold.
func leastOf(bins, levels int, cost func(n int) float64) int {
	return leastOfSome(bins, levels, candidates, cost)
}

// leastOfSome is leastOf with another number of candidates.
func leastOfSome(bins, levels, candidates int, cost func(n int) float64) int {
	step := (bins + candidates - 1) / candidates
	best, bestAt := math.Inf(1), bins
	for n := bins; n >= levels; n -= step {
		if c := cost(n); c < best {
			best, bestAt = c, n
		}
	}
	return bestAt
}

// edge returns the upper edge of bin n-1 as a threshold. The last bin that holds
// a value is only partly used.
func (h *Histogram) edge(n int) float64 {
	return min(float64(n)*h.Width(), float64(h.Max()))
}

// eachLevel calls f for the levels of a quantiser that keeps n of all bins: the
// bins [from, to) that round to the level, and its place in bins. What
// lies above the threshold belongs to the last.
func eachLevel(n, all, levels int, f func(from, to int, at float64)) {
	perLevel := float64(n) / float64(levels)
	from := 0
	for l := range levels { // rounding intervals end half a level up
		to := min(rounded((float64(l)+0.5)*perLevel), n)
		f(from, to, float64(l)*perLevel)
		from = to
	}
	f(from, all, float64(n))
}

// rounded is math.Round of x, which is not negative.
func rounded(x float64) int {
	n := int(x)
	if x-float64(n) >= 0.5 {
		n++
	}
	return n
}

// A prefix holds running sums over the first i bins of a histogram, so that a
// candidate costs one logarithm a level instead of one a bin.
type prefix struct {
	count   []uint64  // elements
	live    []int     // bins that are not empty
	entropy []float64 // Σ n·ln n
	first   []float64 // Σ n·x, x the middle of the bin, in bins
	second  []float64 // Σ n·x²
}

// bins returns how many bins the histogram has.
func (p prefix) bins() int { return len(p.count) - 1 }

func newPrefix(counts []uint64) prefix {
	size := len(counts) + 1
	s := prefix{make([]uint64, size), make([]int, size), make([]float64, size), make([]float64, size), make([]float64, size)}
	for i, n := range counts {
		c, x := float64(n), float64(i)+0.5
		s.first[i+1], s.second[i+1] = s.first[i]+c*x, s.second[i]+c*x*x
		s.count[i+1], s.live[i+1], s.entropy[i+1] = s.count[i]+n, s.live[i], s.entropy[i]
		if n > 0 {
			s.live[i+1]++
			s.entropy[i+1] += xlogx(float64(n))
		}
	}
	return s
}

func xlogx(x float64) float64 { return x * math.Log(x) }
