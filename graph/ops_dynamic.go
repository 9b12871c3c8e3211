package graph

import (
	"slices"

	"github.com/octet-dnn/octet/model"
)

// Layers about shapes. Programs compute with the dims of their tensors, and
// reshape or resize by the results. Such a result follows from the shapes of
// the inputs: see Inference.

// ShapeOf gives the dims of x as an int32 vector. In: x. Out: [rank of x].
type ShapeOf struct{}

// Fill makes a tensor of one value. In: shape operands that together replace
// Dims, or the tensor that gives dims. Out: y, of type To.
type Fill struct {
	Value float64
	To    model.DType
	Dims  []int
	Like  FillLike
	// From and At: with FillBatchLike, dim At of Out is dim From of In[0].
	From, At int
}

// FillLike says where a Fill takes dims from.
type FillLike uint8

// The sources of the dims of a Fill.
const (
	FillDims      FillLike = iota // Dims, or the shape operands
	FillSame                      // those of In[0]
	FillBatchLike                 // Dims, but for one dim of In[0]
)

// Expand repeats x along its dims. In: x, then shape operands that together
// replace Dims. Out: y.
type Expand struct {
	// Dims are repetitions a dim (tile), or with To the target dims, where -1
	// keeps x's. x gets leading 1s where it is shorter.
	Dims []int
	To   bool
}

// Kind names the operation.
func (*ShapeOf) Kind() string { return "shape" }

// Kind names the operation.
func (*Fill) Kind() string { return "fill" }

// Kind names the operation.
func (*Expand) Kind() string { return "expand" }

func (f *Fill) dataInputs() int {
	if f.Like == FillDims {
		return 0
	}
	return 1
}

func (f *Fill) with(operands [][]int) (Op, error) {
	resolved := *f
	resolved.Dims = slices.Concat(operands...)
	return &resolved, nil
}

func (x *Expand) dataInputs() int { return 1 }

func (x *Expand) with(operands [][]int) (Op, error) {
	return &Expand{To: x.To, Dims: slices.Concat(operands...)}, nil
}

// Infer returns the rank.
func (*ShapeOf) Infer(in []Shape) ([]Shape, error) {
	if err := wantInputs(in, 1, 1); err != nil {
		return nil, err
	}
	return []Shape{{len(in[0])}}, nil
}

// Infer checks that no dim is open.
func (f *Fill) Infer(in []Shape) ([]Shape, error) {
	if f.Like == FillSame {
		return same(in)
	}
	out := Shape(append([]int{}, f.Dims...))
	if f.Like == FillBatchLike {
		if err := wantInputs(in, 1, 1); err != nil {
			return nil, err
		}
		if f.From < 0 || f.From >= len(in[0]) || f.At < 0 || f.At >= len(out) {
			return nil, shapeErr("dim %d of %v for dim %d of %v", f.From, in[0], f.At, f.Dims)
		}
		out[f.At] = in[0][f.From]
	} else if err := wantInputs(in, 0, 0); err != nil {
		return nil, err
	}
	if _, err := out.Elems(); err != nil {
		return nil, err
	}
	return []Shape{out}, nil
}

// Infer multiplies the dims, or checks that they stretch to the target.
func (x *Expand) Infer(in []Shape) ([]Shape, error) {
	if err := wantInputs(in, 1, 1); err != nil {
		return nil, err
	}
	rank := max(len(in[0]), len(x.Dims))
	if x.To && len(x.Dims) < len(in[0]) {
		return nil, shapeErr("expanding %v to %v", in[0], x.Dims)
	}
	from, by := padLeft(in[0], rank), padLeft(x.Dims, rank)
	out := make(Shape, rank)
	for i := range out {
		switch {
		case !x.To && by[i] > 0 && by[i] <= maxDim:
			out[i] = from[i] * by[i]
		case x.To && (by[i] == -1 || by[i] == from[i]):
			out[i] = from[i]
		case x.To && from[i] == 1 && by[i] > 0 && by[i] <= maxDim:
			out[i] = by[i]
		default:
			return nil, shapeErr("expanding %v by %v", in[0], x.Dims)
		}
	}
	return []Shape{out}, nil
}
