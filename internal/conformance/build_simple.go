package conformance

import (
	"fmt"
	"slices"

	"github.com/octet-dnn/octet/internal/ref"
)

// like returns the destination of an operation that keeps the source's dims.
func (b *builder) like(src *ref.Tensor) *ref.Tensor {
	b.layout("stag", ref.ArgSrc, "")
	b.layout("dtag", ref.ArgDst, "any")
	return ref.NewTensor(b.dtype("dst", src.DType), src.Dims...)
}

// plain reads the attributes of an operation of one source and destination.
func (b *builder) plain(src, dst *ref.Tensor) ref.Attr {
	a := b.attr(map[ref.Arg]*ref.Tensor{ref.ArgSrc: src, ref.ArgDst: dst})
	b.tol = b.tol.atScale(a.Scales[ref.ArgDst])
	return a
}

func buildPool(b *builder) (ref.Op, error) {
	src := b.tensors("src")[0]
	b.fill.source("src", src)
	g, err := b.geometry(src)
	if err != nil {
		return nil, err
	}
	dst := b.like(src)
	for d, in := range src.Dims[2:] {
		dst.Dims[d+2] = g.out(in, d)
	}
	if slices.Min(dst.Dims) < 1 {
		return nil, fmt.Errorf("dst dims %v", dst.Dims)
	}
	dst = ref.NewTensor(dst.DType, dst.Dims...)
	b.spreadOf = rms(src.Data)
	alg := ref.PoolAlg(b.text("alg", "max"))
	if alg != ref.PoolMax {
		// The sum is exact; its division by the window, or product with a
		// rounded inverse, is not.
		b.tol = b.tol.add(roundings(2, 0))
	}
	return &ref.Pooling{
		Alg: alg, Src: src, Dst: dst, Kernel: g.kernel, Strides: g.strides, Dilations: g.dilations,
		PadL: g.padL, PadR: g.padR, Attr: b.plain(src, dst),
	}, nil
}

func buildReorder(b *builder) (ref.Op, error) {
	src := b.tensors("src")[0]
	b.fill.source("src", src)
	b.layout("stag", ref.ArgSrc, "")
	b.layout("dtag", ref.ArgDst, "")
	dst := ref.NewTensor(b.dtype("dst", src.DType), src.Dims...)
	b.spreadOf = rms(src.Data)
	if s := b.params("scales", map[ref.Arg]*ref.Tensor{ref.ArgSrc: src, ref.ArgDst: dst}, b.scaleValue)[ref.ArgSrc]; s.Values != nil {
		b.spreadOf *= rms(s.Values)
	}
	return &ref.Reorder{Src: src, Dst: dst, Attr: b.plain(src, dst)}, nil
}

func buildEltwise(b *builder) (ref.Op, error) {
	src := b.tensors("src")[0]
	e := &ref.Eltwise{Alg: ref.EltwiseAlg(b.text("alg", "relu")), Src: src, Alpha: b.number("alpha", 0), Beta: b.number("beta", 0)}
	lo, hi := -4.0, 4.0
	if src.DType.Integer() {
		lo, hi = max(src.DType.Round(-1000), -1000), min(src.DType.Round(1000), 1000)
	}
	switch e.Alg {
	case ref.Log, ref.Pow, ref.Sqrt:
		lo = 0x1p-6
	}
	b.fill.spread("src", src, lo, hi)
	e.Dst = b.like(src)
	b.spreadOf = rms(src.Data)
	if exactEltwise[e.Alg] && e.Alg != ref.Linear {
		if e.Alg == ref.ReLU && e.Alpha != 0 {
			b.tol = b.tol.add(eltwiseTolerance(e.Alg))
		}
	} else {
		b.tol = b.tol.add(eltwiseTolerance(e.Alg))
	}
	b.fill.real = b.fill.real || !src.DType.Integer() // what spread made is not few-bit
	e.Attr = b.plain(src, e.Dst)
	return e, nil
}

