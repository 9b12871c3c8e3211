package hostop

import (
	"slices"

	"github.com/octet-dnn/octet/graph"
)

// Layers that only put elements elsewhere, of any type.

func copyAll(t []*Tensor) (func() error, error) {
	x, y := t[0], t[len(t)-1]
	return func() error { copy(y.Data, x.Data); return nil }, nil
}

// A place says where the elements of a box lie in a tensor: the first, and how
// far apart they are along each dim, in elements.
type place struct {
	first   int
	strides []int
}

func placeOf(t *Tensor) place { return place{strides: strides(t.Dims)} }

func strides(dims []int) []int {
	s := make([]int, len(dims))
	n := 1
	for i, d := range slices.Backward(dims) {
		s[i] = n
		n *= d
	}
	return s
}

// from shifts p by n along a dim.
func (p place) from(dim, n int) place {
	p.first += n * p.strides[dim]
	return p
}

// A move copies a box of elements.
type move struct {
	dst, src *Tensor
	to, from place
	dims     []int
}

func (m *move) run() {
	m.copyBox(m.dims, m.to.strides, m.from.strides, m.to.first, m.from.first, m.dst.DType.Size())
}

// copyBox copies runs along the last dim where both sides are dense there.
func (m *move) copyBox(dims, ds, ss []int, d, s, size int) {
	switch {
	case len(dims) == 0:
		copy(m.dst.Data[d*size:][:size], m.src.Data[s*size:][:size])
	case len(dims) == 1 && ds[0] == 1 && ss[0] == 1:
		copy(m.dst.Data[d*size:][:dims[0]*size], m.src.Data[s*size:][:dims[0]*size])
	default:
		for i := range dims[0] {
			m.copyBox(dims[1:], ds[1:], ss[1:], d+i*ds[0], s+i*ss[0], size)
		}
	}
}

func moving(moves []move) (func() error, error) {
	return func() error {
		for i := range moves {
			moves[i].run()
		}
		return nil
	}, nil
}

func axisOf(axis, rank int) int {
	if axis < 0 {
		return axis + rank
	}
	return axis
}

func concat(op *graph.Concat) Kernel {
	return func(t []*Tensor) (func() error, error) {
		y := t[len(t)-1]
		axis, to := axisOf(op.Axis, len(y.Dims)), placeOf(y)
		var moves []move
		for _, x := range t[:len(t)-1] {
			moves = append(moves, move{y, x, to, placeOf(x), x.Dims})
			to = to.from(axis, x.Dims[axis])
		}
		return moving(moves)
	}
}

func split(op *graph.Split) Kernel {
	return func(t []*Tensor) (func() error, error) {
		x := t[0]
		axis, from := axisOf(op.Axis, len(x.Dims)), placeOf(x)
		var moves []move
		for _, y := range t[1:] {
			moves = append(moves, move{y, x, placeOf(y), from, y.Dims})
			from = from.from(axis, y.Dims[axis])
		}
		return moving(moves)
	}
}

func slice(op *graph.Slice) Kernel {
	return func(t []*Tensor) (func() error, error) {
		x, y := t[0], t[1]
		dims, from := slices.Clone(x.Dims), placeOf(x)
		for i, a := range op.Axes {
			axis := axisOf(a, len(dims))
			start, count := op.Range(i, x.Dims[axis])
			from = from.from(axis, start)
			from.strides[axis] *= op.Step(i)
			dims[axis] = count
		}
		return moving([]move{{y, x, place{strides: strides(dims)}, from, dims}})
	}
}

func transpose(op *graph.Transpose) Kernel {
	return func(t []*Tensor) (func() error, error) {
		x, y := t[0], t[1]
		have, from := strides(x.Dims), place{}
		for _, p := range op.Perm {
			from.strides = append(from.strides, have[p])
		}
		return moving([]move{{y, x, placeOf(y), from, y.Dims}})
	}
}

// expand repeats x: along every dim, y's index is taken modulo x's size.
func expand(t []*Tensor) (func() error, error) {
	x, y := t[0], t[1]
	small := slices.Concat(slices.Repeat([]int{1}, len(y.Dims)-len(x.Dims)), x.Dims)
	times := make([]int, len(small))
	for i, d := range small {
		times[i] = y.Dims[i] / d
	}
	var moves []move
	for n := range elems(times) {
		to := placeOf(y)
		for i, d := range slices.Backward(times) {
			to = to.from(i, n%d*small[i])
			n /= d
		}
		moves = append(moves, move{y, x, to, place{strides: strides(small)}, small})
	}
	return moving(moves)
}
