package conformance

import (
	"fmt"
	"math"
	"slices"

	"github.com/octet-dnn/octet/internal/ref"
)

func buildLRN(b *builder) (ref.Op, error) {
	src := b.tensors("src")[0]
	b.fill.source("src", src)
	l := &ref.LRN{
		Src: src, Dst: b.like(src), LocalSize: b.integer("size", 5), WithinChannel: b.flag("within"),
		Alpha: b.number("alpha", 1e-4), Beta: b.number("beta", 0.75), K: b.number("kk", 1),
	}
	// benchdnn allows three epsilons (two roundings each) for each summand.
	summands := float64(l.LocalSize)
	if l.WithinChannel {
		summands = math.Pow(summands, float64(len(src.Dims)-2))
	}
	b.tol = b.tol.add(roundings(6*summands, 0))
	l.Attr = b.plain(src, l.Dst)
	return l, nil
}

func buildLayerNorm(b *builder) (ref.Op, error) {
	src := b.tensors("src")[0]
	b.fill.source("src", src)
	b.fill.real = true // the result is not few-bit: nothing after it is exact
	l := &ref.LayerNorm{Src: src, Dst: b.like(src), Eps: b.number("eps", 1e-5)}
	n := src.Dims[len(src.Dims)-1]
	if b.flag("scale") {
		l.Scale = ref.NewTensor(ref.F32, n)
		b.fill.factors("scale", l.Scale)
	}
	if b.flag("shift") {
		l.Shift = ref.NewTensor(ref.F32, n)
		b.fill.offsets("shift", l.Shift, 2)
	}
	// Mean and variance are sums of n terms of size one, each with the error of
	// an f32 sum; normalised values reach 4, times scale up to 4, plus shift.
	b.tol = b.tol.add(roundings(math.Sqrt(float64(n))+8, 16))
	l.Attr = b.plain(src, l.Dst)
	return l, nil
}

func buildResample(b *builder) (ref.Op, error) {
	src := b.tensors("src")[0]
	b.fill.source("src", src)
	out := b.ints("out", len(src.Dims)-2, 1)
	if len(src.Dims) < 3 || len(out) != len(src.Dims)-2 || slices.Min(out) < 1 {
		return nil, fmt.Errorf("src %v to %v", src, out)
	}
	r := &ref.Resampling{Alg: ref.ResampleAlg(b.text("alg", "nearest")), Src: src}
	dst := b.like(src)
	r.Dst = ref.NewTensor(dst.DType, append(slices.Clone(src.Dims[:2]), out...)...)
	b.spreadOf = rms(src.Data)
	if r.Alg == ref.Linearly {
		// A coordinate up to 2^7 has an error of 2^-17 of the distance between
		// neighbours where the factor is no power of two; benchdnn allows 2e-5.
		b.tol = b.tol.add(Tolerance{2e-5, 2e-5 * 2 * b.spreadOf})
	}
	r.Attr = b.plain(src, r.Dst)
	return r, nil
}

func buildReduction(b *builder) (ref.Op, error) {
	src := b.tensors("src")[0]
	r := &ref.Reduction{Alg: ref.ReductionAlg(b.text("alg", "mean")), Src: src, P: b.number("pw", 2), Eps: b.number("eps", 0)}
	dims, joined := slices.Clone(src.Dims), 1
	for _, axis := range b.ints("axes", 1, 1) {
		if axis >= len(dims) {
			return nil, fmt.Errorf("axis %d of %v", axis, src)
		}
		joined *= dims[axis]
		dims[axis] = 1
	}
	if b.fill.source("src", src); r.Alg == ref.ReduceMul {
		b.fill.factors("src", src)
	}
	b.layout("stag", ref.ArgSrc, "")
	b.layout("dtag", ref.ArgDst, "any")
	r.Dst = ref.NewTensor(b.dtype("dst", src.DType), dims...)
	b.spreadOf = rms(src.Data)
	switch r.Alg {
	case ref.ReduceMean:
		b.tol = b.tol.add(roundings(2, 0)) // as average pooling
	case ref.ReduceNormMax, ref.ReduceNormSum, ref.ReduceNormPowerPMax, ref.ReduceNormPowerPSum:
		// Every summand is a power within a few roundings, then the sum, then a
		// root: benchdnn allows five epsilons for the powers.
		b.tol = b.tol.add(roundings(10+math.Sqrt(float64(joined)), 0))
	}
	r.Attr = b.plain(src, r.Dst)
	return r, nil
}

func buildShuffle(b *builder) (ref.Op, error) {
	src := b.tensors("src")[0]
	b.fill.source("src", src)
	s := &ref.Shuffle{Src: src, Dst: b.like(src), Axis: b.integer("axis", 1), GroupSize: b.integer("group", 2)}
	s.Attr = b.plain(src, s.Dst)
	return s, nil
}
