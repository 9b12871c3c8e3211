package graph

import "slices"

// Infer joins along the axis; all other dims must be equal.
func (c *Concat) Infer(in []Shape) ([]Shape, error) {
	if len(in) == 0 {
		return nil, shapeErr("nothing to join")
	}
	if err := wantInputs(in, len(in), len(in)); err != nil {
		return nil, err
	}
	axis, err := axisOf(c.Axis, len(in[0]))
	if err != nil {
		return nil, err
	}
	out := slices.Clone(in[0])
	for i, s := range in[1:] {
		if len(s) != len(out) {
			return nil, shapeErr("input %d is %v, input 0 %v", i+1, s, in[0])
		}
		for d := range s {
			if d != axis && s[d] != out[d] {
				return nil, shapeErr("input %d is %v, input 0 %v, joined along %d", i+1, s, in[0], axis)
			}
		}
		out[axis] += s[axis]
	}
	return []Shape{out}, nil
}

// Infer cuts the axis into pieces.
func (s *Split) Infer(in []Shape) ([]Shape, error) {
	if err := wantInputs(in, 1, 1); err != nil {
		return nil, err
	}
	axis, err := axisOf(s.Axis, len(in[0]))
	if err != nil {
		return nil, err
	}
	sizes, err := s.pieces(in[0][axis])
	if err != nil {
		return nil, err
	}
	out := make([]Shape, len(sizes))
	for i, n := range sizes {
		out[i] = slices.Clone(in[0])
		out[i][axis] = n
	}
	return out, nil
}

func (s *Split) pieces(total int) ([]int, error) {
	if len(s.Sizes) == 0 {
		if s.Num < 1 || total%s.Num != 0 {
			return nil, shapeErr("%d elements in %d equal pieces", total, s.Num)
		}
		return slices.Repeat([]int{total / s.Num}, s.Num), nil
	}
	sizes, open, sum := slices.Clone(s.Sizes), -1, 0
	for i, n := range sizes {
		switch {
		case n == -1 && open < 0:
			open = i
		case n < 0 || n > total:
			return nil, shapeErr("pieces %v of %d elements", s.Sizes, total)
		default:
			sum += n
		}
	}
	if open >= 0 {
		sizes[open] = total - sum
		sum = max(sum, total)
	}
	if sum != total {
		return nil, shapeErr("pieces %v of %d elements", s.Sizes, total)
	}
	return sizes, nil
}

// Range returns the first index and the count that entry i of s takes of a dim
// of size n: negative bounds count from the end, all are clamped.
func (s *Slice) Range(i, n int) (start, count int) {
	step, least, most := s.Step(i), 0, n
	if step < 0 {
		least, most = -1, n-1
	}
	clamp := func(v int) int {
		if v < 0 {
			v += n
		}
		return min(max(v, least), most)
	}
	start = clamp(s.Starts[i])
	way := clamp(s.Ends[i]) - start
	if step < 0 {
		if s.Ends[i] < -n {
			way = -1 - start
		}
		way, step = -way, -step
	}
	return start, max((way+step-1)/step, 0)
}

// Step returns the distance of the elements that entry i of s takes.
func (s *Slice) Step(i int) int {
	if i < len(s.Strides) && s.Strides[i] != 0 {
		return s.Strides[i]
	}
	return 1
}

func (s *Slice) dataInputs() int { return 1 }

func (s *Slice) with(operands [][]int) (Op, error) {
	if len(operands) != s.StartOperands+s.EndOperands {
		return nil, shapeErr("%d shape operands instead of %d", len(operands), s.StartOperands+s.EndOperands)
	}
	resolved := *s
	if s.StartOperands > 0 {
		resolved.Starts = slices.Concat(operands[:s.StartOperands]...)
	}
	if s.EndOperands > 0 {
		resolved.Ends = slices.Concat(operands[s.StartOperands:]...)
	}
	return &resolved, nil
}

// Infer takes the ranges and drops the dims of Squeeze.
func (s *Slice) Infer(in []Shape) ([]Shape, error) {
	if err := wantInputs(in, 1, 1); err != nil {
		return nil, err
	}
	if len(s.Axes) != len(s.Starts) || len(s.Axes) != len(s.Ends) || s.Strides != nil && len(s.Axes) != len(s.Strides) {
		return nil, shapeErr("%d axes, %d starts, %d ends, %d strides", len(s.Axes), len(s.Starts), len(s.Ends), len(s.Strides))
	}
	out := slices.Clone(in[0])
	for i, a := range s.Axes {
		axis, err := axisOf(a, len(out))
		if err != nil {
			return nil, err
		}
		_, count := s.Range(i, in[0][axis])
		if count == 0 {
			return nil, shapeErr("slice [%d, %d) of dim %d of %v is empty", s.Starts[i], s.Ends[i], axis, in[0])
		}
		out[axis] = count
	}
	return dropDims(out, s.Squeeze, true)
}

// dropDims removes the axes listed; those that are not 1 are refused or, as
// squeeze does, kept. A tensor never loses its last dim here: Paddle keeps [1].
func dropDims(s Shape, axes []int, strict bool) ([]Shape, error) {
	drop := make([]bool, len(s))
	for _, a := range axes {
		axis, err := axisOf(a, len(s))
		if err != nil {
			return nil, err
		}
		if s[axis] != 1 && strict {
			return nil, shapeErr("dropping dim %d of %v", axis, s)
		}
		drop[axis] = s[axis] == 1
	}
	out := Shape{}
	for i, d := range s {
		if !drop[i] {
			out = append(out, d)
		}
	}
	if strict && len(out) == 0 {
		out = Shape{1}
	}
	return []Shape{out}, nil
}

func (r *Reshape) dataInputs() int { return 1 }

