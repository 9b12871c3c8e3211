package ref

import (
	"fmt"
	"math"
	"slices"
)

// LRN divides each value by a power of the energy around it:
//
//	dst = src * (K + Alpha/n * sum of src^2)^-Beta
//
// The sum is over LocalSize channels centred on the value's, or WithinChannel
// over LocalSize positions along each spatial dim; what lies outside is 0. n
// is the number of summands, padding included. (The developer guide writes
// LocalSize for n in both cases; the library divides by LocalSize^2 within a
// channel of two spatial dims, and so does this.)
type LRN struct {
	Src, Dst       *Tensor
	LocalSize      int
	Alpha, Beta, K float64
	WithinChannel  bool
	Attr           Attr
}

// Run fills Dst.
func (l *LRN) Run() error {
	if !slices.Equal(l.Src.Dims, l.Dst.Dims) || len(l.Src.Dims) < 2 || l.LocalSize < 1 {
		return fmt.Errorf("ref: lrn: src %v, dst %v, size %d: %w", l.Src, l.Dst, l.LocalSize, ErrShape)
	}
	out, err := newSink(l.Attr, l.Dst)
	if err != nil {
		return fmt.Errorf("ref: lrn: %w", err)
	}
	// The neighbourhood is a box of offsets: size one along the dims that do not count.
	box := slices.Repeat([]int{1}, len(l.Src.Dims))
	for d := range box {
		if (d == 1 && !l.WithinChannel) || (d > 1 && l.WithinChannel) {
			box[d] = 2*((l.LocalSize-1)/2) + 1
		}
	}
	summands := l.LocalSize
	if l.WithinChannel {
		summands = int(math.Pow(float64(l.LocalSize), float64(len(box)-2)))
	}
	for i, index := range Indices(l.Src.Dims) {
		energy := 0.0
		for _, step := range Indices(box) {
			at := slices.Clone(index)
			inside := true
			for d := range at {
				at[d] += step[d] - box[d]/2
				inside = inside && at[d] >= 0 && at[d] < l.Src.Dims[d]
			}
			if inside {
				v := l.Src.Data[offset(l.Src.Dims, at)]
				energy += v * v
			}
		}
		base := l.K + l.Alpha*energy/float64(summands)
		out.store(index, l.Src.Data[i]*math.Pow(base, -l.Beta))
	}
	return nil
}

// LayerNorm normalises along the last axis to mean 0 and variance 1, then
// applies Scale and Shift: dst = (src-mean)/sqrt(variance+Eps)*scale + shift. A
// quantisation scale at ArgSrc multiplies that result: the normalisation itself
// does not see scales.
type LayerNorm struct {
	Src, Dst     *Tensor
	Scale, Shift *Tensor // as long as the last dim, or nil
	Eps          float64
	Attr         Attr
}

// Run fills Dst.
func (l *LayerNorm) Run() error {
	n := l.Src.Dims[len(l.Src.Dims)-1]
	if !slices.Equal(l.Src.Dims, l.Dst.Dims) || l.Scale != nil && len(l.Scale.Data) != n || l.Shift != nil && len(l.Shift.Data) != n {
		return fmt.Errorf("ref: layer norm: src %v, dst %v, scale %v, shift %v: %w", l.Src, l.Dst, l.Scale, l.Shift, ErrShape)
	}
	scale, err := l.Attr.scale(ArgSrc, l.Src)
	if err != nil {
		return fmt.Errorf("ref: layer norm: %w", err)
	}
	out, err := newSink(l.Attr, l.Dst)
	if err != nil {
		return fmt.Errorf("ref: layer norm: %w", err)
	}
	for i, index := range Indices(l.Src.Dims) {
		row := l.Src.Data[i/n*n : (i/n+1)*n]
		mean, variance := 0.0, 0.0
		for _, v := range row {
			mean += v / float64(n)
		}
		for _, v := range row {
			variance += (v - mean) * (v - mean) / float64(n)
		}
		y := (l.Src.Data[i] - mean) / math.Sqrt(variance+l.Eps)
		if l.Scale != nil {
			y *= l.Scale.Data[i%n]
		}
		if l.Shift != nil {
			y += l.Shift.Data[i%n]
		}
		out.store(index, y*scale(index))
	}
	return nil
}
