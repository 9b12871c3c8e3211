package graph

import (
	"slices"

	"github.com/octet-dnn/octet/model"
)

// productsAsConvs returns g with its INT8 fully connected layers written as
// convolutions whose window is the whole map, and a reshape behind them. The
// INT8 engine of Paddle (seen in 2.6.2 and 3.3.1) reads the weights of fc by
// the wrong dim when it looks for their scales: GetScales in
// compute_propagate_scales_onednn_pass.cc takes element j+i·rows where it means
// i+j·columns. Convolutions it gets right. convsAsProducts is the way back.
func productsAsConvs(g *Graph) (*Graph, error) {
	g = g.Clone()
	dims, err := declaredDims(g)
	if err != nil {
		return nil, err
	}
	r := newRewriter(g)
	written := make(map[*Value]bool)
	var layers []*Layer
	for _, l := range g.Layers {
		op, ok := l.Op.(*FC)
		x := dims[l.In[0]]
		if !ok || op.Int8 == nil || op.NumColDims != 1 || len(x) != 2 && len(x) != 4 || slices.Contains(x[1:], -1) || written[l.In[1]] {
			layers = append(layers, l)
			continue
		}
		written[l.In[1]] = true
		more, err := r.asConv(l, op, x)
		if err != nil {
			return nil, &OpError{Op: op.Kind(), Var: l.Name, Err: err}
		}
		layers = append(layers, more...)
	}
	g.Layers = layers
	return g, nil
}

// asConv returns the layers in place of the fully connected layer l over x.
func (r *rewriter) asConv(l *Layer, op *FC, x []int64) ([]*Layer, error) {
	var layers []*Layer
	in, y := l.In[0], l.Out[0]
	window := append(slices.Clone(x[1:]), 1, 1)[:3]
	reshape := func(v, out *Value, dims ...int64) {
		out.Producer = &Layer{Name: out.Name, Op: &Reshape{Dims: toShape(dims)}, In: []*Value{v}, Out: []*Value{out}}
		layers = append(layers, out.Producer)
	}
	if len(x) == 2 {
		flat := in
		in = &Value{Name: r.freshName(y.Name + "@in"), DType: flat.DType}
		reshape(flat, in, 0, window[0], 1, 1)
	}
	w, err := turned(l.In[1], op.Int8.ScaleWeights, window)
	if err != nil {
		return nil, err
	}
	column := &Value{Name: r.freshName(y.Name + "@map"), DType: y.DType, Producer: l}
	conv := &Conv{Strides: [2]int{1, 1}, Dilations: [2]int{1, 1}, Groups: 1, Act: op.Act, Int8: op.Int8}
	l.Name, l.Op, l.In, l.Out = column.Name, conv, []*Value{in, w, l.In[2], nil}, []*Value{column}
	layers = append(layers, l)
	reshape(column, y, 0, w.Dims[0])
	return layers, nil
}

// turned is the s8 weights w [K, N] as a filter of N windows.
func turned(w *Value, scales []float32, window []int64) (*Value, error) {
	q, err := QuantizeWeights(w.Const, scales, 1)
	if err != nil {
		return nil, err
	}
	n := w.Dims[1]
	dims := append([]int64{n}, window...)
	t := &model.Tensor{DType: model.Int8, Dims: dims, Data: int8Bytes(transposedInts(q, int(n)))}
	return &Value{Name: w.Name, DType: model.Int8, Dims: dims, Const: t}, nil
}

// transposedInts transposes a matrix of n columns.
func transposedInts(q []int8, n int) []int8 {
	rows := len(q) / n
	t := make([]int8, len(q))
	for i := range rows {
		for j, v := range q[i*n : i*n+n] {
			t[j*rows+i] = v
		}
	}
	return t
}

// convsAsProducts makes INT8 convolutions with one window, the whole map, fully
// connected layers, where a reshape to a matrix follows.
func convsAsProducts(r *rewriter) error {
	for _, v := range r.g.Inputs {
		if len(v.Dims) > 0 && slices.Contains(v.Dims[1:], -1) {
			return nil // another size may have more windows
		}
	}
	shapes, err := probe(r.g)
	if err != nil {
		return err
	}
	for l := range r.layers() {
		if conv := r.wholeMap(l, shapes); conv != nil {
			if err := r.asProduct(l, conv, shapes); err != nil {
				return &OpError{Op: conv.Op.Kind(), Var: conv.Name, Err: err}
			}
		}
	}
	return nil
}

// wholeMap returns the convolution in front of the reshape l, if it is one that
// a fully connected layer can replace.
func (r *rewriter) wholeMap(l *Layer, shapes map[*Value]Shape) *Layer {
	if _, ok := l.Op.(*Reshape); !ok {
		return nil
	}
	p := r.producer(l.In[0])
	if p == nil {
		return nil
	}
	c, ok := p.Op.(*Conv)
	if !ok || c.Int8 == nil || p.In[1].DType != model.Int8 || p.In[3] != nil || c.Groups != 1 || c.Pads != [4]int{} || c.PadMode == PadSame {
		return nil
	}
	x, filter, y := shapes[p.In[0]], shapes[p.In[1]], shapes[l.Out[0]]
	if !slices.Equal(x[1:], filter[1:]) || !slices.Equal(y, Shape{x[0], filter[0]}) ||
		!c.Int8.ForceFP32 && !GivesIntegers(&FC{Act: c.Act}) {
		return nil
	}
	return p
}

func (r *rewriter) asProduct(reshape, p *Layer, shapes map[*Value]Shape) error {
	c, w, x := p.Op.(*Conv), p.In[1], p.In[0]
	q, err := int8sOf(w.Const)
	if err != nil {
		return err
	}
	if before := r.producer(x); before != nil {
		if _, ok := before.Op.(*Reshape); ok && len(shapes[before.In[0]]) == 2 {
			x = before.In[0]
			r.remove(before)
		}
	}
	n := w.Dims[0]
	dims := []int64{int64(len(q)) / n, n}
	t := &model.Tensor{DType: model.Int8, Dims: dims, Data: int8Bytes(transposedInts(q, int(dims[0])))}
	turned := &Value{Name: r.newName(w, "_turned"), DType: model.Int8, Dims: dims, Const: t}
	r.replace(p, &FC{NumColDims: 1, Act: c.Act, Int8: c.Int8}, x, turned, p.In[2])
	r.absorb(p, reshape)
	return nil
}
