package ref

import (
	"fmt"
	"math"
)

// A ReductionAlg says what a reduction makes of the values it joins.
type ReductionAlg string

// The reductions. The norms take the sum s of |x|^P; "max" makes that
// max(s, Eps), "sum" makes it s+Eps; the plain ones then take the P-th root.
const (
	ReduceMax           ReductionAlg = "max"
	ReduceMin           ReductionAlg = "min"
	ReduceSum           ReductionAlg = "sum"
	ReduceMul           ReductionAlg = "mul"
	ReduceMean          ReductionAlg = "mean"
	ReduceNormMax       ReductionAlg = "norm_lp_max"
	ReduceNormSum       ReductionAlg = "norm_lp_sum"
	ReduceNormPowerPMax ReductionAlg = "norm_lp_power_p_max"
	ReduceNormPowerPSum ReductionAlg = "norm_lp_power_p_sum"
)

// Reduction joins the values along every dim in which Dst has size one and
// Src has not.
type Reduction struct {
	Alg      ReductionAlg
	Src, Dst *Tensor
	P, Eps   float64
	Attr     Attr
}

// Run fills Dst.
func (r *Reduction) Run() error {
	f := r.reducer()
	if f == nil || !broadcasts(r.Dst.Dims, r.Src.Dims) {
		return fmt.Errorf("ref: reduction %s: src %v, dst %v: %w", r.Alg, r.Src, r.Dst, ErrShape)
	}
	out, err := newSink(r.Attr, r.Dst)
	if err != nil {
		return fmt.Errorf("ref: reduction: %w", err)
	}
	groups := make([][]float64, len(r.Dst.Data))
	for i, index := range Indices(r.Src.Dims) {
		o := offset(r.Dst.Dims, index)
		groups[o] = append(groups[o], r.Src.Data[i])
	}
	for i, index := range Indices(r.Dst.Dims) {
		out.store(index, f(groups[i]))
	}
	return nil
}

// reducer returns the function of the values that end up in one element.
func (r *Reduction) reducer() func([]float64) float64 {
	fold := func(start float64, f func(acc, v float64) float64) func([]float64) float64 {
		return func(values []float64) float64 {
			acc := start
			for _, v := range values {
				acc = f(acc, v)
			}
			return acc
		}
	}
	sum := fold(0, func(acc, v float64) float64 { return acc + v })
	powers := fold(0, func(acc, v float64) float64 { return acc + math.Pow(math.Abs(v), r.P) })
	switch r.Alg {
	case ReduceMax:
		return fold(math.Inf(-1), func(acc, v float64) float64 { return max(acc, v) })
	case ReduceMin:
		return fold(math.Inf(1), func(acc, v float64) float64 { return min(acc, v) })
	case ReduceSum:
		return sum
	case ReduceMul:
		return fold(1, func(acc, v float64) float64 { return acc * v })
	case ReduceMean:
		return func(v []float64) float64 { return sum(v) / float64(len(v)) }
	case ReduceNormMax:
		return func(v []float64) float64 { return math.Pow(max(powers(v), r.Eps), 1/r.P) }
	case ReduceNormSum:
		return func(v []float64) float64 { return math.Pow(powers(v)+r.Eps, 1/r.P) }
	case ReduceNormPowerPMax:
		return func(v []float64) float64 { return max(powers(v), r.Eps) }
	case ReduceNormPowerPSum:
		return func(v []float64) float64 { return powers(v) + r.Eps }
	}
	return nil
}
