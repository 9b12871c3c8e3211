package onednn

import (
	"fmt"
	"maps"
	"slices"

	"github.com/octet-dnn/octet/dnnl"
	"github.com/octet-dnn/octet/internal/ref"
)

// The arguments of a fused depthwise convolution that have scales.
var (
	argDWWeights = dnnl.ArgPostOpWeights(0)
	argDWDst     = argDWWeights&^dnnl.ArgWeights | dnnl.ArgDst
)

func argOf(a ref.Arg) dnnl.Arg {
	switch a {
	case ref.ArgSrc:
		return dnnl.ArgSrc
	case ref.ArgSrc1:
		return dnnl.ArgSrc1
	case ref.ArgWeights:
		return dnnl.ArgWeights
	case ref.ArgDst:
		return dnnl.ArgDst
	}
	var i int
	if _, err := fmt.Sscanf(string(a), string(ref.ArgSrcN(0)[:4])+"%d", &i); err != nil {
		return 0
	}
	return dnnl.ArgMultipleSrc(i)
}

// attr translates an attribute and notes its values as operands.
func (c *call) attr(a ref.Attr, dst *ref.Tensor) dnnl.Attr {
	out := dnnl.Attr{Impl: c.impl}
	scale := func(arg dnnl.Arg, p ref.Param) {
		if p.Values != nil {
			out.Scales = append(out.Scales, dnnl.ScaleMask{Arg: arg, Mask: p.Mask})
			c.values(dnnl.ArgScale(arg), ref.F32, p.Values)
		}
	}
	for _, arg := range slices.Sorted(maps.Keys(a.Scales)) {
		scale(argOf(arg), a.Scales[arg])
	}
	for _, arg := range slices.Sorted(maps.Keys(a.ZeroPoints)) {
		p := a.ZeroPoints[arg]
		out.ZeroPoints = append(out.ZeroPoints, dnnl.ScaleMask{Arg: argOf(arg), Mask: p.Mask})
		c.values(dnnl.ArgZeroPoint(argOf(arg)), ref.S32, p.Values)
	}
	for i, p := range a.PostOps {
		switch p := p.(type) {
		case ref.SumPostOp:
			out.PostOps = append(out.PostOps, dnnl.SumPostOp(float32(p.Scale), int32(p.ZeroPoint), dataTypes[p.As]))
		case ref.EltwisePostOp:
			out.PostOps = append(out.PostOps, dnnl.EltwisePostOp(eltwiseAlgs[p.Alg], float32(p.Alpha), float32(p.Beta)))
		case ref.BinaryPostOp:
			d := c.postOpSrc1(p.Src1, dst)
			out.PostOps = append(out.PostOps, dnnl.BinaryPostOp(binaryAlgs[p.Alg], d))
			c.operands = append(c.operands, operand{dnnl.ArgPostOpSrc1(i), p.Src1, d})
		case ref.DepthwisePostOp:
			out.PostOps = append(out.PostOps, dnnl.DepthwisePostOp(dataTypes[p.Weights.DType], dnnl.F32,
				c.fusedType, p.Weights.Dims[len(p.Weights.Dims)-1], p.Stride, p.Padding))
			c.operand(dnnl.ArgPostOpWeights(i), p.Weights)
			c.operand(dnnl.ArgPostOpBias(i), p.Bias)
			scale(argDWWeights, p.WeightsScale)
			scale(argDWDst, p.DstScale)
		}
	}
	return out
}

// postOpSrc1 describes the second source of a binary post-op: laid out like dst
// where it is as large, for oneDNN's kernels want that, and plain otherwise.
func (c *call) postOpSrc1(src1, dst *ref.Tensor) *dnnl.Desc {
	tag := c.tags[ref.ArgDst]
	if tag == "any" || !slices.Equal(src1.Dims, dst.Dims) {
		return c.plain(src1)
	}
	return c.describe(src1.DType, src1.Dims, tag)
}

// values notes scales or zero points as an operand.
func (c *call) values(arg dnnl.Arg, dt ref.DType, values []float64) {
	t, err := ref.FromValues(dt, []int{len(values)}, values)
	if err != nil && c.err == nil {
		c.err = err
	}
	c.operands = append(c.operands, operand{arg, t, c.plain(t)})
}
