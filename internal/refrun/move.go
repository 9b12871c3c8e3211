package refrun

import (
	"slices"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/internal/ref"
)

// move computes layers that only put elements elsewhere; it reports whether the
// layer is one.
func (c *call) move() bool {
	x := c.in[0]
	switch op := c.layer.Op.(type) {
	case *graph.Transpose:
		c.out[0].Data = transpose(x, op.Perm).Data
	case *graph.ShuffleChannel:
		n, ch := x.Dims[0], x.Dims[1]
		grouped := viewed(x, n, op.Groups, ch/op.Groups, x.Dims[2]*x.Dims[3])
		c.out[0].Data = transpose(grouped, []int{0, 2, 1, 3}).Data
	case *graph.Concat:
		c.concat(op)
	case *graph.Split:
		c.split(op)
	case *graph.Slice:
		c.slice(op)
	case *graph.Pad:
		c.pad(op)
	default:
		return false
	}
	return true
}

func transpose(x *ref.Tensor, perm []int) *ref.Tensor {
	dims := make([]int, len(perm))
	for i, p := range perm {
		dims[i] = x.Dims[p]
	}
	out := ref.NewTensor(x.DType, dims...)
	at := make([]int, len(perm))
	for i, index := range ref.Indices(dims) {
		for d, p := range perm {
			at[p] = index[d]
		}
		out.Data[i] = x.Data[offset(x.Dims, at)]
	}
	return out
}

func offset(dims, index []int) int {
	at := 0
	for d, n := range dims {
		at = at*n + index[d]
	}
	return at
}

func (c *call) concat(op *graph.Concat) {
	axis := (op.Axis + len(c.in[0].Dims)) % len(c.in[0].Dims)
	start := 0
	for _, x := range c.in {
		copyBox(c.out[0], x, axis, start, 0, x.Dims)
		start += x.Dims[axis]
	}
}

func (c *call) split(op *graph.Split) {
	axis := (op.Axis + len(c.in[0].Dims)) % len(c.in[0].Dims)
	start := 0
	for _, y := range c.out {
		copyBox(y, c.in[0], axis, 0, start, y.Dims)
		start += y.Dims[axis]
	}
}

// copyBox copies a box of the given dims, shifted along one axis on either side.
func copyBox(dst, src *ref.Tensor, axis, dstAt, srcAt int, dims []int) {
	for _, index := range ref.Indices(dims) {
		to, from := slices.Clone(index), slices.Clone(index)
		to[axis] += dstAt
		from[axis] += srcAt
		dst.Data[offset(dst.Dims, to)] = src.Data[offset(src.Dims, from)]
	}
}

func (c *call) slice(op *graph.Slice) {
	x := c.in[0]
	dims, starts := slices.Clone(x.Dims), make([]int, len(x.Dims))
	for i, a := range op.Axes {
		axis := (a + len(x.Dims)) % len(x.Dims)
		starts[axis], dims[axis] = op.Range(i, x.Dims[axis])
	}
	for i, index := range ref.Indices(dims) {
		at := slices.Clone(index)
		for d := range at {
			at[d] += starts[d]
		}
		c.out[0].Data[i] = x.Data[offset(x.Dims, at)]
	}
}

func (c *call) pad(op *graph.Pad) {
	x := c.in[0]
	for i, index := range ref.Indices(c.out[0].Dims) {
		at, inside := slices.Clone(index), true
		for d := range at {
			at[d] -= op.Before[d]
			n := x.Dims[d]
			switch {
			case at[d] >= 0 && at[d] < n:
			case op.Mode == graph.PadConstant:
				inside = false
			case op.Mode == graph.PadEdge:
				at[d] = min(max(at[d], 0), n-1)
			case op.Mode == graph.PadCircular:
				at[d] = (at[d] + n) % n
			case at[d] < 0: // reflected, without repeating the border
				at[d] = -at[d]
			default:
				at[d] = 2*(n-1) - at[d]
			}
		}
		v := float64(op.Value)
		if inside {
			v = x.Data[offset(x.Dims, at)]
		}
		c.store(i, v)
	}
}
