package ref

import (
	"fmt"
	"math"
)

// A BinaryAlg is a function of two elements.
type BinaryAlg string

// The binary functions; comparisons give 1 or 0.
const (
	Add BinaryAlg = "add"
	Sub BinaryAlg = "sub"
	Mul BinaryAlg = "mul"
	Div BinaryAlg = "div"
	Max BinaryAlg = "max"
	Min BinaryAlg = "min"
	GE  BinaryAlg = "ge"
	GT  BinaryAlg = "gt"
	LE  BinaryAlg = "le"
	LT  BinaryAlg = "lt"
	EQ  BinaryAlg = "eq"
	NE  BinaryAlg = "ne"
)

var binaries = map[BinaryAlg]func(x, y float64) float64{
	Add: func(x, y float64) float64 { return x + y },
	Sub: func(x, y float64) float64 { return x - y },
	Mul: func(x, y float64) float64 { return x * y },
	Div: func(x, y float64) float64 { return x / y },
	Max: func(x, y float64) float64 { return max(x, y) },
	Min: func(x, y float64) float64 { return min(x, y) },
	GE:  func(x, y float64) float64 { return pick(x >= y, 1, 0) },
	GT:  func(x, y float64) float64 { return pick(x > y, 1, 0) },
	LE:  func(x, y float64) float64 { return pick(x <= y, 1, 0) },
	LT:  func(x, y float64) float64 { return pick(x < y, 1, 0) },
	EQ:  func(x, y float64) float64 { return pick(x == y, 1, 0) },
	NE:  func(x, y float64) float64 { return pick(x != y, 1, 0) },
}

// Known reports whether the function exists.
func (alg BinaryAlg) Known() bool { return binaries[alg] != nil }

// Apply returns the function of x and y; an unknown function gives NaN.
func (alg BinaryAlg) Apply(x, y float64) float64 {
	f := binaries[alg]
	if f == nil {
		return math.NaN()
	}
	return f(x, y)
}

// Binary combines two tensors element by element: dst = Alg(src0, src1). Dims
// of size one of a source are repeated. Scales may stand at ArgSrc and ArgSrc1.
type Binary struct {
	Alg             BinaryAlg
	Src0, Src1, Dst *Tensor
	Attr            Attr
}

// Run fills Dst.
func (b *Binary) Run() error {
	if !b.Alg.Known() || !broadcasts(b.Src0.Dims, b.Dst.Dims) || !broadcasts(b.Src1.Dims, b.Dst.Dims) {
		return fmt.Errorf("ref: binary %s: src0 %v, src1 %v, dst %v: %w", b.Alg, b.Src0, b.Src1, b.Dst, ErrShape)
	}
	x, err := b.Attr.dequantised(ArgSrc, b.Src0)
	if err != nil {
		return fmt.Errorf("ref: binary: %w", err)
	}
	y, err := b.Attr.dequantised(ArgSrc1, b.Src1)
	if err != nil {
		return fmt.Errorf("ref: binary: %w", err)
	}
	out, err := newSink(b.Attr, b.Dst)
	if err != nil {
		return fmt.Errorf("ref: binary: %w", err)
	}
	for _, index := range Indices(b.Dst.Dims) {
		out.store(index, b.Alg.Apply(x[offset(b.Src0.Dims, index)], y[offset(b.Src1.Dims, index)]))
	}
	return nil
}
