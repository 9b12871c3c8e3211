package graph

import (
	"math"
	"slices"
)

// foldBatchNorm multiplies a batch normalisation into the weights in front of
// it, in float64 and with the op's own epsilon:
//
//	w' = w·s, b' = (b-mean)·s + bias, s = scale/sqrt(variance+epsilon)
//
// Normalisations that follow something else stay.
func foldBatchNorm(r *rewriter) error {
	for l := range r.layers() {
		bn, ok := l.Op.(*BatchNorm)
		if !ok || slices.ContainsFunc(l.In[1:], func(v *Value) bool { return !isParam(v) }) {
			continue
		}
		factor, err := bn.factors(l)
		if err != nil {
			return &OpError{Op: bn.Kind(), Var: l.Name, Err: err}
		}
		w := asWeighted(r.producer(l.In[0]))
		if !w.open() || w.int8 != nil || w.channels != len(factor) {
			continue
		}
		if fc, ok := w.layer.Op.(*FC); ok && fc.NumColDims != 1 {
			continue // the channels of the normalisation are not the columns
		}
		r.foldInto(w, l, factor)
		*w.act = bn.Act
		r.absorb(w.layer, l)
	}
	return nil
}

// factors returns scale/sqrt(variance+epsilon) a channel.
func (bn *BatchNorm) factors(l *Layer) ([]float64, error) {
	scale, variance := l.In[1].Const.Float32s(), l.In[4].Const.Float32s()
	f := make([]float64, len(scale))
	for i := range f {
		v := float64(variance[i]) + float64(bn.Epsilon)
		if !(v > 0) || math.IsInf(v, 1) {
			return nil, programErr("variance %v + epsilon %v of channel %d", variance[i], bn.Epsilon, i)
		}
		f[i] = float64(scale[i]) / math.Sqrt(v)
	}
	return f, nil
}

// Affine returns what the normalisation of layer l multiplies each channel with
// and then adds to it, computed in float64. l holds bn and its parameters are constants.
func (bn *BatchNorm) Affine(l *Layer) (mul, add []float32, err error) {
	factor, err := bn.factors(l)
	if err != nil {
		return nil, nil, &OpError{Op: bn.Kind(), Var: l.Name, Err: err}
	}
	shift, mean := l.In[2].Const.Float32s(), l.In[3].Const.Float32s()
	mul, add = make([]float32, len(factor)), make([]float32, len(factor))
	for c, f := range factor {
		mul[c], add[c] = float32(f), float32(float64(shift[c])-float64(mean[c])*f)
	}
	return mul, add, nil
}

// Plain gives the normalisation of layer l, which holds bn and whose parameters
// are constants, mean 0, variance 1 and epsilon 0, so that it is a multiplication
// and an addition a channel. newName makes names that the graph does not have yet.
func (bn *BatchNorm) Plain(l *Layer, newName func(string) string) error {
	mul, add, err := bn.Affine(l)
	if err != nil {
		return err
	}
	c := int64(len(mul))
	scale := floatConst(newName(l.In[1].Name+".plain"), mul, c)
	shift := floatConst(newName(l.In[2].Name+".plain"), add, c)
	stats := unitStats(scale)
	bn.Epsilon, l.In = 0, []*Value{l.In[0], scale, shift, stats[0], stats[1]}
	return nil
}

// unitStats returns the mean 0 and the variance 1 that belong to scale.
func unitStats(scale *Value) [2]*Value {
	n := scale.Const.Len()
	return [2]*Value{
		floatConst(scale.Name+"@mean", make([]float32, n), int64(n)),
		floatConst(scale.Name+"@variance", slices.Repeat([]float32{1}, n), int64(n)),
	}
}

// plain reports whether the normalisation of layer l does nothing but multiply by
// its scale and add its bias.
func (bn *BatchNorm) plain(l *Layer) bool {
	all := func(v *Value, x float32) bool {
		return v.Const != nil && !slices.ContainsFunc(v.Const.Float32s(), func(y float32) bool { return y != x })
	}
	return bn.Epsilon == 0 && all(l.In[3], 0) && all(l.In[4], 1)
}

func (r *rewriter) foldInto(w *weighted, bn *Layer, factor []float64) {
	run, channel := w.channelRuns()
	weights := r.scaledRuns(w.layer.In[1], "_fuse_bn", run, func(i int) float64 { return factor[channel(i)] })
	r.setIn(w.layer, 1, weights)

	shift, mean := bn.In[2].Const.Float32s(), bn.In[3].Const.Float32s()
	old := w.layer.In[w.biasAt]
	name := bn.In[2]
	bias := make([]float32, w.channels)
	for i := range bias {
		b := 0.0
		if old != nil {
			b = float64(old.Const.Float32s()[i])
		}
		bias[i] = float32((b-float64(mean[i]))*factor[i] + float64(shift[i]))
	}
	if old != nil {
		name = old
	}
	r.setBias(w, floatConst(r.newName(name, "_fuse_bn"), bias, int64(w.channels)))
}

// channelRuns returns how many elements of the weights, one after the other,
// belong to the same output channel, and the function from such a run to its channel.
func (w *weighted) channelRuns() (run int, channel func(i int) int) {
	dims := w.layer.In[1].Dims
	switch op := w.layer.Op.(type) {
	case *Deconv: // [I, O/groups, h, w]
		out, in := int(dims[1]), int(dims[0])/op.Groups
		return int(dims[2] * dims[3]), func(i int) int { return i/out/in*out + i%out }
	case *FC: // [K, N]
		return 1, func(i int) int { return i % w.channels }
	default: // [O, I/groups, h, w]
		return int(dims[1] * dims[2] * dims[3]), func(i int) int { return i }
	}
}
