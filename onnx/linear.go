package onnx

import (
	"slices"

	"github.com/octet-dnn/octet/graph"
)

// fc writes a product of matrices, or of what is flattened to one.
func (e *exporter) fc(l *graph.Layer, op *graph.FC) error {
	w, err := e.in(l.In[1])
	if err != nil {
		return err
	}
	bias, err := e.bias(l, l.In[2])
	if err != nil {
		return err
	}
	y, i := l.Out[0], e.infoOf(l.Out[0])
	var sum string
	if rank := e.rank(l.In[0]); op.NumColDims > 1 && op.NumColDims == rank-1 {
		x, err := e.in(l.In[0])
		if err != nil {
			return err
		}
		sum = e.step(y, "MatMul", i, []string{x, w})
		if bias != "" {
			sum = e.step(y, "Add", i, []string{sum, bias})
		}
	} else {
		x, err := e.flatten(l.In[0], op.NumColDims)
		if err != nil {
			return err
		}
		flat := e.infoOf(l.In[0]).flat(op.NumColDims)
		flat.dims[1] = i.dims[len(i.dims)-1]
		sum = e.step(y, "Gemm", flat, []string{x, w, bias})
		if op.NumColDims > 1 {
			if sum, err = e.reshape(y, sum, l.In[0], y, -1); err != nil {
				return err
			}
		}
	}
	e.give(e.act(y, op.Act, sum, i), y)
	return nil
}

// flatten makes v a matrix. Reals that are dequantised are flattened as
// integers, so that the conversion stays beside the product.
func (e *exporter) flatten(v *graph.Value, axis int) (string, error) {
	i := e.infoOf(v)
	if len(i.dims) == 2 && axis == 1 {
		return e.in(v)
	}
	if v.Producer != nil {
		if op, ok := v.Producer.Op.(*graph.Dequantize); ok {
			q := v.Producer.In[0]
			flat := e.step(v, "Flatten", i.as(q.DType).flat(axis), []string{q.Name}, intAttr("axis", axis))
			return e.step(v, "DequantizeLinear", i.flat(axis), append([]string{flat}, e.scaleOf(q, op.Scale)...)), nil
		}
	}
	x, err := e.in(v)
	return e.step(v, "Flatten", i.flat(axis), []string{x}, intAttr("axis", axis)), err
}

// reshape gives x, which has the elements of from, the dims of to. Dims that are
// open can be those of from at the same place, if x still has them: those below
// keep. One other may be left to ONNX.
func (e *exporter) reshape(v *graph.Value, x string, from, to *graph.Value, keep int) (string, error) {
	a, b := e.shapes(from)
	s, t := e.shapes(to)
	dims, open := slices.Clone(s), 0
	for i := range dims {
		switch {
		case s[i] == t[i]:
		case i < keep && i < len(a) && a[i] == s[i] && b[i] == t[i]:
			dims[i] = 0
		default:
			dims[i] = -1
			open++
		}
	}
	if open > 1 {
		return "", refuse("more than one open dim of %q", to.Name)
	}
	return e.step(v, "Reshape", e.infoOf(to).as(from.DType), []string{x, e.list(dims...)}), nil
}

func (e *exporter) matMul(l *graph.Layer, op *graph.MatMul) error {
	in, err := e.ins(l.In...)
	if err != nil {
		return err
	}
	y := l.Out[0]
	for i, turn := range []bool{op.TransX, op.TransY} {
		if rank := e.rank(l.In[i]); turn && rank > 1 {
			in[i] = e.swapLast(l.In[i], in[i], rank)
		}
	}
	product := e.step(y, "MatMul", e.infoOf(y), in)
	if op.Alpha != 1 {
		product = e.step(y, "Mul", e.infoOf(y), []string{product, e.number(op.Alpha)})
	}
	e.give(product, y)
	return nil
}

// swapLast transposes the last two dims.
func (e *exporter) swapLast(v *graph.Value, x string, rank int) string {
	perm, i := make([]int, rank), e.infoOf(v)
	for d := range perm {
		perm[d] = d
	}
	perm[rank-1], perm[rank-2] = rank-2, rank-1
	i.dims[rank-1], i.dims[rank-2] = i.dims[rank-2], i.dims[rank-1]
	i.batch = i.batch && rank > 2
	return e.step(v, "Transpose", i, []string{x}, intsAttr("perm", perm...))
}

// mul writes Paddle's mul: both sides are flattened.
func (e *exporter) mul(l *graph.Layer, op *graph.Mul) error {
	x, err := e.flatten(l.In[0], op.XCols)
	if err != nil {
		return err
	}
	w, err := e.flatten(l.In[1], op.YCols)
	if err != nil {
		return err
	}
	y := l.Out[0]
	left, right := e.infoOf(l.In[0]).flat(op.XCols), e.infoOf(l.In[1]).flat(op.YCols)
	product := e.step(y, "MatMul", info{y.DType, []int64{left.dims[0], right.dims[1]}, left.batch}, []string{x, w})
	if op.XCols > 1 || e.rank(l.In[1]) != 2 {
		if product, err = e.reshape(y, product, l.In[0], y, -1); err != nil {
			return err
		}
	}
	e.give(product, y)
	return nil
}
