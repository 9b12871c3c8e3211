package hostop

import (
	"fmt"
	"math"
	"slices"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

type number interface{ float32 | int64 | int32 }

// of returns the elements of t as T, which is its type.
func of[T number](t *Tensor) []T {
	var e T
	switch any(e).(type) {
	case float32:
		return any(t.F32).([]T)
	case int64:
		return any(t.I64).([]T)
	}
	return any(t.I32).([]T)
}

// typed makes the kernel for the element type of the first tensor.
func typed(t []*Tensor, f32, i64, i32 func() (func() error, error)) (func() error, error) {
	switch t[0].DType {
	case model.FP32:
		return f32()
	case model.Int64:
		return i64()
	case model.Int32:
		return i32()
	}
	return nil, fmt.Errorf("elements of type %v: %w", t[0].DType, ErrUnsupported)
}

// Activation returns the kernel of an activation of float32 numbers, in any
// layout, or of a scale of integers, which rounds towards zero.
func Activation(a graph.Activation) Kernel {
	return func(t []*Tensor) (func() error, error) {
		if t[0].DType != model.FP32 && a.Kind != graph.ActLinear {
			return nil, fmt.Errorf("%v of %v: %w", a, t[0].DType, ErrUnsupported)
		}
		f := a.Func()
		return typed(t,
			func() (func() error, error) { return mapped[float32](t, f) },
			func() (func() error, error) { return mapped[int64](t, f) },
			func() (func() error, error) { return mapped[int32](t, f) })
	}
}

func mapped[T number](t []*Tensor, f func(float64) float64) (func() error, error) {
	return func() error {
		y := of[T](t[1])
		for i, x := range of[T](t[0]) {
			y[i] = T(f(float64(x)))
		}
		return nil
	}, nil
}

func cast(t []*Tensor) (func() error, error) {
	x, y := t[0], t[1]
	for _, d := range []*Tensor{x, y} {
		if d.DType != model.FP32 && d.DType != model.Int64 && d.DType != model.Int32 {
			return nil, fmt.Errorf("cast of %v to %v: %w", x.DType, y.DType, ErrUnsupported)
		}
	}
	return func() error {
		switch x.DType {
		case model.FP32:
			castFrom(x.F32, y)
		case model.Int64:
			castFrom(x.I64, y)
		default:
			castFrom(x.I32, y)
		}
		return nil
	}, nil
}

func castFrom[T number](x []T, y *Tensor) {
	switch y.DType {
	case model.FP32:
		castTo(x, y.F32)
	case model.Int64:
		castTo(x, y.I64)
	default:
		castTo(x, y.I32)
	}
}

func castTo[T, U number](x []T, y []U) {
	for i, v := range x {
		y[i] = U(v)
	}
}

// Binary returns the kernel of an elementwise operation with broadcasting, of
// float32 numbers or integers.
func Binary(op *graph.Binary) Kernel {
	return func(t []*Tensor) (func() error, error) {
		if err := want(t[1:], t[0].DType, t[0].DType); err != nil {
			return nil, err
		}
		x, y, err := op.Align(t[0].Dims, t[1].Dims)
		if err != nil {
			return nil, err
		}
		b := &binary{op: op, dims: t[2].Dims, x: repeated(x, t[2].Dims), y: repeated(y, t[2].Dims), act: op.Act.Func()}
		return typed(t,
			func() (func() error, error) { return combined[float32](t, b) },
			func() (func() error, error) { return combined[int64](t, b) },
			func() (func() error, error) { return combined[int32](t, b) })
	}
}

type binary struct {
	op         *graph.Binary
	dims, x, y []int // of the output; strides of the operands, 0 where they repeat
	act        func(float64) float64
}

// repeated returns the strides of x, 0 along dims that it repeats itself in.
func repeated(x, dims []int) []int {
	s := strides(x)
	for i, d := range x {
		if d != dims[i] {
			s[i] = 0
		}
	}
	return s
}

func combined[T number](t []*Tensor, b *binary) (func() error, error) {
	return func() error {
		x, y, out := of[T](t[0]), of[T](t[1]), of[T](t[2])
		index := make([]int, len(b.dims))
		p, q := 0, 0
		for i := range out {
			out[i] = T(b.act(b.op.Type.Apply(float64(x[p]), float64(y[q]))))
			for d := range slices.Backward(index) {
				p, q = p+b.x[d], q+b.y[d]
				if index[d]++; index[d] < b.dims[d] {
					break
				}
				p, q = p-index[d]*b.x[d], q-index[d]*b.y[d]
				index[d] = 0
			}
		}
		return nil
	}, nil
}

// PReLU is the kernel of graph.PReLU: one slope, one a channel, or one an
// element of an image.
func PReLU(t []*Tensor) (func() error, error) {
	if err := want(t, model.FP32, model.FP32, model.FP32); err != nil {
		return nil, err
	}
	x, alpha, y := t[0], t[1], t[2]
	n := elems(alpha.Dims)
	span := elems(x.Dims[1:]) / n // elements in a row that share a slope
	return func() error {
		for start := 0; start < len(x.F32); start += span {
			slope := alpha.F32[start/span%n]
			for i, v := range x.F32[start : start+span] {
				if v < 0 {
					v *= slope
				}
				y.F32[start+i] = v
			}
		}
		return nil
	}, nil
}

// Reduce returns the kernel of a reduction; sums are made in float64.
func Reduce(op *graph.Reduce) Kernel {
	return func(t []*Tensor) (func() error, error) {
		x := t[0]
		kept := slices.Clone(x.Dims) // the output's dims with those reduced as 1
		for i := range kept {
			if len(op.Axes) == 0 || slices.Contains(op.Axes, i) || slices.Contains(op.Axes, i-len(kept)) {
				kept[i] = 1
			}
		}
		r := &reduction{kind: op.Type, dims: x.Dims, to: repeated(kept, x.Dims), acc: make([]float64, elems(kept)), share: float64(elems(x.Dims)) / float64(elems(kept))}
		return typed(t,
			func() (func() error, error) { return reduced[float32](t, r) },
			func() (func() error, error) { return reduced[int64](t, r) },
			func() (func() error, error) { return reduced[int32](t, r) })
	}
}

type reduction struct {
	kind     graph.ReduceKind
	dims, to []int
	acc      []float64
	share    float64
}

func (r *reduction) start() float64 {
	switch r.kind {
	case graph.ReduceMax:
		return math.Inf(-1)
	case graph.ReduceMin:
		return math.Inf(1)
	case graph.ReduceProd:
		return 1
	}
	return 0
}

func (r *reduction) join(a, b float64) float64 {
	switch r.kind {
	case graph.ReduceMax:
		return max(a, b)
	case graph.ReduceMin:
		return min(a, b)
	case graph.ReduceProd:
		return a * b
	}
	return a + b
}

func reduced[T number](t []*Tensor, r *reduction) (func() error, error) {
	index := make([]int, len(r.dims))
	return func() error {
		for i := range r.acc {
			r.acc[i] = r.start()
		}
		at := 0
		for _, v := range of[T](t[0]) {
			r.acc[at] = r.join(r.acc[at], float64(v))
			for d := range slices.Backward(index) {
				at += r.to[d]
				if index[d]++; index[d] < r.dims[d] {
					break
				}
				at -= index[d] * r.to[d]
				index[d] = 0
			}
		}
		y := of[T](t[1])
		for i, v := range r.acc {
			if r.kind == graph.ReduceMean {
				v /= r.share
			}
			y[i] = T(v)
		}
		return nil
	}, nil
}
