package graph

import "slices"

// makeFC turns products with a constant matrix into fully connected layers and
// drops the flattening in front of them, which they do themselves.
func makeFC(r *rewriter) error {
	shapes, err := probe(r.g)
	if err != nil {
		return err
	}
	for l := range r.layers() {
		r.toFC(l, shapes)
		r.dropFlatten(l, shapes)
	}
	return nil
}

func (r *rewriter) toFC(l *Layer, shapes map[*Value]Shape) {
	if len(l.In) < 2 || !isParam(l.In[1]) || len(l.In[1].Dims) != 2 {
		return
	}
	x, w := l.In[0], l.In[1]
	switch op := l.Op.(type) {
	case *Mul:
		if op.YCols == 1 {
			r.replace(l, &FC{NumColDims: op.XCols}, x, w, nil)
		}
	case *MatMul:
		if op.TransX || len(shapes[x]) < 2 {
			return
		}
		if op.TransY {
			w = transposed(r.newName(w, "_transposed"), w, []int{1, 0})
		}
		if op.Alpha != 1 {
			w = r.scaled(w, "_scaled", float64(op.Alpha))
		}
		r.replace(l, &FC{NumColDims: len(shapes[x]) - 1}, x, w, nil)
	}
}

// dropFlatten skips a reshape of [N, ...] to [N, K].
func (r *rewriter) dropFlatten(l *Layer, shapes map[*Value]Shape) {
	fc, ok := l.Op.(*FC)
	before := r.producer(l.In[0])
	if !ok || fc.NumColDims != 1 || before == nil {
		return
	}
	if _, ok := before.Op.(*Reshape); !ok {
		return
	}
	from, to := shapes[before.In[0]], shapes[l.In[0]]
	if len(from) >= 2 && len(to) == 2 && slices.Equal(from[:1], to[:1]) {
		r.bypass(before, before.In[0])
	}
}
