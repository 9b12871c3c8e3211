package calibrate

import (
	"math/bits"

	"github.com/octet-dnn/octet/model"
)

// A look is a small picture of a picture: for each of 8×8 places, whether it is
// brighter than the place to the right of it. Pictures that look alike differ
// in few bits, whatever their digests. (The difference hash of N. Krawetz, 2013.)
type look uint64

// lookSide is the number of places in a row and in a column.
const lookSide = 8

// alike is the number of bits up to which two looks count as the same picture:
// Krawetz's "probably a variation" ends at 5.
const alike = 5

func (a look) alike(b look) bool { return bits.OnesCount64(uint64(a^b)) <= alike }

// lookOf returns the look of an image of n in t, a batch of pictures; ok is false if t is none.
func lookOf(t *model.Tensor, image, n int) (l look, ok bool) {
	if t == nil || t.DType != model.FP32 || len(t.Dims) != 4 {
		return 0, false
	}
	size := t.Len() / n
	x := t.Float32s()[image*size : (image+1)*size]
	c, h, w := int(t.Dims[1]), int(t.Dims[2]), int(t.Dims[3])
	column := 1 // distance of neighbours in a row
	if c > 4 && w <= 4 {
		c, h, w = w, c, h // NHWC
		column = c
	}
	if c > 4 || h < lookSide || w <= lookSide {
		return 0, false
	}
	for y := range lookSide {
		var left float64
		for i := range lookSide + 1 {
			right := patch(x, column, w, y*h/lookSide, (y+1)*h/lookSide, i*w/(lookSide+1), (i+1)*w/(lookSide+1))
			if i > 0 && left > right {
				l |= 1 << (lookSide*y + i - 1)
			}
			left = right
		}
	}
	return l, true
}

// patch returns the mean of the first channel over a rectangle.
func patch(x []float32, column, w, top, bottom, left, right int) float64 {
	var sum float64
	for y := top; y < bottom; y++ {
		for i := left; i < right; i++ {
			sum += float64(x[(y*w+i)*column])
		}
	}
	return sum / float64((bottom-top)*(right-left))
}
