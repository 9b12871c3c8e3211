package ref

import "fmt"

// An Arg names a tensor of an operation in its attributes.
type Arg string

// The arguments that carry scales and zero points. The sources of a
// concatenation are ArgSrcN(0), ArgSrcN(1), ...
const (
	ArgSrc     Arg = "src"
	ArgSrc1    Arg = "src1"
	ArgWeights Arg = "wei"
	ArgDst     Arg = "dst"
)

// ArgSrcN is source i of an operation with any number of sources.
func ArgSrcN(i int) Arg { return Arg(fmt.Sprintf("src#%d", i)) }

// A Param is the scale or the zero point of a tensor: one value for every
// index of the dims whose bit is set in Mask, row-major over those dims. Mask 0
// is a single value for the whole tensor.
type Param struct {
	Mask   int
	Values []float64
}

// Attr modifies an operation as oneDNN's primitive attributes do. Scales
// default to 1, zero points to 0.
type Attr struct {
	Scales     map[Arg]Param
	ZeroPoints map[Arg]Param
	PostOps    []PostOp
}

// A lookup gives the value that belongs to an index of a tensor.
type lookup func(index []int) float64

// lookup binds p to a tensor of dims, or to the constant def where p is unset.
func (p Param) lookup(dims []int, def float64) (lookup, error) {
	if p.Values == nil {
		return func([]int) float64 { return def }, nil
	}
	masked := make([]int, len(dims))
	for d, size := range dims {
		masked[d] = 1
		if p.Mask>>d&1 != 0 {
			masked[d] = size
		}
	}
	if p.Mask>>len(dims) != 0 || len(p.Values) != Elems(masked) {
		return nil, fmt.Errorf("%d values with mask %b for dims %v: %w", len(p.Values), p.Mask, dims, ErrShape)
	}
	return func(index []int) float64 { return p.Values[offset(masked, index)] }, nil
}

func (a Attr) scale(arg Arg, t *Tensor) (lookup, error) {
	f, err := a.Scales[arg].lookup(t.Dims, 1)
	if err != nil {
		return nil, fmt.Errorf("scale of %s: %w", arg, err)
	}
	return f, nil
}

func (a Attr) zeroPoint(arg Arg, t *Tensor) (lookup, error) {
	f, err := a.ZeroPoints[arg].lookup(t.Dims, 0)
	if err != nil {
		return nil, fmt.Errorf("zero point of %s: %w", arg, err)
	}
	return f, nil
}

// dequantised returns the real values of t: (q - zero point) * scale.
func (a Attr) dequantised(arg Arg, t *Tensor) ([]float64, error) {
	scale, err := a.scale(arg, t)
	if err != nil {
		return nil, err
	}
	zero, err := a.zeroPoint(arg, t)
	if err != nil {
		return nil, err
	}
	real := make([]float64, len(t.Data))
	for i, index := range Indices(t.Dims) {
		real[i] = (t.Data[i] - zero(index)) * scale(index)
	}
	return real, nil
}
