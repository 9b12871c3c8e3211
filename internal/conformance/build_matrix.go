package conformance

import (
	"fmt"
	"math"
	"slices"

	"github.com/octet-dnn/octet/internal/ref"
)

// productArgs describes a primitive that multiplies and adds.
type productArgs struct {
	src, wei, dst *ref.Tensor
	biasDims      []int
	fanIn         int // terms of a sum
	dw            *fusedDepthwise
}

// product fills source and weights, and reads bias and attributes, which depend
// on how large results get.
func (b *builder) product(p productArgs) (bias *ref.Tensor, attr ref.Attr) {
	if b.fillSource != nil {
		b.fillSource(p.src)
	} else {
		b.fill.source("src", p.src)
	}
	b.fill.weights("wei", p.wei, p.src.DType)
	if b.own != nil && !b.fill.pairs && p.wei.DType == ref.S8 {
		for i := 0; i < len(p.wei.Data); i += 17 {
			p.wei.Data[i] = math.MinInt8 // which is left out otherwise
		}
	}

	// First the source's and weights' scales: they decide the spread.
	args := map[ref.Arg]*ref.Tensor{ref.ArgSrc: p.src, ref.ArgWeights: p.wei, ref.ArgDst: p.dst}
	if p.dw != nil {
		args[argDWWeights], args[argDWDst] = p.dw.op.Weights, p.dw.dst
	}
	scales := b.params("scales", args, b.scaleValue)
	zeros := b.params("zp", args, b.zeroPointValue)
	real := func(arg ref.Arg, t *ref.Tensor) float64 {
		size := rms(t.Data)
		if z := zeros[arg]; z.Values != nil {
			size = math.Hypot(size, rms(z.Values))
		}
		if s := scales[arg]; s.Values != nil {
			size *= rms(s.Values)
		}
		return size
	}
	x, w := real(ref.ArgSrc, p.src), real(ref.ArgWeights, p.wei)
	b.spreadOf = math.Sqrt(float64(p.fanIn)) * x * w
	if b.fill.real && !p.src.DType.Integer() {
		b.tol = b.tol.add(sumTolerance(p.fanIn, x, w))
	}
	if b.flag("bias") {
		bias = ref.NewTensor(b.dtype("bias", ref.F32), p.biasDims...)
		b.fill.offsets("bias", bias, max(powerOfTwo(b.spreadOf), pick(bias.DType.Integer(), 16)))
		if b.fill.real {
			b.tol = b.tol.add(roundings(2, 4*b.spreadOf))
		}
	}
	attr = b.attr(args)
	if p.dw != nil {
		b.finishDepthwise(&attr, p)
	}
	b.tol = b.tol.atScale(attr.Scales[ref.ArgDst])
	return bias, attr
}

// finishDepthwise puts the second convolution of a fused pair into its place.
func (b *builder) finishDepthwise(attr *ref.Attr, p productArgs) {
	mid := b.spreadOf
	p.dw.op.WeightsScale = attr.Scales[argDWWeights]
	w := rms(p.dw.op.Weights.Data)
	if s := p.dw.op.WeightsScale.Values; s != nil {
		w *= rms(s)
	}
	b.spreadOf = 3 * mid * w // nine taps
	b.fill.offsets("dw-bias", p.dw.op.Bias, powerOfTwo(b.spreadOf))
	p.dw.op.DstScale = b.params("scales", map[ref.Arg]*ref.Tensor{
		argDWDst: p.dw.dst, argDWWeights: p.dw.op.Weights, ref.ArgSrc: p.src, ref.ArgWeights: p.wei, ref.ArgDst: p.dst,
	}, b.scaleValue)[argDWDst]
	delete(attr.Scales, argDWWeights)
	delete(attr.Scales, argDWDst)
	attr.PostOps[p.dw.at] = p.dw.op
}

func pick(cond bool, yes float64) float64 {
	if cond {
		return yes
	}
	return 0
}

func buildInnerProduct(b *builder) (ref.Op, error) {
	src := b.tensors("src")[0]
	weiType, oc := b.weights(src.DType)
	wei := ref.NewTensor(weiType, append([]int{oc}, src.Dims[1:]...)...)
	p := &ref.InnerProduct{Src: src, Weights: wei, Dst: ref.NewTensor(b.dtype("dst", src.DType), src.Dims[0], oc)}
	b.layout("stag", ref.ArgSrc, "any")
	b.layout("wtag", ref.ArgWeights, "any")
	b.layout("dtag", ref.ArgDst, "any")
	p.Bias, p.Attr = b.product(productArgs{src: src, wei: wei, dst: p.Dst, biasDims: []int{oc}, fanIn: ref.Elems(src.Dims[1:])})
	return p, nil
}

func buildMatMul(b *builder) (ref.Op, error) {
	src, wei := b.tensors("src")[0], b.tensors("wei")[0]
	n := len(src.Dims)
	if n < 2 || len(wei.Dims) != n || src.Dims[n-1] != wei.Dims[n-2] {
		return nil, fmt.Errorf("src %v times wei %v", src, wei)
	}
	dims := slices.Clone(src.Dims)
	biasDims := slices.Repeat([]int{1}, n)
	for d := range n - 2 {
		dims[d] = max(src.Dims[d], wei.Dims[d])
	}
	dims[n-1], biasDims[n-1] = wei.Dims[n-1], wei.Dims[n-1]
	m := &ref.MatMul{Src: src, Weights: wei, Dst: ref.NewTensor(b.dtype("dst", src.DType), dims...)}
	b.layout("stag", ref.ArgSrc, "any")
	b.layout("wtag", ref.ArgWeights, "any")
	b.layout("dtag", ref.ArgDst, "any")
	m.Bias, m.Attr = b.product(productArgs{src: src, wei: wei, dst: m.Dst, biasDims: biasDims, fanIn: src.Dims[n-1]})
	return m, nil
}
