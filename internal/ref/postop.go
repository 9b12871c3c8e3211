package ref

import (
	"fmt"
	"slices"
)

// A PostOp changes each result before it is stored. Post-ops run in order, on
// real values: before the scale and the zero point of dst.
type PostOp interface{ postOp() }

// SumPostOp adds Scale * (old - ZeroPoint), old being the raw value that dst
// held before. As, where not 0, is the 8-bit type as which old is read.
type SumPostOp struct {
	Scale     float64
	ZeroPoint float64
	As        DType
}

// EltwisePostOp applies a function to each result.
type EltwisePostOp struct {
	Alg         EltwiseAlg
	Alpha, Beta float64
}

// BinaryPostOp combines each result with the element of Src1 at its place;
// dims of size one of Src1 are repeated.
type BinaryPostOp struct {
	Alg  BinaryAlg
	Src1 *Tensor
}

// DepthwisePostOp sends the result of a 1x1 convolution, stored as type Mid
// with the attributes so far, through a depthwise convolution with square
// kernel. Later post-ops and DstScale belong to that second convolution.
type DepthwisePostOp struct {
	Mid             DType
	Weights         *Tensor // C x 1 x 1 x k x k
	Bias            *Tensor // C, or nil
	Stride, Padding int
	WeightsScale    Param // mask over the dims of Weights
	DstScale        Param
}

func (SumPostOp) postOp()       {}
func (EltwisePostOp) postOp()   {}
func (BinaryPostOp) postOp()    {}
func (DepthwisePostOp) postOp() {}

// A sink stores real results into dst: post-ops, scale, zero point, rounding.
type sink struct {
	dst         *Tensor
	postOps     []PostOp
	scale, zero lookup
}

func newSink(a Attr, dst *Tensor) (*sink, error) {
	for i, p := range a.PostOps {
		b, ok := p.(BinaryPostOp)
		if ok && !broadcasts(b.Src1.Dims, dst.Dims) {
			return nil, fmt.Errorf("post-op %d: src1 %v with dst %v: %w", i, b.Src1, dst, ErrShape)
		}
		if _, ok := p.(DepthwisePostOp); ok {
			return nil, fmt.Errorf("post-op %d: depthwise fits a 1x1 convolution only: %w", i, ErrShape)
		}
	}
	scale, err := a.scale(ArgDst, dst)
	if err != nil {
		return nil, err
	}
	zero, err := a.zeroPoint(ArgDst, dst)
	if err != nil {
		return nil, err
	}
	if dst.Exact != nil && len(dst.Exact) != len(dst.Data) {
		return nil, fmt.Errorf("dst %v: %d exact values: %w", dst, len(dst.Exact), ErrShape)
	}
	return &sink{dst, slices.Clone(a.PostOps), scale, zero}, nil
}

// store ends the computation of the element at index, whose real value is v.
func (s *sink) store(index []int, v float64) {
	i := offset(s.dst.Dims, index)
	for _, p := range s.postOps {
		switch p := p.(type) {
		case SumPostOp:
			v += p.Scale * (reread(s.dst.Data[i], p.As) - p.ZeroPoint)
		case EltwisePostOp:
			v = p.Alg.Apply(v, p.Alpha, p.Beta)
		case BinaryPostOp:
			v = p.Alg.Apply(v, p.Src1.Data[offset(p.Src1.Dims, index)])
		}
	}
	v = v/s.scale(index) + s.zero(index)
	s.dst.Data[i] = s.dst.DType.Round(v)
	if s.dst.Exact != nil {
		s.dst.Exact[i] = v
	}
}

// reread takes the byte of an 8-bit value for one of type as.
func reread(v float64, as DType) float64 {
	switch as {
	case S8:
		return float64(int8(int(v)))
	case U8:
		return float64(uint8(int(v)))
	}
	return v
}
