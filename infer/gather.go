package infer

import "unsafe"

// place points the bound memories of in at the images of a micro-batch. Where
// a step takes several images at once, and they are those of several callers,
// they go through memory of the instance's own.
func (in *instance) place(pieces []piece) {
	for b := range in.plan.bound {
		at := in.images(b)
		for _, p := range pieces {
			l := p.r.s.lane(b)
			for i := range p.n {
				at[i] = l.at(p.first + i)
			}
			at = at[p.n:]
		}
		if in.plan.rows[b] && len(pieces) > 1 {
			in.stage(b)
		}
	}
}

// images returns the pointers to the images of bound memory b.
func (in *instance) images(b int) []unsafe.Pointer {
	n := in.plan.images
	return in.ptrs[b*n : (b+1)*n]
}

// stage points bound memory b at memory of the instance's own, and copies what
// is an input there.
func (in *instance) stage(b int) {
	size, at := in.plan.imageSize(b), in.images(b)
	if in.staged[b] == nil {
		in.staged[b] = alloc(size * len(at))
	}
	for i := range at {
		own := in.staged[b][i*size : (i+1)*size]
		if b < len(in.plan.inputs) {
			copy(own, unsafe.Slice((*byte)(at[i]), size))
		}
		at[i] = unsafe.Pointer(unsafe.SliceData(own))
	}
}

// deliver copies results from staged memory to where they belong.
func (in *instance) deliver(pieces []piece) {
	for b := len(in.plan.inputs); b < in.plan.bound && len(pieces) > 1; b++ {
		if !in.plan.rows[b] {
			continue
		}
		from := in.staged[b]
		for _, p := range pieces {
			l := p.r.s.lane(b)
			n := copy(unsafe.Slice((*byte)(l.at(p.first)), p.n*l.image), from)
			from = from[n:]
		}
	}
}
