package calibrate

import (
	"math"

	"github.com/octet-dnn/octet/model"
)

// A Deviation sums up how far a tensor of an INT8 network is from its FP32
// original. The sums are of float64 over all elements of all samples, and not
// finite where an element is not.
type Deviation struct {
	Elements uint64
	Signal   float64 // Σ x², x of FP32
	Copied   float64 // Σ y², y = q/scale of INT8
	Product  float64 // Σ x·y
	Noise    float64 // Σ (y−x)²
	Clipped  uint64  // x whose integer would lie outside those of the tensor
	// The ranges of x and of y, which are 0 where there are no elements.
	Low, High             float32
	CopiedLow, CopiedHigh float32
}

// SQNR returns the signal to quantisation noise ratio 10·log10(Σx²/Σ(y−x)²) in
// decibels: +Inf where INT8 gives the same, NaN where both are nothing but zeros.
func (d *Deviation) SQNR() float64 {
	if d.Signal == 0 && d.Noise == 0 {
		return math.NaN()
	}
	return 10 * math.Log10(d.Signal/d.Noise)
}

// Cosine returns the cosine of the angle between both tensors, all samples as
// one vector; NaN where one is nothing but zeros.
func (d *Deviation) Cosine() float64 {
	return min(d.Product/math.Sqrt(d.Signal*d.Copied), 1)
}

// ClipRate returns the share of the elements of FP32 that the integers cannot hold.
func (d *Deviation) ClipRate() float64 {
	if d.Elements == 0 {
		return 0
	}
	return float64(d.Clipped) / float64(d.Elements)
}

// add adds the elements of another sample.
func (d *Deviation) add(o Deviation) {
	if d.Elements == 0 {
		*d = o
		return
	}
	if o.Elements == 0 {
		return
	}
	d.Elements += o.Elements
	d.Signal += o.Signal
	d.Copied += o.Copied
	d.Product += o.Product
	d.Noise += o.Noise
	d.Clipped += o.Clipped
	d.Low, d.High = min(d.Low, o.Low), max(d.High, o.High)
	d.CopiedLow, d.CopiedHigh = min(d.CopiedLow, o.CopiedLow), max(d.CopiedHigh, o.CopiedHigh)
}

// deviation compares x with y, which are of the same length.
func deviation(x []float32, y []float32) (d Deviation) {
	if len(x) == 0 {
		return d
	}
	d.Elements = uint64(len(x))
	d.Low, d.High, d.CopiedLow, d.CopiedHigh = x[0], x[0], y[0], y[0]
	for i, v := range x {
		w := y[i]
		a, b := float64(v), float64(w)
		d.Signal += a * a
		d.Copied += b * b
		d.Product += a * b
		d.Noise += (b - a) * (b - a)
		d.Low, d.High = min(d.Low, v), max(d.High, v)
		d.CopiedLow, d.CopiedHigh = min(d.CopiedLow, w), max(d.CopiedHigh, w)
	}
	return d
}

// clipped counts the elements of x that round to an integer outside of those
// of dtype up to top.
func clipped(x []float32, scale float32, dtype model.DType, top int) (n uint64) {
	bottom := 0.0
	if dtype == model.Int8 {
		bottom = math.MinInt8
	}
	for _, v := range x {
		if q := math.RoundToEven(float64(v * scale)); q > float64(top) || q < bottom {
			n++
		}
	}
	return n
}

// reals returns the values that a tensor stands for, in memory of buf where
// they are integers.
func reals(t *model.Tensor, scale float32, buf []float32) []float32 {
	switch t.DType {
	case model.UInt8:
		buf = buf[:0]
		for _, b := range t.Data {
			buf = append(buf, float32(b)/scale)
		}
		return buf
	case model.Int8:
		buf = buf[:0]
		for _, b := range t.Data {
			buf = append(buf, float32(int8(b))/scale)
		}
		return buf
	}
	return t.Float32s()
}
