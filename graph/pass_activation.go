package graph

// fuseActivation moves activations into the convolution, fully connected layer,
// normalisation or elementwise operation in front of them.
func fuseActivation(r *rewriter) error {
	for l := range r.layers() {
		a, ok := l.Op.(*Act)
		if !ok || !fusible(a.Activation.Kind) {
			continue
		}
		before := r.producer(l.In[0])
		if slot := activationSlot(before); slot != nil {
			*slot = a.Activation
			r.absorb(before, l)
		}
	}
	return nil
}

// fusible leaves out the kinds that are arithmetic rather than activations:
// nothing is gained by hiding them in a convolution.
func fusible(k ActKind) bool {
	switch k {
	case ActLinear, ActPow, ActExp, ActSqrt, ActSquare, ActAbs:
		return false
	}
	return true
}

// activationSlot is where l takes an activation, or nil if it takes none (any more).
func activationSlot(l *Layer) *Activation {
	if l == nil {
		return nil
	}
	var slot *Activation
	switch op := l.Op.(type) {
	case *Binary:
		slot = &op.Act
	case *BatchNorm:
		slot = &op.Act
	}
	if slot != nil {
		if slot.Kind == ActNone {
			return slot
		}
		return nil
	}
	w := asWeighted(l)
	if w == nil || w.act.Kind != ActNone || w.int8 != nil && !w.int8.ForceFP32 {
		return nil
	}
	return w.act
}
