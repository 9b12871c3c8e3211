package onednn

import (
	"fmt"

	"github.com/octet-dnn/octet/dnnl"
	"github.com/octet-dnn/octet/internal/ref"
)

// setUp makes the primitive of an operation and lists its operands.
func (c *call) setUp(op ref.Op) {
	switch o := op.(type) {
	case *ref.Convolution:
		c.convolution(o)
	case *ref.Stem:
		c.stem(o)
	case *ref.Deconvolution:
		c.product(o.Src, o.Weights, o.Bias, o.Dst, func(src, wei, bias, dst *dnnl.Desc) spec {
			return dnnl.Deconvolution{
				Src: src, Weights: wei, Bias: bias, Dst: dst, Strides: o.Strides, Dilations: o.Dilations,
				PadL: o.PadL, PadR: o.PadR, Attr: c.attr(o.Attr, o.Dst),
			}
		})
	case *ref.InnerProduct:
		c.product(o.Src, o.Weights, o.Bias, o.Dst, func(src, wei, bias, dst *dnnl.Desc) spec {
			return dnnl.InnerProduct{Src: src, Weights: wei, Bias: bias, Dst: dst, Attr: c.attr(o.Attr, o.Dst)}
		})
	case *ref.MatMul:
		c.product(o.Src, o.Weights, o.Bias, o.Dst, func(src, wei, bias, dst *dnnl.Desc) spec {
			return dnnl.MatMul{Src: src, Weights: wei, Bias: bias, Dst: dst, Attr: c.attr(o.Attr, o.Dst)}
		})
	case *ref.Binary:
		src1 := c.desc(ref.ArgSrc1, o.Src1)
		c.unary(o.Src0, o.Dst, func(src, dst *dnnl.Desc) spec {
			return dnnl.Binary{Alg: binaryAlgs[o.Alg], Src0: src, Src1: src1, Dst: dst, Attr: c.attr(o.Attr, o.Dst)}
		})
		c.operands = append(c.operands, operand{dnnl.ArgSrc1, o.Src1, src1})
	case *ref.Concat:
		c.joined(o.Srcs, o.Dst, func(srcs []*dnnl.Desc, dst *dnnl.Desc) spec {
			return dnnl.Concat{Dst: dst, Axis: o.Axis, Srcs: srcs, Attr: c.attr(o.Attr, o.Dst)}
		})
	case *ref.Sum:
		var scales []float32
		for _, s := range o.Scales {
			scales = append(scales, float32(s))
		}
		c.joined(o.Srcs, o.Dst, func(srcs []*dnnl.Desc, dst *dnnl.Desc) spec {
			return dnnl.Sum{Dst: dst, Scales: scales, Srcs: srcs, Attr: c.attr(o.Attr, o.Dst)}
		})
	case *ref.LayerNorm:
		c.unary(o.Src, o.Dst, func(src, dst *dnnl.Desc) spec {
			return dnnl.LayerNorm{
				Src: src, Dst: dst, Eps: float32(o.Eps), UseScale: o.Scale != nil, UseShift: o.Shift != nil, Attr: c.attr(o.Attr, o.Dst),
			}
		})
		c.vector(dnnl.ArgNormScale, o.Scale)
		c.vector(dnnl.ArgNormShift, o.Shift)
	default:
		c.simple(op)
	}
}

// simple sets up operations of one source and nothing else.
func (c *call) simple(op ref.Op) {
	switch o := op.(type) {
	case *ref.Pooling:
		c.unary(o.Src, o.Dst, func(src, dst *dnnl.Desc) spec {
			return dnnl.Pooling{
				Alg: poolAlgs[o.Alg], Src: src, Dst: dst, Kernel: o.Kernel, Strides: o.Strides, Dilations: o.Dilations,
				PadL: o.PadL, PadR: o.PadR, Attr: c.attr(o.Attr, o.Dst),
			}
		})
	case *ref.Reorder:
		c.unary(o.Src, o.Dst, func(src, dst *dnnl.Desc) spec {
			return dnnl.Reorder{Src: src, Dst: dst, Attr: c.attr(o.Attr, o.Dst)}
		})
	case *ref.Eltwise:
		c.unary(o.Src, o.Dst, func(src, dst *dnnl.Desc) spec {
			return dnnl.Eltwise{
				Alg: eltwiseAlgs[o.Alg], Src: src, Dst: dst, Alpha: float32(o.Alpha), Beta: float32(o.Beta), Attr: c.attr(o.Attr, o.Dst),
			}
		})
	case *ref.Softmax:
		c.unary(o.Src, o.Dst, func(src, dst *dnnl.Desc) spec {
			return dnnl.Softmax{Src: src, Dst: dst, Axis: o.Axis, Log: o.Log, Attr: c.attr(o.Attr, o.Dst)}
		})
	case *ref.LRN:
		c.unary(o.Src, o.Dst, func(src, dst *dnnl.Desc) spec {
			return dnnl.LRN{
				Src: src, Dst: dst, LocalSize: o.LocalSize, WithinChannel: o.WithinChannel,
				Alpha: float32(o.Alpha), Beta: float32(o.Beta), K: float32(o.K), Attr: c.attr(o.Attr, o.Dst),
			}
		})
	case *ref.Resampling:
		c.unary(o.Src, o.Dst, func(src, dst *dnnl.Desc) spec {
			return dnnl.Resampling{Alg: resampleAlgs[o.Alg], Src: src, Dst: dst, Attr: c.attr(o.Attr, o.Dst)}
		})
	case *ref.Reduction:
		c.unary(o.Src, o.Dst, func(src, dst *dnnl.Desc) spec {
			return dnnl.Reduction{Alg: reductionAlgs[o.Alg], Src: src, Dst: dst, P: float32(o.P), Eps: float32(o.Eps), Attr: c.attr(o.Attr, o.Dst)}
		})
	case *ref.Shuffle:
		c.unary(o.Src, o.Dst, func(src, dst *dnnl.Desc) spec {
			return dnnl.Shuffle{Src: src, Dst: dst, Axis: o.Axis, GroupSize: o.GroupSize, Attr: c.attr(o.Attr, o.Dst)}
		})
	default:
		c.err = fmt.Errorf("no primitive for %T", op)
	}
}

