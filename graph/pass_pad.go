package graph

import "slices"

// flattenPads turns unsqueeze, 5-d pad, squeeze, which is how Paddle 2.x pads
// images, into one 4-d pad.
func flattenPads(r *rewriter) error {
	for l := range r.layers() {
		pad, ok := l.Op.(*Pad)
		if !ok || !r.private(l.Out[0]) {
			continue
		}
		before, after := r.producer(l.In[0]), r.uses[l.Out[0]][0].Layer
		axis := axisAdded(before)
		if axis < 0 || axis >= len(pad.Before) || !removesAxis(after, axis) {
			continue
		}
		if pad.Before[axis] != 0 || pad.After[axis] != 0 {
			continue
		}
		flat := *pad
		flat.Before = slices.Delete(slices.Clone(pad.Before), axis, axis+1)
		flat.After = slices.Delete(slices.Clone(pad.After), axis, axis+1)
		x := before.In[0]
		r.remove(before)
		r.replace(l, &flat, x)
		r.absorb(l, after)
	}
	return nil
}

// axisAdded is the one axis that an unsqueeze puts in, or -1.
func axisAdded(l *Layer) int {
	if l == nil {
		return -1
	}
	if op, ok := l.Op.(*Reshape); ok && op.Mode == ReshapeUnsqueeze && len(op.Dims) == 1 && op.Dims[0] >= 0 {
		return op.Dims[0]
	}
	return -1
}

func removesAxis(l *Layer, axis int) bool {
	op, ok := l.Op.(*Reshape)
	return ok && op.Mode == ReshapeSqueeze && slices.Equal(op.Dims, []int{axis})
}
