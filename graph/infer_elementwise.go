package graph

import "slices"

// same is Infer for an op of one input whose output has its shape.
func same(in []Shape) ([]Shape, error) {
	if err := wantInputs(in, 1, 1); err != nil {
		return nil, err
	}
	return []Shape{slices.Clone(in[0])}, nil
}

// Infer returns the input's shape.
func (*Act) Infer(in []Shape) ([]Shape, error) { return same(in) }

// Infer returns the input's shape.
func (*Cast) Infer(in []Shape) ([]Shape, error) { return same(in) }

// Infer returns the input's shape.
func (*Identity) Infer(in []Shape) ([]Shape, error) { return same(in) }

// Infer checks the scale.
func (q *Quantize) Infer(in []Shape) ([]Shape, error) { return scaled(in, q.Scale) }

// Infer checks the scale.
func (d *Dequantize) Infer(in []Shape) ([]Shape, error) { return scaled(in, d.Scale) }

// Infer checks the scales.
func (r *Requantize) Infer(in []Shape) ([]Shape, error) { return scaled(in, r.ScaleIn, r.ScaleOut) }

func scaled(in []Shape, scales ...float32) ([]Shape, error) {
	for _, s := range scales {
		if !validScale(s) {
			return nil, programErr("scale %v: want a positive number", s)
		}
	}
	return same(in)
}

// Infer checks that the scale, bias, mean and variance are vectors of dim 1.
func (*BatchNorm) Infer(in []Shape) ([]Shape, error) {
	if err := wantInputs(in, 5, 5); err != nil {
		return nil, err
	}
	x := in[0]
	if len(x) < 2 {
		return nil, shapeErr("batch normalisation of rank %d", len(x))
	}
	for i, what := range []string{"scale", "bias", "mean", "variance"} {
		if err := wantVector(what, in[1+i], x[1]); err != nil {
			return nil, err
		}
	}
	return []Shape{slices.Clone(x)}, nil
}

// Infer checks that scale and bias hold one number for each normalised element.
func (l *LayerNorm) Infer(in []Shape) ([]Shape, error) {
	if err := wantInputs(in, 1, 3); err != nil {
		return nil, err
	}
	x := in[0]
	if l.Begin < 1 || l.Begin >= len(x) {
		return nil, shapeErr("layer normalisation from dim %d of %v", l.Begin, x)
	}
	n := prod(x[l.Begin:])
	for i, what := range []string{"scale", "bias"} {
		if err := wantVector(what, in[1+i], n); err != nil {
			return nil, err
		}
	}
	return []Shape{slices.Clone(x)}, nil
}

// Infer checks the rank and the window over channels.
func (l *LRN) Infer(in []Shape) ([]Shape, error) {
	if err := wantInputs(in, 1, 1); err != nil {
		return nil, err
	}
	if err := wantRank("input", in[0], 4); err != nil {
		return nil, err
	}
	if l.Size < 1 || l.Size > maxDim {
		return nil, shapeErr("window of %d channels", l.Size)
	}
	return same(in)
}

// Infer checks the axis.
func (s *Softmax) Infer(in []Shape) ([]Shape, error) {
	if err := wantInputs(in, 1, 1); err != nil {
		return nil, err
	}
	if _, err := axisOf(s.Axis, len(in[0])); err != nil {
		return nil, err
	}
	return same(in)
}

// Infer checks how many slopes there are.
func (*PReLU) Infer(in []Shape) ([]Shape, error) {
	if err := wantInputs(in, 2, 2); err != nil {
		return nil, err
	}
	x, n := in[0], prod(in[1])
	if len(x) < 2 || n != 1 && n != x[1] && n != prod(x[1:]) {
		return nil, shapeErr("%d slopes for %v", n, x)
	}
	return []Shape{slices.Clone(x)}, nil
}

// Infer broadcasts by Align.
func (b *Binary) Infer(in []Shape) ([]Shape, error) {
	if err := wantInputs(in, 2, 2); err != nil {
		return nil, err
	}
	x, y, err := b.Align(in[0], in[1])
	if err != nil {
		return nil, err
	}
	out, err := broadcast(x, y)
	if err != nil {
		return nil, err
	}
	return []Shape{out}, nil
}

// Align returns x and y with dims of 1 put in so that both have the same rank
// and broadcast as numpy does.
func (b *Binary) Align(x, y Shape) (ax, ay Shape, err error) {
	axis := b.Axis
	if axis < -1 {
		return nil, nil, shapeErr("broadcast axis %d", axis)
	}
	switch {
	case axis >= 0 && len(x) >= len(y):
		ay, err = alignAt(axis, x, y)
		return x, ay, err
	case axis >= 0:
		ax, err = alignAt(axis, y, x)
		return ax, y, err
	}
	rank := max(len(x), len(y))
	return padLeft(x, rank), padLeft(y, rank), nil
}

// alignAt spreads small over the rank of large from dim axis on; 1s at its end
// that do not fit are dropped.
func alignAt(axis int, large, small Shape) (Shape, error) {
	if axis > len(large) {
		return nil, shapeErr("broadcast axis %d of %v", axis, large)
	}
	s := small
	for len(s) > 0 && len(s)+axis > len(large) && s[len(s)-1] == 1 {
		s = s[:len(s)-1]
	}
	if axis+len(s) > len(large) {
		return nil, shapeErr("%v does not fit into %v at axis %d", small, large, axis)
	}
	out := make(Shape, len(large))
	for i := range out {
		out[i] = 1
	}
	copy(out[axis:], s)
	return out, nil
}

func padLeft(s Shape, rank int) Shape {
	out := make(Shape, rank)
	for i := range out {
		out[i] = 1
	}
	copy(out[rank-len(s):], s)
	return out
}

// broadcast joins two shapes by numpy's rule.
func broadcast(x, y Shape) (Shape, error) {
	rank := max(len(x), len(y))
	x, y = padLeft(x, rank), padLeft(y, rank)
	out := make(Shape, rank)
	for i := range out {
		switch {
		case x[i] == y[i] || y[i] == 1:
			out[i] = x[i]
		case x[i] == 1:
			out[i] = y[i]
		default:
			return nil, shapeErr("%v and %v do not broadcast at dim %d", x, y, i)
		}
	}
	return out, nil
}
