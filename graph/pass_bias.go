package graph

// A weighted is a layer with weights, a bias and an activation, seen alike:
// Conv, Deconv or FC.
type weighted struct {
	layer    *Layer
	act      *Activation
	channels int // of the output
	axis     int // the output's channel dim, from the end
	int8     *Int8
	biasAt   int // index of the bias in layer.In
}

// asWeighted returns nil if l has no weights, or computed ones.
func asWeighted(l *Layer) *weighted {
	if l == nil || len(l.In) < 3 || l.In[2] != nil && !isParam(l.In[2]) {
		return nil
	}
	if q, _ := int8Of(l); !isParam(l.In[1]) && (q == nil || l.In[1].Const == nil) {
		return nil
	}
	switch op := l.Op.(type) {
	case *Conv:
		return &weighted{l, &op.Act, int(l.In[1].Dims[0]), 3, op.Int8, 2}
	case *Deconv:
		return &weighted{l, &op.Act, int(l.In[1].Dims[1]) * op.Groups, 3, nil, 2}
	case *FC:
		return &weighted{l, &op.Act, int(l.In[1].Dims[1]), 1, op.Int8, 2}
	}
	return nil
}

// open reports whether something linear may still be fused behind w: no
// activation or residual follows, and the result is not quantised.
func (w *weighted) open() bool {
	if w == nil || w.act.Kind != ActNone || w.int8 != nil && !w.int8.ForceFP32 {
		return false
	}
	return len(w.layer.In) < 4 || w.layer.In[3] == nil
}

// fuseBias adds a constant with one number a channel to the bias in front of it.
func fuseBias(r *rewriter) error {
	shapes, err := probe(r.g)
	if err != nil {
		return err
	}
	for l := range r.layers() {
		add, ok := l.Op.(*Binary)
		if !ok || add.Type != Add || add.Act.Kind != ActNone {
			continue
		}
		for side := range 2 {
			w, c := asWeighted(r.producer(l.In[side])), l.In[1-side]
			if !w.open() || !isParam(c) {
				continue
			}
			if x, y, err := add.Align(shapes[l.In[0]], shapes[l.In[1]]); err == nil && w.fits([2]Shape{x, y}[1-side], len(shapes[l.In[side]])) {
				r.addBias(w, c)
				r.absorb(w.layer, l)
				break
			}
		}
	}
	return nil
}

// fits reports whether an aligned operand has one number a channel, or one for
// all, of an output of the given rank.
func (w *weighted) fits(c Shape, rank int) bool {
	if len(c) != rank {
		return false
	}
	for i, d := range c {
		if d != 1 && (i != rank-w.axis || d != w.channels) {
			return false
		}
	}
	return true
}

// addBias adds the elements of c to w's bias.
func (r *rewriter) addBias(w *weighted, c *Value) {
	data, old := c.Const.Float32s(), w.layer.In[w.biasAt]
	if old == nil && len(data) == w.channels {
		r.setBias(w, reshaped(r.newName(c, "_bias"), c, []int64{int64(w.channels)}))
		return
	}
	sum := make([]float32, w.channels)
	for i := range sum {
		sum[i] = data[i%len(data)]
		if old != nil {
			sum[i] += old.Const.Float32s()[i]
		}
	}
	r.setBias(w, floatConst(r.newName(c, "_bias"), sum, int64(w.channels)))
}

func (r *rewriter) setBias(w *weighted, b *Value) { r.setIn(w.layer, w.biasAt, b) }
