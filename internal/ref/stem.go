package ref

import (
	"fmt"
	"math"
)

// Stem is a convolution that quantises what it reads: the picture becomes
// integers of the type of Conv.Src, and Conv is done on these. Pixel v of
// channel c becomes v * Factor + Shift, a product and a sum of f32, rounded half
// to even and saturated; NaN becomes the lowest integer. Padding is 0 in the
// unquantised picture, so that with a shift it is the shift, rounded.
//
// A picture of the type of Conv.Src is taken as it is, and Shift is for the
// padding only.
type Stem struct {
	Picture *Tensor
	Factor  []float64 // one, or with a shift one a channel; nil for integers
	Shift   []float64 // one a channel; nil for none
	Conv    Convolution
}

// Run fills Conv.Src, without padding, and Conv.Dst.
func (s *Stem) Run() error {
	if err := s.Quantise(); err != nil {
		return err
	}
	padded := s.Padded()
	return padded.Run()
}

// Result is Conv.Dst.
func (s *Stem) Result() *Tensor { return s.Conv.Dst }

// Quantise fills Conv.Src.
func (s *Stem) Quantise() error {
	src, floats := s.Conv.Src, s.Picture.DType == F32
	if len(src.Data) != len(s.Picture.Data) || len(src.Dims) != 4 || !src.DType.Integer() {
		return fmt.Errorf("ref: stem: picture %v, src %v: %w", s.Picture, src, ErrShape)
	}
	channels := src.Dims[1]
	if s.Shift != nil && len(s.Shift) != channels || floats && len(s.Factor) != s.factors() {
		return fmt.Errorf("ref: stem: %d factors, %d shifts, %d channels: %w", len(s.Factor), len(s.Shift), channels, ErrShape)
	}
	for i, index := range Indices(src.Dims) {
		v := s.Picture.Data[i]
		if floats {
			v = s.quantised(v, index[1])
		}
		src.Data[i] = v
	}
	return nil
}

// factors is how many factors an f32 picture has.
func (s *Stem) factors() int {
	if s.Shift == nil {
		return 1
	}
	return s.Conv.Src.Dims[1]
}

func (s *Stem) quantised(v float64, channel int) float64 {
	if s.Shift == nil {
		return s.round(float32(v) * float32(s.Factor[0]))
	}
	product := float32(v) * float32(s.Factor[channel])
	return s.round(float32(product) + float32(s.Shift[channel]))
}

func (s *Stem) round(v float32) float64 {
	if v != v {
		v = float32(math.Inf(-1))
	}
	return s.Conv.Src.DType.Round(float64(v))
}

// Padded is Conv on what Conv.Src holds, with the padding in the source where
// it is not 0.
func (s *Stem) Padded() *Convolution {
	c := s.Conv
	if s.Shift == nil {
		return &c
	}
	d := c.Src.Dims
	c.Src = NewTensor(c.Src.DType, d[0], d[1], d[2]+c.PadL[0]+c.PadR[0], d[3]+c.PadL[1]+c.PadR[1])
	for i, index := range Indices(c.Src.Dims) {
		y, x := index[2]-c.PadL[0], index[3]-c.PadL[1]
		if y < 0 || y >= d[2] || x < 0 || x >= d[3] {
			c.Src.Data[i] = s.round(float32(s.Shift[index[1]]))
			continue
		}
		c.Src.Data[i] = s.Conv.Src.Data[offset(d, []int{index[0], index[1], y, x})]
	}
	c.PadL, c.PadR = []int{0, 0}, []int{0, 0}
	return &c
}
