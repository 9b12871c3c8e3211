package graph

import (
	"math"
	"slices"
)

// check refuses scales that no executor can use, for n output channels. Scales
// without a use may be anything.
func (q *Int8) check(n int, residual bool) error {
	if len(q.ScaleWeights) != 1 && len(q.ScaleWeights) != n {
		return shapeErr("%d weight scales for %d output channels", len(q.ScaleWeights), n)
	}
	used := [3]float32{q.ScaleIn, 1, 1}
	if !q.ForceFP32 {
		used[1] = q.ScaleOut
	}
	if residual {
		used[2] = q.ScaleInEltwise
	}
	for _, scales := range [][]float32{used[:], q.ScaleWeights} {
		for _, s := range scales {
			if !validScale(s) {
				return programErr("scale %v: want a positive number", s)
			}
		}
	}
	return nil
}

func validScale(s float32) bool { return s > 0 && !math.IsInf(float64(s), 1) }

// Infer checks the inner dim and the bias.
func (f *FC) Infer(in []Shape) ([]Shape, error) {
	if err := wantInputs(in, 2, 3); err != nil {
		return nil, err
	}
	x, w := in[0], in[1]
	if err := wantRank("weights", w, 2); err != nil {
		return nil, err
	}
	if f.NumColDims < 1 || f.NumColDims >= len(x) {
		return nil, shapeErr("%d column dims of an input of rank %d", f.NumColDims, len(x))
	}
	if k := prod(x[f.NumColDims:]); k != w[0] || k == 0 || w[1] == 0 {
		return nil, shapeErr("%d features in the input %v, weights %v", k, x, w)
	}
	if err := wantVector("bias", in[2], w[1]); err != nil {
		return nil, err
	}
	if f.Int8 != nil {
		if err := f.Int8.check(w[1], false); err != nil {
			return nil, err
		}
	}
	return []Shape{append(slices.Clone(x[:f.NumColDims]), w[1])}, nil
}

// Infer multiplies as numpy.matmul: leading dims broadcast, a vector is a row
// on the left and a column on the right.
func (m *MatMul) Infer(in []Shape) ([]Shape, error) {
	if err := wantInputs(in, 2, 2); err != nil {
		return nil, err
	}
	if len(in[0]) == 0 || len(in[1]) == 0 {
		return nil, shapeErr("matmul of %v and %v", in[0], in[1])
	}
	x, y := matrixOf(in[0], true, m.TransX), matrixOf(in[1], false, m.TransY)
	nx, ny := len(x), len(y)
	if x[nx-1] != y[ny-2] {
		return nil, shapeErr("inner dims of %v and %v (transposed %v, %v)", in[0], in[1], m.TransX, m.TransY)
	}
	out, err := broadcast(x[:nx-2], y[:ny-2])
	if err != nil {
		return nil, err
	}
	if len(in[0]) > 1 {
		out = append(out, x[nx-2])
	}
	if len(in[1]) > 1 {
		out = append(out, y[ny-1])
	}
	return []Shape{out}, nil
}

// matrixOf promotes a vector to a matrix, or swaps the last dims if transposed.
func matrixOf(s Shape, left, trans bool) Shape {
	switch {
	case len(s) == 1 && left:
		return Shape{1, s[0]}
	case len(s) == 1:
		return Shape{s[0], 1}
	}
	s = slices.Clone(s)
	if n := len(s); trans {
		s[n-1], s[n-2] = s[n-2], s[n-1]
	}
	return s
}

// Infer checks the inner dim.
func (m *Mul) Infer(in []Shape) ([]Shape, error) {
	if err := wantInputs(in, 2, 2); err != nil {
		return nil, err
	}
	x, y := in[0], in[1]
	if m.XCols < 1 || m.XCols >= len(x) || m.YCols < 1 || m.YCols >= len(y) {
		return nil, shapeErr("%d and %d column dims of %v and %v", m.XCols, m.YCols, x, y)
	}
	if prod(x[m.XCols:]) != prod(y[:m.YCols]) {
		return nil, shapeErr("inner dims of %v and %v, columns from %d and %d", x, y, m.XCols, m.YCols)
	}
	return []Shape{append(slices.Clone(x[:m.XCols]), y[m.YCols:]...)}, nil
}