// A spec is any of package dnnl's primitive specifications.
type spec interface {
	New(*dnnl.Engine) (*dnnl.Primitive, error)
}

func (c *call) make(s spec) {
	if c.err != nil {
		return
	}
	dnnl.SetNumThreads(c.threads) // primitives are laid out for a number of threads
	p, err := s.New(c.engine)
	dnnl.SetNumThreads(1)
	c.primitive = keep(c, p, err)
}

func (c *call) unary(src, dst *ref.Tensor, f func(src, dst *dnnl.Desc) spec) {
	from, to := c.desc(ref.ArgSrc, src), c.desc(ref.ArgDst, dst)
	c.make(f(from, to))
	c.operand(dnnl.ArgSrc, src)
	c.operand(dnnl.ArgDst, dst)
}

func (c *call) product(src, wei, bias, dst *ref.Tensor, f func(src, wei, bias, dst *dnnl.Desc) spec) {
	var biasDesc *dnnl.Desc
	if bias != nil {
		biasDesc = c.plain(bias)
		c.operand(dnnl.ArgBias, bias)
	}
	c.make(f(c.desc(ref.ArgSrc, src), c.desc(ref.ArgWeights, wei), biasDesc, c.desc(ref.ArgDst, dst)))
	c.operand(dnnl.ArgSrc, src)
	c.operand(dnnl.ArgWeights, wei)
	c.operand(dnnl.ArgDst, dst)
}

func (c *call) joined(srcs []*ref.Tensor, dst *ref.Tensor, f func(srcs []*dnnl.Desc, dst *dnnl.Desc) spec) {
	var descs []*dnnl.Desc
	for i, s := range srcs {
		d := c.desc(ref.ArgSrc, s)
		descs = append(descs, d)
		c.operands = append(c.operands, operand{dnnl.ArgMultipleSrc(i), s, d})
	}
	c.make(f(descs, c.desc(ref.ArgDst, dst)))
	c.operand(dnnl.ArgDst, dst)
}

func (c *call) vector(arg dnnl.Arg, t *ref.Tensor) {
	if t != nil {
		c.operands = append(c.operands, operand{arg, t, c.plain(t)})
	}
}

// convolution is a product whose dst, for oneDNN, is the intermediate result
// where a depthwise convolution is fused.
func (c *call) convolution(o *ref.Convolution) {
	mid := o.Dst
	for _, p := range o.Attr.PostOps {
		if dw, ok := p.(ref.DepthwisePostOp); ok {
			mid = ref.NewTensor(dw.Mid, append([]int{o.Dst.Dims[0], o.Dst.Dims[1]}, o.Src.Dims[2:]...)...)
			c.fusedType = dataTypes[o.Dst.DType]
		}
	}
	c.product(o.Src, o.Weights, o.Bias, mid, func(src, wei, bias, dst *dnnl.Desc) spec {
		return c.conv(o, src, wei, bias, dst)
	})
	c.operands[len(c.operands)-1].tensor = o.Dst
}

func (c *call) conv(o *ref.Convolution, src, wei, bias, dst *dnnl.Desc) dnnl.Convolution {
	return dnnl.Convolution{
		Src: src, Weights: wei, Bias: bias, Dst: dst, Strides: o.Strides, Dilations: o.Dilations,
		PadL: o.PadL, PadR: o.PadR, Attr: c.attr(o.Attr, o.Dst),
	}
}
