package graph

import "slices"

// removeIdentities drops layers that copy: assign, dropout at inference, and
// the scale of 1 that Paddle puts in front of every fetch.
func removeIdentities(r *rewriter) error {
	for l := range r.layers() {
		if copies(l) {
			r.bypass(l, l.In[0])
		}
	}
	return nil
}

func copies(l *Layer) bool {
	switch op := l.Op.(type) {
	case *Identity:
		return true
	case *Cast:
		return op.To == l.In[0].DType
	case *Act:
		return op.Activation.Kind == ActNone || op.Activation == Activation{Kind: ActLinear, Alpha: 1}
	}
	return false
}

// cancelTransposes drops a transposition behind its inverse, which channels-last
// programs have between any two convolutions.
func cancelTransposes(r *rewriter) error {
	for l := range r.layers() {
		outer, ok := l.Op.(*Transpose)
		if !ok || l.In[0].Producer == nil {
			continue
		}
		inner, ok := l.In[0].Producer.Op.(*Transpose)
		if ok && inverse(outer.Perm, inner.Perm) {
			r.bypass(l, l.In[0].Producer.In[0])
		}
	}
	return nil
}

func inverse(outer, inner []int) bool {
	return len(outer) == len(inner) && !slices.ContainsFunc(outer, func(p int) bool {
		return p < 0 || p >= len(inner) || inner[p] != slices.Index(outer, p)
	})
}