func buildBinary(b *builder) (ref.Op, error) {
	srcs := b.tensors("src")
	if len(srcs) != 2 || len(srcs[0].Dims) != len(srcs[1].Dims) {
		return nil, fmt.Errorf("want two sources of as many dims")
	}
	alg := ref.BinaryAlg(b.text("alg", "add"))
	dims := slices.Clone(srcs[0].Dims)
	for d, size := range srcs[1].Dims {
		dims[d] = max(dims[d], size)
	}
	b.fill.source("src", srcs[0])
	b.spreadOf = rms(srcs[0].Data)
	switch alg {
	case ref.Mul, ref.Div:
		b.operand("src1", alg, srcs[1])
	case ref.EQ, ref.NE: // few values, so that many are equal
		b.fill.factors("src", srcs[0])
		b.fill.factors("src1", srcs[1])
	default:
		b.fill.source("src1", srcs[1])
	}
	dst := ref.NewTensor(b.dtype("dst", srcs[0].DType), dims...)
	b.layout("stag", ref.ArgSrc, "")
	b.layout("s1tag", ref.ArgSrc1, "")
	b.layout("dtag", ref.ArgDst, "any")
	if alg == ref.Div {
		b.tol = b.tol.add(roundings(2, 0))
	}
	a := b.attr(map[ref.Arg]*ref.Tensor{ref.ArgSrc: srcs[0], ref.ArgSrc1: srcs[1], ref.ArgDst: dst})
	return &ref.Binary{Alg: alg, Src0: srcs[0], Src1: srcs[1], Dst: dst, Attr: a}, nil
}

func buildSoftmax(b *builder) (ref.Op, error) {
	src := b.tensors("src")[0]
	b.fill.spread("src", src, -4, 4)
	s := &ref.Softmax{Src: src, Dst: b.like(src), Axis: b.integer("axis", len(src.Dims)-1), Log: b.flag("log")}
	// One exponential within benchdnn's limit for it, a sum, a division; the
	// logarithm of up to a thousand summands is of size ten.
	b.tol = b.tol.add(Tolerance{4e-6, pick(s.Log, 4e-6*10)})
	s.Attr = b.plain(src, s.Dst)
	return s, nil
}

func buildConcat(b *builder) (ref.Op, error) {
	srcs := b.tensors("src")
	axis := b.integer("axis", 1)
	args := map[ref.Arg]*ref.Tensor{}
	dims := slices.Clone(srcs[0].Dims)
	if axis < 0 || axis >= len(dims) {
		return nil, fmt.Errorf("axis %d of %v", axis, dims)
	}
	dims[axis] = 0
	for i, s := range srcs {
		if len(s.Dims) != len(dims) {
			return nil, fmt.Errorf("sources of %d and %d dims", len(dims), len(s.Dims))
		}
		b.fill.source(fmt.Sprintf("src %d", i), s)
		dims[axis] += s.Dims[axis]
		args[ref.ArgSrcN(i)] = s
	}
	dst := ref.NewTensor(b.dtype("dst", srcs[0].DType), dims...)
	b.layout("stag", ref.ArgSrc, "")
	b.layout("dtag", ref.ArgDst, "any")
	return &ref.Concat{Srcs: srcs, Dst: dst, Axis: axis, Attr: b.attr(args)}, nil
}

func buildSum(b *builder) (ref.Op, error) {
	srcs := b.tensors("src")
	var weights []float64
	for i, s := range srcs {
		b.fill.source(fmt.Sprintf("src %d", i), s)
		weights = append(weights, b.fill.scale(b.fill.stream(fmt.Sprintf("weight %d", i)), -2, 1))
	}
	dst := ref.NewTensor(b.dtype("dst", srcs[0].DType), srcs[0].Dims...)
	b.layout("stag", ref.ArgSrc, "")
	b.layout("dtag", ref.ArgDst, "any")
	if b.fill.real {
		b.tol = b.tol.add(roundings(2*float64(len(srcs)), 8))
	}
	return &ref.Sum{Srcs: srcs, Scales: weights, Dst: dst}, nil
}
