package graph

import "slices"

// fuseLRN recognises what Paddle 2.x's local_response_norm writes:
//
//	x / (alpha·avg(x², over n channels) + k)^beta
//
// with the average spelled as a pad and a 3-d pooling of the channels seen as
// depth. Paddle's lrn op, and LRN, sum instead of averaging.
func fuseLRN(r *rewriter) error {
	shapes, err := probe(r.g)
	if err != nil {
		return err
	}
	for l := range r.layers() {
		div, ok := l.Op.(*Binary)
		if !ok || div.Type != Div || div.Act.Kind != ActNone || div.Axis != -1 {
			continue
		}
		if op, chain := r.matchLRN(l, shapes); op != nil {
			x := l.In[0]
			for _, part := range chain {
				r.remove(part)
			}
			r.replace(l, op, x)
		}
	}
	return nil
}

// matchLRN walks up from the division and returns the normalisation with the
// layers that it replaces, or nil.
func (r *rewriter) matchLRN(div *Layer, shapes map[*Value]Shape) (*LRN, []*Layer) {
	x := div.In[0]
	if len(shapes[x]) != 4 {
		return nil, nil
	}
	w := &walker{r: r, at: div.In[1]}
	pow := w.act(ActPow)
	linear := w.act(ActLinear)
	w.reshapes()
	avg, _ := w.step().(*channelAvg)
	pad, _ := w.step().(*Pad)
	if pow == nil || linear == nil || avg == nil || pad == nil || !padsChannels(pad, avg.Size) {
		return nil, nil
	}
	depth := shapes[w.chain[len(w.chain)-1].In[0]]
	s := shapes[x]
	if !slices.Equal(depth, Shape{s[0], 1, s[1], s[2], s[3]}) || !slices.Equal(shapes[linear.In[0]], s) {
		return nil, nil
	}
	w.reshapes()
	square := r.producer(w.at)
	if square == nil || !squares(square, x) {
		return nil, nil
	}
	a := linear.Op.(*Act)
	return &LRN{
		Size:  avg.Size,
		Alpha: a.Alpha / float32(avg.Size),
		Beta:  pow.Op.(*Act).Alpha,
		K:     a.Beta,
	}, append(w.chain, square)
}

// squares reports whether l computes x².
func squares(l *Layer, x *Value) bool {
	switch op := l.Op.(type) {
	case *Act:
		return op.Activation.Kind == ActSquare && l.In[0] == x
	case *Binary:
		return op.Type == MulElem && op.Act.Kind == ActNone && l.In[0] == x && l.In[1] == x
	}
	return false
}

// padsChannels reports whether p centres a window of n (odd) on dim 2 of 5.
func padsChannels(p *Pad, n int) bool {
	side := []int{0, 0, n / 2, 0, 0}
	return p.Mode == PadConstant && p.Value == 0 && n%2 == 1 &&
		slices.Equal(p.Before, side) && slices.Equal(p.After, side)
}

// A walker follows a chain of layers upwards, each the only reader of the next.
type walker struct {
	r     *rewriter
	at    *Value
	chain []*Layer
}

// step goes one layer up and returns its op, or nil at the end of the chain.
func (w *walker) step() Op {
	l := w.r.producer(w.at)
	if l == nil || len(l.In) != 1 {
		w.at = nil
		return nil
	}
	w.chain = append(w.chain, l)
	w.at = l.In[0]
	return l.Op
}

// act steps over an activation of a kind.
func (w *walker) act(kind ActKind) *Layer {
	if a, ok := w.step().(*Act); ok && a.Activation.Kind == kind {
		return w.chain[len(w.chain)-1]
	}
	return nil
}

// reshapes steps over any number of reshapes.
func (w *walker) reshapes() {
	for {
		l := w.r.producer(w.at)
		if l == nil {
			return
		}
		if _, ok := l.Op.(*Reshape); !ok {
			return
		}
		w.step()
	}
}
