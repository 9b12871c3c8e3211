package ref

import (
	"fmt"
	"math"
)

// A DType is the element type of a tensor.
type DType uint8

// The element types that the kernels store.
const (
	F32 DType = iota + 1
	BF16
	S32
	S8
	U8
)

var dtypes = map[DType]struct {
	name string
	size int
	lo   float64 // least and greatest value of the integer types
	hi   float64
}{
	F32:  {"f32", 4, 0, 0},
	BF16: {"bf16", 2, 0, 0},
	S32:  {"s32", 4, math.MinInt32, math.MaxInt32},
	S8:   {"s8", 1, math.MinInt8, math.MaxInt8},
	U8:   {"u8", 1, 0, math.MaxUint8},
}

// ParseDType is the inverse of DType.String.
func ParseDType(name string) (DType, error) {
	for d, t := range dtypes {
		if t.name == name {
			return d, nil
		}
	}
	return 0, fmt.Errorf("element type %q: want f32, bf16, s32, s8 or u8", name)
}

// String returns oneDNN's name of the type, such as "u8".
func (d DType) String() string {
	if t, ok := dtypes[d]; ok {
		return t.name
	}
	return fmt.Sprintf("dtype(%d)", uint8(d))
}

// Size returns the bytes of one element, 0 for an unknown type.
func (d DType) Size() int { return dtypes[d].size }

// Integer reports whether the type is s32, s8 or u8.
func (d DType) Integer() bool { return d == S32 || d == S8 || d == U8 }

// Range returns the least and greatest value of an integer type.
func (d DType) Range() (lo, hi float64) { t := dtypes[d]; return t.lo, t.hi }

// Round returns the value of type d nearest to v, ties to even. Integers
// saturate, NaN becomes 0 there. BF16 goes through f32 first, as a library
// that computes in f32 does.
func (d DType) Round(v float64) float64 {
	switch d {
	case F32:
		return float64(float32(v))
	case BF16:
		return float64(bf16ToFloat32(float32ToBF16(float32(v))))
	}
	if math.IsNaN(v) {
		return 0
	}
	t := dtypes[d]
	return min(max(math.RoundToEven(v), t.lo), t.hi)
}

// float32ToBF16 keeps the upper half of x, rounded to nearest even. NaN stays
// NaN: the quiet bit is set, so that cutting the payload cannot make it Inf.
func float32ToBF16(x float32) uint16 {
	bits := math.Float32bits(x)
	if x != x {
		return uint16(bits>>16) | 0x40
	}
	return uint16((bits + 0x7fff + bits>>16&1) >> 16)
}

func bf16ToFloat32(b uint16) float32 { return math.Float32frombits(uint32(b) << 16) }
