package graph

import "slices"

// rowsOf checks that label holds one index for each row of p.
func rowsOf(p, label Shape) error {
	if len(p) != 2 || len(label) != 2 || label[0] != p[0] || label[1] != 1 {
		return shapeErr("labels %v for rows of %v", label, p)
	}
	return nil
}

// Infer checks that there is a label for each row.
func (*CrossEntropy) Infer(in []Shape) ([]Shape, error) {
	if err := wantInputs(in, 2, 2); err != nil {
		return nil, err
	}
	if err := rowsOf(in[0], in[1]); err != nil {
		return nil, err
	}
	return []Shape{{in[0][0], 1}}, nil
}

// Infer checks that there is a label for each row.
func (s *SoftmaxCrossEntropy) Infer(in []Shape) ([]Shape, error) {
	if err := wantInputs(in, 2, 2); err != nil {
		return nil, err
	}
	if err := rowsOf(in[0], in[1]); err != nil {
		return nil, err
	}
	if axis, err := axisOf(s.Axis, 2); err != nil || axis != 1 {
		return nil, shapeErr("axis %d of %v", s.Axis, in[0])
	}
	return []Shape{slices.Clone(in[0]), {in[0][0], 1}}, nil
}

// Infer checks that the axis holds K elements.
func (t *TopK) Infer(in []Shape) ([]Shape, error) {
	if err := wantInputs(in, 1, 1); err != nil {
		return nil, err
	}
	axis, err := axisOf(t.Axis, len(in[0]))
	if err != nil {
		return nil, err
	}
	if t.K < 1 || t.K > in[0][axis] {
		return nil, shapeErr("the top %d of %d in %v", t.K, in[0][axis], in[0])
	}
	out := slices.Clone(in[0])
	out[axis] = t.K
	return []Shape{out, slices.Clone(out)}, nil
}

// Infer drops the axis, or keeps it as 1.
func (a *ArgMax) Infer(in []Shape) ([]Shape, error) {
	if err := wantInputs(in, 1, 1); err != nil {
		return nil, err
	}
	axis, err := axisOf(a.Axis, len(in[0]))
	if err != nil {
		return nil, err
	}
	if in[0][axis] == 0 {
		return nil, shapeErr("largest element of an empty axis of %v", in[0])
	}
	out := slices.Delete(slices.Clone(in[0]), axis, axis+1)
	if a.KeepDim {
		out = slices.Insert(out, axis, 1)
	}
	return []Shape{out}, nil
}

// Infer checks that values, indices and labels have the same rows.
func (a *Accuracy) Infer(in []Shape) ([]Shape, error) {
	if err := wantInputs(in, 3, 3); err != nil {
		return nil, err
	}
	if !slices.Equal(in[0], in[1]) {
		return nil, shapeErr("values %v, indices %v", in[0], in[1])
	}
	if err := rowsOf(in[1], in[2]); err != nil {
		return nil, err
	}
	if a.Scalar {
		return []Shape{{}, {}, {}}, nil
	}
	return []Shape{{1}, {1}, {1}}, nil
}
