package calibrate

import (
	"math"
	"slices"
)

// chooseKL is KL, as Octet does it.
//
// The idea is that of TensorRT's entropy calibration (S. Migacz, "8-bit
// Inference with TensorRT", GTC 2017), which Paddle 1.3 follows too: quantise a
// histogram of |x| for each candidate threshold and keep the one whose result
// has the smallest Kullback-Leibler divergence from the original. What lies
// above the threshold counts as clipped to it in the original and is missing
// from the quantised distribution, so that clipping costs.
//
// What differs from Paddle's search, each because of what it does to real
// activations:
//
//   - Atoms do not count for the resolution. Activations are no smooth
//     distribution: after a relu half of the values and more are exactly zero,
//     and flat regions of pictures give the same value again and again. Such
//     a value moves by half a level at most, which harms nothing, but a spike spread
//     over the m bins of its group costs ln m times its weight, which outweighs
//     all else. In Paddle's search the zeros do that: the largest threshold with
//     groups of 5 bins wins, 1529 bins of 2048, 4.48 of 6 after a relu6, whose
//     accuracy collapses (TestReLU6Collapse). So zeros are left out, and
//     of other bins what rises above twice the median around them.
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
// R is 255 for u8 and 127 for s8. Vectors are left to chooseMSE, see chooserFor.
func chooseKL(s *Statistics, levels int) float64 {
	return s.edge(klBins(s.Counts(), levels, candidates))
}

func klBins(counts []uint64, levels, candidates int) int {
	s := klSearch{levels, newPrefix(counts), newPrefix(withoutAtoms(counts))}
	best := math.Inf(1)
	return leastOfSome(len(counts), levels, candidates, func(n int) float64 {
		d := s.divergence(n, best)
		if d < best {
			best = d
		}
		return d
	})
}

// atomWindow is how many bins to each side of a bin tell what its neighbourhood
// has: together two levels or less at the full range of u8.
const atomWindow = 16

// withoutAtoms returns the counts, those cut off that rise above twice the median
// of their neighbourhood.
func withoutAtoms(counts []uint64) []uint64 {
	cut := make([]uint64, len(counts))
	around := slices.Clone(counts[:min(atomWindow, len(counts))]) // in order
	slices.Sort(around)
	for i, n := range counts {
		switch comes, goes := i+atomWindow < len(counts), i > atomWindow; {
		case comes && goes:
			replace(around, counts[i-atomWindow-1], counts[i+atomWindow])
		case comes:
			around = append(around, math.MaxUint64)
			replace(around, math.MaxUint64, counts[i+atomWindow])
		case goes:
			replace(around, counts[i-atomWindow-1], math.MaxUint64)
			around = around[:len(around)-1]
		}
		cut[i] = min(n, max(2*around[len(around)/2], 1))
	}
	return cut
}

// replace puts in into a short list in order, in place of out, which is there.
func replace(list []uint64, out, in uint64) {
	at := 0
	for list[at] != out {
		at++
	}
	for ; at+1 < len(list) && list[at+1] < in; at++ {
		list[at] = list[at+1]
	}
	for ; at > 0 && list[at-1] > in; at-- {
		list[at] = list[at-1]
	}
	list[at] = in
}

// A klSearch scores thresholds for one histogram.
type klSearch struct {
	levels int
	all    prefix
	smooth prefix // without the atoms
}

// divergence returns N·KL(P‖Q), less its bias, for the threshold at the upper
// edge of bin n-1, with N elements in all. Below the top level P has the counts
// of the bins, and Q spreads the count of a level evenly over its bins that are
// not empty. The top level is one cell, which in P includes the clipped
// elements. Q has those nowhere and is normalised over the rest. The result is
// infinite if elements are clipped to a level that has none of its own, and may be so as well
// where it is not less than best.
func (s klSearch) divergence(n int, best float64) float64 {
	perLevel := float64(n) / float64(s.levels)
	end := min(rounded((float64(s.levels)-0.5)*perLevel), n)
	clipping := s.clipping(end, n)
	best += 1e-9 * s.smooth.entropy[end] // far above what sums are rounded by
	var d float64
	from := 0
	for l := range s.levels { // rounding intervals end half a level up
		// No level can diverge less than not at all, less its bias.
		if d+s.smooth.entropy[from]+clipping-float64(s.smooth.live[end]-s.smooth.live[from])/2 > best {
			return math.Inf(1)
		}
		to := min(rounded((float64(l)+0.5)*perLevel), n)
		if c := float64(s.smooth.count[to] - s.smooth.count[from]); c > 0 {
			live := float64(s.smooth.live[to] - s.smooth.live[from])
			d -= c*math.Log(c/live) + (live-1)/2
		}
		from = to
	}
	return d + s.smooth.entropy[from] + clipping
}

// clipping is what the elements clipped by a threshold at the upper edge of bin n-1 add, where the top
// level begins with bin from.
func (s klSearch) clipping(from, n int) float64 {
	total := float64(s.all.count[len(s.all.count)-1])
	top, clipped := float64(s.all.count[n]-s.all.count[from]), total-float64(s.all.count[n])
	if clipped == 0 {
		return 0
	}
	return (top+clipped)*math.Log((top+clipped)/top) + total*math.Log1p(-clipped/total) // infinite where top is 0
}
