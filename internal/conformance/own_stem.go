package conformance

import (
	"fmt"
	"math"

	"github.com/octet-dnn/octet/internal/ref"
)

// buildStem: integers are convolved as they are, or with picture=f32 quantised
// from one; with a shift both are a ref.Stem.
func buildStem(b *builder) (ref.Op, error) {
	b.ownKernel("octet_stem:avx512_core_" + b.text("by", "vnni"))
	b.preset("stag", "abcd")
	b.preset("dtag", "acdb")
	s := &ref.Stem{}
	picture, shifted := b.dtype("picture", 0), b.flag("shift")
	special := b.flag("special")
	b.fillSource = func(src *ref.Tensor) {
		s.Conv.Src, s.Picture = src, ref.NewTensor(max(picture, ref.F32), src.Dims...)
		if s.Picture.DType != picture {
			s.Picture.DType = src.DType
			b.fill.source("src", s.Picture)
		}
		b.shifts(s, shifted)
		if picture == ref.F32 {
			b.picture(s, special)
		}
		if err := s.Quantise(); err != nil {
			b.fail("src", err)
		}
	}
	op, err := b.convolution(geometry.out)
	if err != nil {
		return nil, err
	}
	if s.Conv = *op.(*ref.Convolution); picture == 0 && !shifted {
		return &s.Conv, nil
	}
	if len(s.Conv.PadL) != 2 || picture != 0 && picture != ref.F32 {
		return nil, fmt.Errorf("want a picture of two spatial dims, f32 or as src is")
	}
	return s, nil
}

// shifts makes factors of some dozens and shifts that leave part of the range
// of the pixels on both sides: those of seeded data are no powers of two.
func (b *builder) shifts(s *ref.Stem, shifted bool) {
	lo, hi := s.Conv.Src.DType.Range()
	rng := b.fill.stream("shift")
	for range s.Conv.Src.Dims[1] {
		s.Factor = append(s.Factor, b.fill.scale(rng, 4, 6))
		s.Shift = append(s.Shift, math.Round(lo+(hi-lo)*(0.2+0.6*rng.Float64()))+float64(rng.IntN(4))/4)
	}
	if !shifted {
		s.Factor, s.Shift = s.Factor[:1], nil
	}
}

// specials are pixels that are no numbers, or far out of range.
var specials = []float64{
	math.NaN(), math.Inf(1), math.Inf(-1), 0x1p100, -0x1p100, math.MaxFloat32, 3e9, -3e9, math.Copysign(0, -1),
}

// picture fills an f32 picture with what covers the whole range of the
// integers and some around it; every fourth pixel is a tie where the factor is a
// power of two.
func (b *builder) picture(s *ref.Stem, special bool) {
	rng := b.fill.stream("picture")
	lo, hi := s.Conv.Src.DType.Range()
	for i, index := range ref.Indices(s.Picture.Dims) {
		v := lo - 20 + (hi-lo+40)*rng.Float64()
		switch rng.IntN(8) {
		case 0, 1:
			v = math.Floor(v) + 0.5
		case 2:
			if special {
				s.Picture.Data[i] = specials[rng.IntN(len(specials))]
				continue
			}
		}
		channel := min(index[1], len(s.Factor)-1)
		if s.Shift != nil {
			v -= s.Shift[channel]
		}
		s.Picture.Data[i] = ref.F32.Round(v / s.Factor[channel])
	}
}
