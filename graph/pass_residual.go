package graph

import (
	"slices"

	"github.com/octet-dnn/octet/model"
)

// fuseResidual gives a sum of two equal shapes to a convolution that computes
// one of them; the other becomes its residual. Where both are convolutions, as
// in a ResNet block with a projection, the deeper one takes it, the main branch.
func fuseResidual(r *rewriter) error {
	shapes, err := probe(r.g)
	if err != nil {
		return err
	}
	depth := depths(r.g)
	for l := range r.layers() {
		add, ok := l.Op.(*Binary)
		if !ok || add.Type != Add || l.In[0] == l.In[1] || !slices.Equal(shapes[l.In[0]], shapes[l.In[1]]) {
			continue
		}
		side := -1
		for i, v := range l.In {
			if r.takesResidual(v, l.In[1-i]) && (side < 0 || depth[v.Producer] >= depth[l.In[side].Producer]) {
				side = i
			}
		}
		if side < 0 {
			continue
		}
		conv := l.In[side].Producer
		r.setIn(conv, 3, l.In[1-side])
		conv.Op.(*Conv).Act = add.Act
		r.absorb(conv, l)
	}
	return nil
}

// takesResidual reports whether v comes from a convolution that nothing else
// reads and that may add residual. As v's only reader is the sum, residual
// cannot depend on it, and the layers can be ordered so that it comes first.
func (r *rewriter) takesResidual(v, residual *Value) bool {
	l := r.producer(v)
	if l == nil || residual.Const != nil || residual.DType != model.FP32 {
		return false
	}
	c, ok := l.Op.(*Conv)
	return ok && c.Int8 == nil && c.Act.Kind == ActNone && l.In[3] == nil
}

// depths is the length of the longest way from an input to each layer.
func depths(g *Graph) map[*Layer]int {
	depth := make(map[*Layer]int, len(g.Layers))
	for _, l := range g.Layers {
		for _, v := range l.In {
			if v != nil && v.Producer != nil {
				depth[l] = max(depth[l], depth[v.Producer]+1)
			}
		}
	}
	return depth
}
