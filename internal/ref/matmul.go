package ref

import (
	"fmt"
	"slices"
)

// InnerProduct is the fully connected layer: everything after the first dim of
// the source against everything after the first dim of the weights.
//
//	dst(n,oc) = bias(oc) + sum over i of src(n,i) * wei(oc,i)
type InnerProduct struct {
	Src, Weights, Bias, Dst *Tensor // N x I..., OC x I..., OC or nil, N x OC
	Attr                    Attr
}

// Run fills Dst.
func (p *InnerProduct) Run() error {
	rows, cols := p.Src.Dims[0], p.Weights.Dims[0]
	if !slices.Equal(p.Src.Dims[1:], p.Weights.Dims[1:]) || !slices.Equal(p.Dst.Dims, []int{rows, cols}) {
		return fmt.Errorf("ref: inner product: src %v, weights %v, dst %v: %w", p.Src, p.Weights, p.Dst, ErrShape)
	}
	if p.Bias != nil && len(p.Bias.Data) != cols {
		return fmt.Errorf("ref: inner product: bias %v, dst %v: %w", p.Bias, p.Dst, ErrShape)
	}
	// Scales are factored out of the integer sum, so that it stays exact.
	plain := p.Attr
	plain.Scales = nil
	src, err := plain.dequantised(ArgSrc, p.Src)
	if err != nil {
		return fmt.Errorf("ref: inner product: %w", err)
	}
	srcScale, err := p.Attr.scale(ArgSrc, p.Src)
	if err != nil {
		return fmt.Errorf("ref: inner product: %w", err)
	}
	weiScale, err := p.Attr.scale(ArgWeights, p.Weights)
	if err != nil {
		return fmt.Errorf("ref: inner product: %w", err)
	}
	out, err := newSink(p.Attr, p.Dst)
	if err != nil {
		return fmt.Errorf("ref: inner product: %w", err)
	}
	depth := Elems(p.Src.Dims[1:])
	srcIndex, weiIndex := make([]int, len(p.Src.Dims)), make([]int, len(p.Weights.Dims))
	for _, index := range Indices(p.Dst.Dims) {
		n, oc := index[0], index[1]
		weiIndex[0] = oc
		acc := ExactDot(src[n*depth:(n+1)*depth], p.Weights.Data[oc*depth:(oc+1)*depth])
		acc *= srcScale(srcIndex) * weiScale(weiIndex)
		if p.Bias != nil {
			acc += p.Bias.Data[oc]
		}
		out.store(index, acc)
	}
	return nil
}

// MatMul multiplies matrices, the last two dims, for every index of the dims
// before them; dims of size one there are repeated, in Bias everywhere.
//
//	dst(b,m,n) = bias(b,m,n) + sum over k of src(b,m,k) * wei(b,k,n)
//
// The scale of the source is one value; that of the weights may vary along n,
// zero points of both are one value.
type MatMul struct {
	Src, Weights, Bias, Dst *Tensor // Bias nil for none
	Attr                    Attr
}

func (m *MatMul) check() error {
	s, w, d := m.Src.Dims, m.Weights.Dims, m.Dst.Dims
	n := len(d)
	ok := n >= 2 && len(s) == n && len(w) == n &&
		s[n-1] == w[n-2] && s[n-2] == d[n-2] && w[n-1] == d[n-1] &&
		broadcasts(s[:n-2], d[:n-2]) && broadcasts(w[:n-2], d[:n-2]) &&
		(m.Bias == nil || broadcasts(m.Bias.Dims, d))
	if !ok {
		return fmt.Errorf("src %v, weights %v, bias %v, dst %v: %w", m.Src, m.Weights, m.Bias, m.Dst, ErrShape)
	}
	return nil
}

// Run fills Dst.
func (m *MatMul) Run() error {
	if err := m.run(); err != nil {
		return fmt.Errorf("ref: matmul: %w", err)
	}
	return nil
}

func (m *MatMul) run() error {
	if err := m.check(); err != nil {
		return err
	}
	plain := m.Attr
	plain.Scales = nil // factored out of the integer sum, as above
	src, err := plain.dequantised(ArgSrc, m.Src)
	if err != nil {
		return err
	}
	wei, err := plain.dequantised(ArgWeights, m.Weights)
	if err != nil {
		return err
	}
	srcScale, err := m.Attr.scale(ArgSrc, m.Src)
	if err != nil {
		return err
	}
	weiScale, err := m.Attr.scale(ArgWeights, m.Weights)
	if err != nil {
		return err
	}
	out, err := newSink(m.Attr, m.Dst)
	if err != nil {
		return err
	}
	last := len(m.Dst.Dims) - 1
	for _, index := range Indices(m.Dst.Dims) {
		s, w := slices.Clone(index), slices.Clone(index)
		acc := 0.0
		for k := range m.Src.Dims[last] {
			s[last], w[last-1] = k, k
			acc += src[offset(m.Src.Dims, s)] * wei[offset(m.Weights.Dims, w)]
		}
		acc *= srcScale(s) * weiScale(w)
		if m.Bias != nil {
			acc += m.Bias.Data[offset(m.Bias.Dims, index)]
		}
		out.store(index, acc)
	}
	return nil
}
