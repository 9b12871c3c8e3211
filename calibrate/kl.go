package calibrate

import "math"

// KL, as Octet does it.
//
// The idea is that of TensorRT's entropy calibration (S. Migacz, "8-bit
// Inference with TensorRT", GTC 2017), which Paddle 1.3 follows too: quantise a
// histogram of |x| for each candidate threshold and keep the one whose result
// has the smallest Kullback-Leibler divergence from the original. What lies
// above the threshold counts as clipped to it in the original and is missing
// from the quantised distribution, so that clipping costs.
//
// Four things differ from Paddle's search, each because of what it does to
// real activations:
//
//   - Exact zeros are left out: every threshold keeps them exactly. After a relu
//     they are half of the values and more. Paddle spreads them over the bins of
//     the first group, which costs zeros·ln(bins a group) and outweighs all else,
//     so the largest threshold with 5 bins a group wins, 1529 bins of 2048: 4.48
//     of 6 after a relu6, whose accuracy collapses (TestReLU6Collapse).
//   - The full range is a candidate, and what saturates to the top level is one
//     cell. A spike at the top, which the top level represents exactly, costs
//     nothing at the full range and its whole weight at any lower threshold. Paddle
//     has candidates of up to 2047 bins and spreads the spike, too.
//   - Groups are the rounding intervals of the R levels, not equal runs of
//     bins of which the last takes the remainder.
//   - Sampling noise is allowed for: c elements that lie evenly over m bins
//     still seem to diverge from evenness by (m−1)/2 on average (the bias of
//     G. Miller, "Note on the bias of information estimates", 1955). Uncorrected,
//     few samples look rough, and small thresholds, which have fewer bins a
//     level, look better than they are.
//
// R is 255 for u8 and 127 for s8.
var klMethod = method{
	observe: func() Observer { return NewHistogram() },
	threshold: func(o Observer, levels, _ int) float64 {
		h := o.(*Histogram)
		n := klBins(h.Counts(), levels)
		// The last bin that holds a value is only partly used.
		return min(float64(n)*h.Width(), float64(h.Max()))
	},
}

// klCandidates bounds the thresholds tried, evenly spaced: a step is then a
// thousandth of the range or less.
const klCandidates = 1024

// klBins returns the number of bins to keep below the threshold. Candidates go
// down to one bin a level, below which the histogram cannot tell levels apart.
// Ties go to the larger threshold.
func klBins(counts []uint64, levels int) int {
	s := newPrefix(counts)
	step := (len(counts) + klCandidates - 1) / klCandidates
	best, bestAt := math.Inf(1), len(counts)
	for n := len(counts); n >= levels; n -= step {
		if d := s.divergence(n, levels); d < best {
			best, bestAt = d, n
		}
	}
	return bestAt
}

// A prefix holds running sums over the first i bins of a histogram, so that a
// candidate costs one logarithm a level instead of one a bin.
type prefix struct {
	count   []uint64  // elements
	live    []int     // bins that are not empty
	entropy []float64 // Σ n·ln n
}

func newPrefix(counts []uint64) prefix {
	s := prefix{make([]uint64, len(counts)+1), make([]int, len(counts)+1), make([]float64, len(counts)+1)}
	for i, n := range counts {
		s.count[i+1], s.live[i+1], s.entropy[i+1] = s.count[i]+n, s.live[i], s.entropy[i]
		if n > 0 {
			s.live[i+1]++
			s.entropy[i+1] += xlogx(float64(n))
		}
	}
	return s
}

func xlogx(x float64) float64 { return x * math.Log(x) }

// divergence returns N·KL(P‖Q), less its bias, for the threshold at the upper
// edge of bin n-1, with N elements in all. Below the top level P has the counts
// of the bins, and Q spreads the count of a level evenly over its bins that are
// not empty. The top level is one cell, which in P includes the clipped
// elements. Q has those nowhere and is normalised over the rest. The result is
// infinite if elements are clipped to a level that has none of its own.
func (s prefix) divergence(n, levels int) float64 {
	perLevel := float64(n) / float64(levels)
	var d float64
	from := 0
	for l := range levels { // rounding intervals end half a level up
		to := min(int(math.Round((float64(l)+0.5)*perLevel)), n)
		if c := float64(s.count[to] - s.count[from]); c > 0 {
			live := float64(s.live[to] - s.live[from])
			d -= c*math.Log(c/live) + (live-1)/2
		}
		from = to
	}
	d += s.entropy[from]
	all := float64(s.count[len(s.count)-1])
	top, clipped := float64(s.count[n]-s.count[from]), all-float64(s.count[n])
	if clipped > 0 { // infinite where top is 0
		d += (top+clipped)*math.Log((top+clipped)/top) + all*math.Log1p(-clipped/all)
	}
	return d
}
