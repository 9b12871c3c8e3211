package jpeg

// The inverse DCT is the accurate integer transform of Loeffler, Ligtenberg and
// Moschytz (ICASSP 1989) with the scaling that libjpeg's default method
// ("islow") uses: constants of 13 bits, two extra bits kept between the
// passes, columns first. Every rounding is the same, so every byte is.
const (
	constBits = 13
	passBits  = 2

	c0_298631336 = 2446
	c0_390180644 = 3196
	c0_541196100 = 4433
	c0_765366865 = 6270
	c0_899976223 = 7373
	c1_175875602 = 9633
	c1_501321110 = 12299
	c1_847759065 = 15137
	c1_961570560 = 16069
	c2_053119869 = 16819
	c2_562915447 = 20995
	c3_072711026 = 25172
)

// idct1 transforms eight values; the results carry constBits more bits.
func idct1(i0, i1, i2, i3, i4, i5, i6, i7 int32) (o0, o1, o2, o3, o4, o5, o6, o7 int32) {
	r := (i2 + i6) * c0_541196100
	e2, e3 := r-i6*c1_847759065, r+i2*c0_765366865
	e0, e1 := (i0+i4)<<constBits, (i0-i4)<<constBits
	a0, a3, a1, a2 := e0+e3, e0-e3, e1+e2, e1-e2

	z1, z2, z3, z4 := i7+i1, i5+i3, i7+i3, i5+i1
	z5 := (z3 + z4) * c1_175875602
	z1 *= -c0_899976223
	z2 *= -c2_562915447
	z3 = z5 - z3*c1_961570560
	z4 = z5 - z4*c0_390180644
	b0 := i7*c0_298631336 + z1 + z3
	b1 := i5*c2_053119869 + z2 + z4
	b2 := i3*c3_072711026 + z2 + z3
	b3 := i1*c1_501321110 + z1 + z4
	return a0 + b3, a1 + b2, a2 + b1, a3 + b0, a3 - b0, a2 - b1, a1 - b2, a0 - b3
}

// idct transforms b, which it uses as scratch, and writes 8 rows of 8 samples.
func idct(b *[64]int32, dst []byte, stride int) {
	const round1, shift1 = 1 << (constBits - passBits - 1), constBits - passBits
	for i := range 8 {
		if b[8+i]|b[16+i]|b[24+i]|b[32+i]|b[40+i]|b[48+i]|b[56+i] == 0 {
			v := b[i] << passBits
			b[i], b[8+i], b[16+i], b[24+i] = v, v, v, v
			b[32+i], b[40+i], b[48+i], b[56+i] = v, v, v, v
			continue
		}
		o0, o1, o2, o3, o4, o5, o6, o7 := idct1(b[i], b[8+i], b[16+i], b[24+i], b[32+i], b[40+i], b[48+i], b[56+i])
		b[i], b[8+i] = (o0+round1)>>shift1, (o1+round1)>>shift1
		b[16+i], b[24+i] = (o2+round1)>>shift1, (o3+round1)>>shift1
		b[32+i], b[40+i] = (o4+round1)>>shift1, (o5+round1)>>shift1
		b[48+i], b[56+i] = (o6+round1)>>shift1, (o7+round1)>>shift1
	}
	for y := range 8 {
		r := b[8*y : 8*y+8 : 8*y+8]
		o := dst[y*stride : y*stride+8 : y*stride+8]
		o0, o1, o2, o3, o4, o5, o6, o7 := idct1(r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7])
		o[0], o[1], o[2], o[3] = sample(o0), sample(o1), sample(o2), sample(o3)
		o[4], o[5], o[6], o[7] = sample(o4), sample(o5), sample(o6), sample(o7)
	}
}

// idctFlat is idct of a block of which only the first coefficient is not zero.
func idctFlat(dc int32, dst []byte, stride int) {
	v := sample(dc << (constBits + passBits))
	for y := range 8 {
		o := dst[y*stride : y*stride+8 : y*stride+8]
		for i := range o {
			o[i] = v
		}
	}
}

// sample rounds a result of the second pass, shifts the level and clamps.
func sample(v int32) byte {
	const shift = constBits + passBits + 3
	return clamp((v+1<<(shift-1))>>shift + 128)
}

func clamp(v int32) byte {
	if uint32(v) > 255 {
		return byte(^v >> 31)
	}
	return byte(v)
}
