package calibrate

import "math"

// maxSweeps bounds how often descend goes over the weights of a channel. Most
// channels of real networks are at rest after four to eight sweeps.
const maxSweeps = 8

// shrink is what covariances of different inputs are multiplied with, where
// they come from rows samples: with few of them some are chance, and rounding
// must not rely on them. (O. Ledoit and M. Wolf, "A well-conditioned estimator
// for large-dimensional covariance matrices", 2004, estimate the factor; this
// is its order.)
func shrink(k int, rows float64) float64 { return rows / (rows + float64(k)) }

// A quadratic measures rounding errors e of the weights of one output channel
// by what they do to the output: e'·M·e, M being the covariance of what the
// weights multiply, plus damp on its diagonal. K×K, symmetric.
type quadratic struct {
	k    int
	m    []float32
	damp float64
}

// dampShare is the share of the mean diagonal that is added to it: directions
// in which the samples hardly vary must not swallow unlimited errors. It is the
// value of E. Frantar et al., "GPTQ", 2022; a tenth of it gives the same accuracy here.
const dampShare = 0.01

func newQuadratic(k int, m []float32) quadratic {
	q := quadratic{k: k, m: m}
	for i := range k {
		q.damp += float64(m[i*k+i])
	}
	q.damp *= dampShare / float64(k)
	return q
}

// descend moves integers q, one at a time and in turns, to where the error of
// q−x measures least while all others stay, until no move is left or maxSweeps
// are over. x are the weights in units of a step; limits bounds integer i.
//
// This is coordinate descent on the objective that AdaRound (M. Nagel et al.,
// 2020) and GPTQ minimise, as in P. Nair and A. Suggala, "CDQuant", 2024: an
// error that inputs of the same channel share is made up for by its neighbours.
// It starts from rounding to nearest and never ends above it.
func (d quadratic) descend(x, q []float64, limits func(q []float64, i int) (least, most float64)) {
	g := make([]float64, d.k) // (M+damp)·(q−x)
	move := func(i int, by float64) {
		for j, m := range d.m[i*d.k : (i+1)*d.k] {
			g[j] += by * float64(m)
		}
		g[i] += by * d.damp
	}
	for i := range q {
		if e := q[i] - x[i]; e != 0 {
			move(i, e)
		}
	}
	for range maxSweeps {
		rest := true
		for i := range q {
			h := float64(d.m[i*d.k+i]) + d.damp
			if h <= 0 {
				continue // an input that is always the same: the bias has its error
			}
			least, most := limits(q, i)
			by := min(max(math.RoundToEven(q[i]-g[i]/h), least), most) - q[i]
			if by == 0 || 2*by*g[i]+by*by*h >= 0 {
				continue
			}
			q[i] += by
			move(i, by)
			rest = false
		}
		if rest {
			return
		}
	}
}