func (r *Reshape) with(operands [][]int) (Op, error) {
	return &Reshape{Mode: r.Mode, Dims: slices.Concat(operands...)}, nil
}

// Infer computes the new dims; the element count must stay.
func (r *Reshape) Infer(in []Shape) ([]Shape, error) {
	if err := wantInputs(in, 1, 1); err != nil {
		return nil, err
	}
	x := in[0]
	switch r.Mode {
	case ReshapeTo:
		return reshapeTo(x, r.Dims)
	case ReshapeSqueeze:
		return squeeze(x, r.Dims)
	case ReshapeUnsqueeze:
		return unsqueeze(x, r.Dims)
	case ReshapeFlatten:
		return flattenRange(x, r.Dims)
	case ReshapeFlatten2:
		if len(r.Dims) != 1 || r.Dims[0] < 0 || r.Dims[0] > len(x) {
			return nil, shapeErr("flattening %v at %v", x, r.Dims)
		}
		return []Shape{{prod(x[:r.Dims[0]]), prod(x[r.Dims[0]:])}}, nil
	}
	return nil, programErr("reshape mode %d", r.Mode)
}

func reshapeTo(x Shape, dims []int) ([]Shape, error) {
	out, open := make(Shape, len(dims)), -1
	for i, d := range dims {
		switch {
		case d == 0 && i < len(x):
			out[i] = x[i]
		case d > 0 && d <= maxDim:
			out[i] = d
		case d == -1 && open < 0:
			open, out[i] = i, 1
		default:
			return nil, shapeErr("reshaping %v to %v", x, dims)
		}
	}
	have, err := x.Elems()
	if err != nil {
		return nil, err
	}
	want, err := out.Elems()
	if err != nil {
		return nil, err
	}
	if open >= 0 && want > 0 && have%want == 0 {
		out[open] = have / want
		want = have
	}
	if have != want {
		return nil, shapeErr("reshaping %v to %v", x, dims)
	}
	return []Shape{out}, nil
}

func squeeze(x Shape, axes []int) ([]Shape, error) {
	if len(axes) == 0 {
		for i := range x {
			axes = append(axes, i)
		}
	}
	return dropDims(x, axes, false)
}

// unsqueeze puts dims of 1 in, axis by axis, each counted in the result so far
// as Paddle does.
func unsqueeze(x Shape, axes []int) ([]Shape, error) {
	out := slices.Clone(x)
	for _, a := range axes {
		axis, err := axisOf(a, len(out)+1)
		if err != nil {
			return nil, err
		}
		if out = slices.Insert(out, axis, 1); len(out) > maxRank {
			return nil, shapeErr("rank beyond %d for %v with %d new axes", maxRank, x, len(axes))
		}
	}
	return []Shape{out}, nil
}

func flattenRange(x Shape, dims []int) ([]Shape, error) {
	if len(dims) != 2 {
		return nil, shapeErr("flattening range %v", dims)
	}
	if len(x) == 0 {
		return []Shape{{1}}, nil
	}
	start, err := axisOf(dims[0], len(x))
	if err != nil {
		return nil, err
	}
	stop, err := axisOf(dims[1], len(x))
	if err != nil {
		return nil, err
	}
	if stop < start {
		return nil, shapeErr("flattening dims %d to %d of %v", start, stop, x)
	}
	out := append(slices.Clone(x[:start]), prod(x[start:stop+1]))
	return []Shape{append(out, x[stop+1:]...)}, nil
}

// Infer permutes; Perm must name every dim once.
func (t *Transpose) Infer(in []Shape) ([]Shape, error) {
	if err := wantInputs(in, 1, 1); err != nil {
		return nil, err
	}
	x := in[0]
	if len(t.Perm) != len(x) {
		return nil, shapeErr("permutation %v of %v", t.Perm, x)
	}
	out, seen := make(Shape, len(x)), make([]bool, len(x))
	for i, p := range t.Perm {
		if p < 0 || p >= len(x) || seen[p] {
			return nil, shapeErr("permutation %v of %v", t.Perm, x)
		}
		seen[p], out[i] = true, x[p]
	}
	return []Shape{out}, nil
}

// Infer adds the borders; a reflection needs more elements than it mirrors.
func (p *Pad) Infer(in []Shape) ([]Shape, error) {
	if err := wantInputs(in, 1, 1); err != nil {
		return nil, err
	}
	x := in[0]
	if len(p.Before) != len(x) || len(p.After) != len(x) {
		return nil, shapeErr("pads %v and %v of %v", p.Before, p.After, x)
	}
	out := slices.Clone(x)
	for i := range x {
		b, a := p.Before[i], p.After[i]
		short := p.Mode == PadReflect && max(a, b) >= x[i] || p.Mode == PadCircular && max(a, b) > x[i]
		if b < 0 || a < 0 || b > maxDim || a > maxDim || short && max(a, b) > 0 {
			return nil, shapeErr("pads %d and %d of dim %d of %v", b, a, i, x)
		}
		out[i] += b + a
	}
	return []Shape{out}, nil
}

// Infer drops the combined dims, or keeps them as 1.
func (r *Reduce) Infer(in []Shape) ([]Shape, error) {
	if err := wantInputs(in, 1, 1); err != nil {
		return nil, err
	}
	x := in[0]
	gone := make([]bool, len(x))
	for _, a := range r.Axes {
		axis, err := axisOf(a, len(x))
		if err != nil {
			return nil, err
		}
		gone[axis] = true
	}
	out := Shape{}
	for i, d := range x {
		switch {
		case !gone[i] && len(r.Axes) > 0:
			out = append(out, d)
		case r.KeepDim:
			out = append(out, 1)
		}
	}
	if len(out) == 0 && r.Rank1 {
		out = Shape{1}
	}
	return []Shape{out}, nil
}
