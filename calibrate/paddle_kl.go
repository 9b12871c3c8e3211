package calibrate

import "math"

// paddleKL is KL as Paddle 1.3 computes it, for Compat Paddle13: 2048 bins from the smallest to
// the largest |x|, and for each n from 70 % of them the divergence of clipping
// after n bins. Known flaws that are kept: zeros are spread over the first group
// (see kl.go); the last bin is never inside; the last of the 255 groups takes
// up to 254 bins more than the others; a smallest value above 0 is not added to
// the threshold.
func paddleKL(h *paddleHistogram, batches int) float64 {
	return (float64(paddleKLIndex(h.counts[:], batches)) + 0.5) * h.width()
}

// newPaddlePass returns the observer of the second pass, given what the first saw.
func newPaddlePass(a *AbsMax) *paddleHistogram {
	return newPaddleHistogram(a.Min(), a.Max(), a.lo, a.hi)
}

const (
	paddleLevels = 255                       // whatever the type
	paddleFirst  = (paddleBins - 1) * 7 / 10 // rounded down
	paddleLast   = paddleBins - 1
)

// paddleKLIndex returns n of the smallest score, the first one of equals.
// batches is the number of arrays that Paddle would have sampled.
//
// Paddle sums the terms one by one in float64, which decides near ties. So the
// scores are first computed from prefix sums, within slack of Paddle's, and
// only those that could still be its smallest are computed as it does.
func paddleKLIndex(counts []uint64, batches int) int {
	s := newPrefix(counts)
	var scores [paddleLast + 1]float64
	best, slack := math.Inf(1), 0.0
	for n := paddleFirst; n <= paddleLast; n++ {
		if counts[n-1] == 0 {
			continue
		}
		score, size := s.paddleScore(n, batches)
		// 2·2048 roundings of relative size 2^-53, and twice that to be safe.
		slack = max(slack, size*(4*paddleBins*0x1p-53))
		scores[n] = score
		best = min(best, score)
	}
	bestExact, at := math.Inf(1), 0
	for n := paddleFirst; n <= paddleLast; n++ {
		if counts[n-1] == 0 || scores[n] > best+2*slack {
			continue
		}
		if score := paddleScoreExactly(counts, n, batches); at == 0 || score < bestExact {
			bestExact, at = score, n
		}
	}
	if at == 0 {
		for at = paddleFirst; at > 0 && counts[at] == 0; {
			at--
		}
	}
	return at
}

// paddleGroup returns the bins of group g when n bins are kept.
func paddleGroup(g, n int) (from, to int) {
	step := n / paddleLevels
	if g == paddleLevels-1 {
		return g * step, n
	}
	return g * step, (g + 1) * step
}

// paddleScore returns the score of n and the size of the sums it is the
// difference of.
func (s prefix) paddleScore(n, batches int) (score, size float64) {
	all := float64(s.count[len(s.count)-1])
	kept := float64(s.count[n])
	last := float64(s.count[n] - s.count[n-1])
	pLogP := s.entropy[n-1] + xlogx(last+all-kept)
	var pLogQ float64
	for g := range paddleLevels {
		from, to := paddleGroup(g, n)
		total := float64(s.count[to] - s.count[from])
		if total == 0 {
			continue
		}
		p := total
		if g == paddleLevels-1 {
			p += all - kept // the clipped elements, in P only
		}
		pLogQ += p * math.Log(total/float64(s.live[to]-s.live[from]))
	}
	b := float64(batches)
	s1, s2 := all*math.Log(kept)+pLogP, all*math.Log(b)+pLogQ
	return (s1 - s2) / b, (all*math.Log(kept) + pLogP + all*math.Log(b) + pLogQ) / b
}

// paddleScoreExactly sums in Paddle's order, one bin after the other. The
// conversions keep the compiler from fusing a product into the sum.
func paddleScoreExactly(counts []uint64, n, batches int) float64 {
	var q [paddleBins]float64
	var qSum float64
	for g := range paddleLevels {
		from, to := paddleGroup(g, n)
		var total uint64
		live := 0
		for _, c := range counts[from:to] {
			total += c
			if c != 0 {
				live++
			}
		}
		for i := from; i < to; i++ {
			if counts[i] != 0 {
				q[i] = float64(total) / float64(live)
				qSum += q[i]
			}
		}
	}
	var clipped uint64
	for _, c := range counts[n:] {
		clipped += c
	}
	var s1, s2 float64
	for i, c := range counts[:n] {
		if i == n-1 {
			c += clipped
		}
		if c != 0 {
			p := float64(c)
			s1 += float64(p * math.Log(qSum*p))
			s2 += float64(p * math.Log(float64(batches)*q[i]))
		}
	}
	return (s1 - s2) / float64(batches)
}
