package jpeg

// The conversion factors of JFIF in 16-bit fixed point, as libjpeg rounds them.
const (
	crToR = 91881  // 1.40200
	cbToB = 116130 // 1.77200
	crToG = 46802  // 0.71414
	cbToG = 22554  // 0.34414
	half  = 1 << 15
)

// A convertFunc turns one row of component samples into RGB.
type convertFunc func(dst []byte, rows *[4][]byte)

// converter chooses the colour space by libjpeg's rules: JFIF means YCbCr, an
// Adobe segment says it, and the component ids R, G, B mean RGB. Four
// components are CMYK or YCCK, and Pillow takes them all to be inverted, as
// Adobe writes them.
func (d *Decoder) converter() convertFunc {
	switch d.hdr.Components {
	case 1:
		return greyToRGB
	case 3:
		ids := [3]int{d.comps[0].id, d.comps[1].id, d.comps[2].id}
		switch {
		case d.jfif:
			return ycbcrToRGB
		case d.adobe == 0, d.adobe < 0 && ids == [3]int{'R', 'G', 'B'}:
			return interleave
		}
		return ycbcrToRGB
	}
	if d.adobe <= 0 {
		return cmykToRGB
	}
	return ycckToRGB
}

func greyToRGB(dst []byte, rows *[4][]byte) {
	for i, v := range rows[0] {
		o := dst[3*i : 3*i+3 : 3*i+3]
		o[0], o[1], o[2] = v, v, v
	}
}

func interleave(dst []byte, rows *[4][]byte) {
	for i, v := range rows[0] {
		dst[3*i], dst[3*i+1], dst[3*i+2] = v, rows[1][i], rows[2][i]
	}
}

func ycbcrToRGB(dst []byte, rows *[4][]byte) {
	ys := rows[0]
	cbs, crs := rows[1][:len(ys)], rows[2][:len(ys)]
	dst = dst[:3*len(ys)]
	for i, v := range ys {
		y, cb, cr := int32(v), int32(cbs[i])-128, int32(crs[i])-128
		o := dst[3*i : 3*i+3 : 3*i+3]
		o[0] = clamp(y + (crToR*cr+half)>>16)
		o[1] = clamp(y + (half-cbToG*cb-crToG*cr)>>16)
		o[2] = clamp(y + (cbToB*cb+half)>>16)
	}
}

// ycckToRGB: libjpeg's C is 255 minus red and so on. Pillow inverts all four
// (Adobe's convention), so C is red again, before it mixes in black.
func ycckToRGB(dst []byte, rows *[4][]byte) {
	ycbcrToRGB(dst, rows)
	for i, k := range rows[3] {
		for j := range 3 {
			dst[3*i+j] = withBlack(255-dst[3*i+j], k)
		}
	}
}

func cmykToRGB(dst []byte, rows *[4][]byte) {
	for i, k := range rows[3] {
		for j := range 3 {
			dst[3*i+j] = withBlack(rows[j][i], k)
		}
	}
}

// withBlack is Pillow's conversion of one inverted ink to light: with
// ink = 255-v and black = 255-k it takes k - ink*k/255, rounded as Pillow does.
func withBlack(v, k byte) byte {
	t := (255-int32(v))*int32(k) + 128
	return clamp(int32(k) - (t>>8+t)>>8)
}
