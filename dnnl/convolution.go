package dnnl

import "github.com/octet-dnn/octet/cgo"

// Convolution is dst = conv(src, weights) + bias, in one to three spatial
// dimensions. Weights are OIHW for NCHW sources, or GOIHW with groups; with as
// many groups as channels it is depthwise. Bias may be nil. The lists have one
// number for every spatial dimension; nil means stride 1, dilation 0 (dense),
// padding 0.
type Convolution struct {
	Src, Weights, Bias, Dst *Desc
	Strides, Dilations      []int
	PadL, PadR              []int
	Attr                    Attr
}

// New makes the primitive: an inference, forward.
func (s Convolution) New(e *Engine) (*Primitive, error) { return s.builder().create(e, s.Attr) }

// Impls names the implementations that there are for the convolution, which
// [Attr] may ask for: Octet's own, then those of oneDNN, its first choice first.
func (s Convolution) Impls(e *Engine) ([]string, error) { return s.builder().impls(e) }

func (s Convolution) builder() *builder {
	b := newBuilder("convolution", cgo.KindConvolution, s.Attr)
	b.spec.Alg = algConvolutionDirect
	s.fill(b)
	return b
}

// Deconvolution is the transposed convolution: dst is as large as the src of a
// [Convolution] with this src as its dst. Weights are OIHW with O the channels
// of dst, as there; the rest is as there, too.
type Deconvolution struct {
	Src, Weights, Bias, Dst *Desc
	Strides, Dilations      []int
	PadL, PadR              []int
	Attr                    Attr
}

// New makes the primitive.
func (s Deconvolution) New(e *Engine) (*Primitive, error) {
	b := newBuilder("deconvolution", cgo.KindDeconvolution, s.Attr)
	b.spec.Alg = algDeconvolutionDirect
	Convolution(s).fill(b)
	return b.create(e, s.Attr)
}

func (s Convolution) fill(b *builder) {
	b.spec.Src = b.operand("src", s.Src)
	b.spec.Weights = b.operand("wei", s.Weights)
	b.spec.Bias = b.optional("bias", s.Bias)
	b.spec.Dst = b.operand("dst", s.Dst)
	n := spatial(s.Src)
	b.spec.Strides = b.window("strides", s.Strides, n, 1)
	b.spec.Dilations = b.window("dilations", s.Dilations, n, 0)
	b.spec.PadL = b.window("pad-l", s.PadL, n, 0)
	b.spec.PadR = b.window("pad-r", s.PadR, n, 0)
}

// spatial counts the dimensions of a tensor besides batch and channels.
func spatial(d *Desc) int {
	if d == nil {
		return 0
	}
	return max(len(d.info.Dims)-2, 0)
}
