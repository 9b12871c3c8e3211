package ref

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
)

// ErrShape is wrapped by every error about dims, masks or parameters that do
// not fit together.
var ErrShape = errors.New("shapes do not fit")

// A Tensor is a dense row-major array.
type Tensor struct {
	DType DType
	Dims  []int
	Data  []float64 // one value an element, each of them representable in DType

	// Exact, where not nil, receives what a kernel computed for each element
	// before it was rounded to DType. It is as long as Data.
	Exact []float64
}

// NewTensor returns a tensor of zeros. The dims are copied.
func NewTensor(dt DType, dims ...int) *Tensor {
	return &Tensor{DType: dt, Dims: slices.Clone(dims), Data: make([]float64, Elems(dims))}
}

// FromValues returns a tensor of the values, each rounded to dt.
func FromValues(dt DType, dims []int, values []float64) (*Tensor, error) {
	if len(values) != Elems(dims) {
		return nil, fmt.Errorf("tensor %v of %d values: %w", dims, len(values), ErrShape)
	}
	t := NewTensor(dt, dims...)
	for i, v := range values {
		t.Data[i] = dt.Round(v)
	}
	return t, nil
}

// Clone returns a copy that shares nothing with t.
func (t *Tensor) Clone() *Tensor {
	return &Tensor{t.DType, slices.Clone(t.Dims), slices.Clone(t.Data), slices.Clone(t.Exact)}
}

// String describes the tensor without its values, as in "u8:1x64x56x56".
func (t *Tensor) String() string {
	s := t.DType.String()
	for i, d := range t.Dims {
		s += fmt.Sprintf("%c%d", ":x"[min(i, 1)], d)
	}
	return s
}

// Elems is the product of dims; no dims at all is one element.
func Elems(dims []int) int {
	n := 1
	for _, d := range dims {
		n *= d
	}
	return n
}

// Bytes returns the tensor as it lies in memory: row-major, little-endian.
func (t *Tensor) Bytes() []byte {
	b := make([]byte, 0, len(t.Data)*t.DType.Size())
	for _, v := range t.Data {
		switch t.DType {
		case F32:
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(v)))
		case BF16:
			b = binary.LittleEndian.AppendUint16(b, float32ToBF16(float32(v)))
		case S32:
			b = binary.LittleEndian.AppendUint32(b, uint32(int32(v)))
		case S8:
			b = append(b, byte(int8(v)))
		case U8:
			b = append(b, byte(v))
		}
	}
	return b
}

// SetBytes replaces the values by those of b, the inverse of Bytes.
func (t *Tensor) SetBytes(b []byte) error {
	if want := len(t.Data) * t.DType.Size(); len(b) != want {
		return fmt.Errorf("tensor %v: %d bytes, want %d: %w", t, len(b), want, ErrShape)
	}
	for i := range t.Data {
		switch t.DType {
		case F32:
			t.Data[i] = float64(math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:])))
		case BF16:
			t.Data[i] = float64(bf16ToFloat32(binary.LittleEndian.Uint16(b[2*i:])))
		case S32:
			t.Data[i] = float64(int32(binary.LittleEndian.Uint32(b[4*i:])))
		case S8:
			t.Data[i] = float64(int8(b[i]))
		case U8:
			t.Data[i] = float64(b[i])
		}
	}
	return nil
}

// Indices yields every index of dims in row-major order, with its offset. The
// slice is reused between steps.
func Indices(dims []int) iter.Seq2[int, []int] {
	return func(yield func(int, []int) bool) {
		index := make([]int, len(dims))
		for i := range Elems(dims) {
			if !yield(i, index) {
				return
			}
			for d := len(dims) - 1; d >= 0; d-- {
				if index[d]++; index[d] < dims[d] {
					break
				}
				index[d] = 0
			}
		}
	}
}

// offset is the position of index in a row-major array of dims, where a dim of
// size one is repeated for every index along it.
func offset(dims, index []int) int {
	o := 0
	for d, size := range dims {
		o *= size
		if size != 1 {
			o += index[d]
		}
	}
	return o
}

// broadcasts reports whether a tensor of dims from can be repeated along its
// dims of size one to fill dims to.
func broadcasts(from, to []int) bool {
	return slices.EqualFunc(from, to, func(f, t int) bool { return f == t || f == 1 })
}
