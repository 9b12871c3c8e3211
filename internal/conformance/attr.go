package conformance

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/octet-dnn/octet/internal/ref"
)

// attr reads scales, zero points and post-ops for an operation with the given
// arguments. The scale of dst follows from spreadOf.
func (b *builder) attr(args map[ref.Arg]*ref.Tensor) ref.Attr {
	a := ref.Attr{Scales: b.params("scales", args, b.scaleValue), ZeroPoints: b.params("zp", args, b.zeroPointValue)}
	dst := args[ref.ArgDst]
	for i, word := range b.list("post") {
		a.PostOps = append(a.PostOps, b.postOp(i, word, dst))
		if final := args[argDWDst]; final != nil && isDepthwise(a.PostOps[i]) {
			dst = final
		}
	}
	if len(a.PostOps) > 0 || len(a.Scales) > 0 {
		b.tol = b.tol.add(b.attrTolerance(a))
	}
	return a
}

// list splits a field at commas.
func (b *builder) list(key string) []string {
	v := b.text(key, "")
	if v == "" {
		return nil
	}
	return strings.Split(v, ",")
}

// params reads A:M[:V] for every argument listed.
func (b *builder) params(key string, args map[ref.Arg]*ref.Tensor, value func(ref.Arg, *ref.Tensor, int) float64) map[ref.Arg]ref.Param {
	params := map[ref.Arg]ref.Param{}
	for _, word := range b.list(key) {
		part := strings.Split(word, ":")
		arg := ref.Arg(part[0])
		t := args[arg]
		if t == nil || len(part) < 2 || len(part) > 3 {
			b.fail(key, fmt.Errorf("%q: want argument:mask or argument:mask:value", word))
			continue
		}
		mask, err := strconv.Atoi(part[1])
		if err != nil || mask < 0 || mask>>len(t.Dims) != 0 {
			b.fail(key, fmt.Errorf("%q: mask of %d dims", word, len(t.Dims)))
			continue
		}
		p := ref.Param{Mask: mask, Values: make([]float64, maskedElems(t.Dims, mask))}
		for i := range p.Values {
			if len(part) == 3 {
				p.Values[i], err = strconv.ParseFloat(part[2], 64)
			} else {
				p.Values[i] = value(arg, t, i)
			}
		}
		if err != nil {
			b.fail(key, err)
		}
		params[arg] = p
	}
	return params
}

// maskedElems is the number of values that a mask asks for.
func maskedElems(dims []int, mask int) int {
	n := 1
	for d, size := range dims {
		if mask>>d&1 != 0 {
			n *= size
		}
	}
	return n
}

// scaleValue is element i of a seeded scale. Those of sources and weights are
// as in trained networks: products of them bring 8-bit sums near one. The
// standard deviation of the result is 48 steps of dst, so that a few of a
// hundred values saturate at 127.
func (b *builder) scaleValue(arg ref.Arg, _ *ref.Tensor, i int) float64 {
	rng := b.fill.stream(fmt.Sprintf("scale %s %d", arg, i))
	switch arg {
	case ref.ArgDst, argDWDst:
		return powerOfTwo(b.spreadOf/48) * b.fill.scale(rng, 0, 0)
	case ref.ArgWeights, argDWWeights:
		return b.fill.scale(rng, -9, -7)
	}
	return b.fill.scale(rng, -6, -4)
}

// zeroPointValue is element i of a seeded zero point: of u8 near the middle for
// sources and near the bottom for dst, of others near 0.
func (b *builder) zeroPointValue(arg ref.Arg, t *ref.Tensor, i int) float64 {
	v := b.fill.stream(fmt.Sprintf("zp %s %d", arg, i)).IntN(31) - 15
	if v == 0 {
		v = 3
	}
	switch {
	case t.DType == ref.U8 && arg == ref.ArgDst:
		v += 20
	case t.DType == ref.U8:
		v += 128
	}
	return float64(v)
}

// The arguments of a fused depthwise convolution.
const (
	argDWWeights ref.Arg = "dw-wei"
	argDWDst     ref.Arg = "dw-dst"
)

// postOp reads post-op i of an operation with destination dst.
func (b *builder) postOp(i int, word string, dst *ref.Tensor) ref.PostOp {
	part := strings.Split(word, ":")
	number := func(n int, def float64) float64 {
		if n >= len(part) {
			return def
		}
		v, err := strconv.ParseFloat(part[n], 64)
		if err != nil {
			b.fail("post", err)
		}
		return v
	}
	dtype := func(n int, def ref.DType) ref.DType {
		if n >= len(part) {
			return def
		}
		d, err := ref.ParseDType(part[n])
		if err != nil {
			b.fail("post", err)
		}
		return d
	}
	binary, eltwise := ref.BinaryAlg(part[0]), ref.EltwiseAlg(part[0])
	switch {
	case part[0] == "dw":
		return ref.DepthwisePostOp{} // its tensors follow in finishDepthwise
	case part[0] == "sum":
		return ref.SumPostOp{Scale: number(1, 1), ZeroPoint: number(2, 0), As: dtype(3, 0)}
	case eltwise.Known():
		return ref.EltwisePostOp{Alg: eltwise, Alpha: number(1, 0), Beta: number(2, 0)}
	case binary.Known():
		dims := make([]int, len(dst.Dims))
		for d, size := range dst.Dims {
			dims[d] = 1
			if int(number(2, 0))>>d&1 != 0 {
				dims[d] = size
			}
		}
		src1 := ref.NewTensor(dtype(1, ref.F32), dims...)
		b.operand(fmt.Sprintf("post-op %d", i), binary, src1)
		return ref.BinaryPostOp{Alg: binary, Src1: src1}
	}
	b.fail("post", fmt.Errorf("unknown post-op %q", word))
	return ref.SumPostOp{}
}

// operand fills the second source of a binary function with values that fit it.
func (b *builder) operand(name string, alg ref.BinaryAlg, t *ref.Tensor) {
	switch {
	case alg == ref.Mul || alg == ref.Div:
		b.fill.factors(name, t)
	case t.DType == ref.S8 || t.DType == ref.U8:
		b.fill.source(name, t)
	default:
		b.fill.offsets(name, t, powerOfTwo(b.spreadOf))
	}
}

func isDepthwise(p ref.PostOp) bool { _, ok := p.(ref.DepthwisePostOp); return ok }
