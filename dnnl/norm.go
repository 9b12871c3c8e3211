package dnnl

import "github.com/octet-dnn/octet/cgo"

// LRN is the local response normalisation of AlexNet: every element is divided
// by (K + Alpha/size * the sum of squares around it)^Beta, over LocalSize
// neighbouring channels, or with WithinChannel over LocalSize by LocalSize
// pixels.
type LRN struct {
	Src, Dst       *Desc
	LocalSize      int
	Alpha, Beta, K float32
	WithinChannel  bool
	Attr           Attr
}

// New makes the primitive: an inference, forward.
func (s LRN) New(e *Engine) (*Primitive, error) {
	b := newBuilder("lrn", cgo.KindLRN, s.Attr)
	b.spec.Alg = algLRNAcrossChannels
	if s.WithinChannel {
		b.spec.Alg = algLRNWithinChannel
	}
	b.spec.Count = int64(s.LocalSize)
	b.spec.Alpha, b.spec.Beta, b.spec.K = s.Alpha, s.Beta, s.K
	b.note("size %d alpha %g beta %g k %g within channel %v", s.LocalSize, s.Alpha, s.Beta, s.K, s.WithinChannel)
	b.spec.Src = b.operand("src", s.Src)
	b.spec.Dst = b.operand("dst", s.Dst)
	return b.create(e, s.Attr)
}

// LayerNorm normalises along the last dimension with the mean and variance
// found there, then applies a scale and a shift, one F32 each for every index
// of it, given at execution as [ArgNormScale] and [ArgNormShift].
type LayerNorm struct {
	Src, Dst *Desc
	Eps      float32
	UseScale bool
	UseShift bool
	Attr     Attr
}

// The bits of dnnl_normalization_flags_t.
const (
	flagUseScale = 2
	flagUseShift = 4
)

// New makes the primitive: an inference, forward.
func (s LayerNorm) New(e *Engine) (*Primitive, error) {
	b := newBuilder("layer_norm", cgo.KindLayerNorm, s.Attr)
	b.spec.Alpha = s.Eps
	// oneDNN describes both arguments as soon as one is used, so that it
	// cannot be asked which of them an execution must give.
	if s.UseScale {
		b.spec.Flags |= flagUseScale
		b.required = append(b.required, ArgNormScale)
	}
	if s.UseShift {
		b.spec.Flags |= flagUseShift
		b.required = append(b.required, ArgNormShift)
	}
	b.note("eps %g scale %v shift %v", s.Eps, s.UseScale, s.UseShift)
	b.spec.Src = b.operand("src", s.Src)
	b.spec.Dst = b.operand("dst", s.Dst)
	return b.create(e, s.Attr)
}
