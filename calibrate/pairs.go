package calibrate

import (
	"fmt"
	"math"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// CPUs without VNNI multiply u8 by s8 with VPMADDUBSW, which adds the products
// of two adjacent input channels, 2i and 2i+1, in 16 bits and saturates. With
// sources of up to 255 a pair of weights cannot overflow, whatever the data, if
// those of its weights that have the same sign sum up to at most pairLimit in
// magnitude: 255·128 = 32640 ≤ 32767.
//
// Convolutions of s8 sources see (x+128)·(w/2) there (oneDNN developer guide,
// "Nuances of int8 Computations"): no pair of halves overflows, but the halves
// are rounded, so that even weights alone are exact. Depthwise kernels widen
// first and are exact.
const pairLimit = 128

// A pairing says what the kernels for CPUs without VNNI do with the weights of
// one output channel.
type pairing int

const (
	pairsNone   pairing = iota // exact whatever the weights
	pairsAdd                   // adjacent weights add up
	pairsHalved                // weights are halved
)

// pairingOf returns the pairing of a layer with weights of dims for a source of type d.
func pairingOf(op graph.Op, dims []int64, d model.DType) pairing {
	c, conv := op.(*graph.Conv)
	switch {
	case conv && dims[1] == 1 && c.Groups > 1:
		return pairsNone
	case conv && d == model.Int8:
		return pairsHalved
	}
	return pairsAdd
}

// partners returns for each weight of an output channel the one it is added to,
// or -1: the same tap of the neighbouring channel. In a fully connected layer
// each row is a channel.
func partners(op graph.Op, dims []int64) []int {
	channels, taps := int(dims[0]), 1
	if _, ok := op.(*graph.Conv); ok {
		channels, taps = int(dims[1]), int(dims[2]*dims[3])
	}
	list := make([]int, channels*taps)
	for k := range list {
		c := (k/taps ^ 1)
		list[k] = c*taps + k%taps
		if c >= channels {
			list[k] = -1
		}
	}
	return list
}

// worstPair returns the largest sum of weights of one sign in a pair.
func worstPair(q []float64, partner []int) (worst float64) {
	for k, v := range q {
		other := 0.0
		if p := partner[k]; p >= 0 {
			other = q[p]
		}
		worst = max(worst, max(v, 0)+max(other, 0), max(-v, 0)+max(-other, 0))
	}
	return worst
}

// pairBounds limits a weight so that its pair stays safe beside the other one.
func pairBounds(partner []int) func(q []float64, i int) (least, most float64) {
	return func(q []float64, i int) (least, most float64) {
		other := 0.0
		if p := partner[i]; p >= 0 {
			other = q[p]
		}
		return max(-pairLimit-min(other, 0), -math.MaxInt8), min(pairLimit-max(other, 0), math.MaxInt8)
	}
}

// safeScale returns the largest scale up to first at which the weights w of one
// output channel, rounded to nearest, form no pair that overflows.
func safeScale(w []float32, first float32, partner []int) float32 {
	q := make([]float64, len(w))
	round := func(s float32) float64 {
		for i, v := range w {
			q[i] = min(max(math.RoundToEven(float64(v*s)), math.MinInt8), math.MaxInt8)
		}
		return worstPair(q, partner)
	}
	s := first
	for worst := round(s); worst > pairLimit; worst = round(s) {
		// A pair of 129 may only need another rounding: a quarter of a percent less.
		s = graph.SnapScale(s*min(float32(pairLimit/worst), 0.9975), math.MaxInt8)
	}
	return s
}

// protect lowers the scales of channels that could overflow, each as little as
// is needed. Layers that pair nothing stay as they are, and so do convolutions
// of s8 sources, whose weights have to be even: refinement makes them so.
func protect(l *graph.Layer, scales []float32, d model.DType) {
	w := l.In[1].Const
	if pairingOf(l.Op, w.Dims, d) != pairsAdd {
		return
	}
	axis, _ := channelAxis(l.Op)
	inner := 1
	for _, n := range w.Dims[axis+1:] {
		inner *= int(n)
	}
	partner := partners(l.Op, w.Dims)
	for c := range scales {
		scales[c] = safeScale(channelOf(w.Float32s(), c, len(scales), inner), scales[c], partner)
	}
}

// A PairCheck is what CheckPairs can prove about one INT8 layer.
type PairCheck struct {
	Layer    string
	Channels int // of the output
	// Unsafe counts those in which some pair of products may overflow 16 bits,
	// or some weight is odd where CPUs without VNNI halve weights.
	Unsafe int
	// Worst is the largest sum of two weights that are added and have the same
	// sign; up to 128 is safe. It is 0 where no weights are added.
	Worst int
}

// CheckPairs proves for each INT8 layer of g, from its weights alone, which
// output channels give the same on CPUs without VNNI as on others.
func CheckPairs(g *graph.Graph) ([]PairCheck, error) {
	var checks []PairCheck
	for _, l := range g.Layers {
		var a *graph.Int8
		switch op := l.Op.(type) {
		case *graph.Conv:
			a = op.Int8
		case *graph.FC:
			a = op.Int8
		}
		if a == nil {
			continue
		}
		c, err := checkLayer(l, a)
		if err != nil {
			return nil, fmt.Errorf("check pairs of layer %q: %w", l.Name, err)
		}
		checks = append(checks, c)
	}
	return checks, nil
}

func checkLayer(l *graph.Layer, a *graph.Int8) (PairCheck, error) {
	w := l.In[1].Const
	axis, _ := channelAxis(l.Op)
	q, err := graph.QuantizeWeights(w, a.ScaleWeights, axis)
	if err != nil {
		return PairCheck{}, err
	}
	reals := make([]float32, len(q))
	for i, v := range q {
		reals[i] = float32(v)
	}
	channels, inner := int(w.Dims[axis]), 1
	for _, n := range w.Dims[axis+1:] {
		inner *= int(n)
	}
	c := PairCheck{Layer: l.Name, Channels: channels}
	kind, partner := pairingOf(l.Op, w.Dims, l.In[0].DType), partners(l.Op, w.Dims)
	for i := range channels {
		values := make([]float64, 0, len(partner))
		odd := false
		for _, v := range channelOf(reals, i, channels, inner) {
			values = append(values, float64(v))
			odd = odd || int(v)%2 != 0
		}
		switch kind {
		case pairsAdd:
			worst := int(worstPair(values, partner))
			c.Worst = max(c.Worst, worst)
			if worst > pairLimit {
				c.Unsafe++
			}
		case pairsHalved:
			if odd {
				c.Unsafe++
			}
		}
	}
	return c, nil
}
