package eval

import "math"

// rank returns how many classes a row puts before the given one. Among equals
// the lower class comes first, as in Paddle's top_k.
func rank(row []float32, class int) int {
	n := 0
	for i, v := range row {
		if v > row[class] || v == row[class] && i < class {
			n++
		}
	}
	return n
}

// Top returns the k classes of a row with the largest values, the first of
// them first, and the lower class first among equals.
func Top(row []float32, k int) []int {
	k = min(k, len(row))
	top := make([]int, 0, k+1)
	for i, v := range row {
		at := len(top)
		for at > 0 && v > row[top[at-1]] {
			at--
		}
		if at == k {
			continue
		}
		top = append(top, 0)
		copy(top[at+1:], top[at:])
		top[at] = i
		top = top[:min(len(top), k)]
	}
	return top
}

// smallest replaces probabilities below it before they are compared, so that
// one class that underflowed to 0 does not make a divergence infinite.
const smallest = 1e-12

// Divergence returns the Kullback-Leibler divergence of q from the reference p,
// Σ p·ln(p/q) in nats.
func Divergence(p, q []float32) float64 {
	var sumP, sumQ, kl float64
	for i := range p {
		sumP += max(float64(p[i]), smallest)
		sumQ += max(float64(q[i]), smallest)
	}
	for i := range p {
		a, b := max(float64(p[i]), smallest)/sumP, max(float64(q[i]), smallest)/sumQ
		kl += a * math.Log(a/b)
	}
	return kl
}

func finite(x []float32) bool {
	for _, v := range x {
		if v-v != 0 { // NaN for NaN and infinities
			return false
		}
	}
	return true
}
