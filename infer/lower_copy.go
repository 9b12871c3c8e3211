package infer

import "github.com/octet-dnn/octet/graph"

// This file lowers what only moves or converts elements.

// alias gives the output the place of the input.
func (lw *lowering) alias() { lw.result(0, lw.in(0)) }

// convert lowers quantize, dequantize and requantize: dst = src·scale, rounded
// half to even and saturated by the reorder.
func (lw *lowering) convert(scale float32) {
	x := lw.in(0)
	if lw.err != nil {
		return
	}
	l := x.layout
	if x.bound > 0 && len(x.dims) == 4 {
		l = channelsLast // the caller's rows change layout on the way
	}
	y := lw.dst(0, l)
	lw.reorder(x, y, scale)
	lw.result(0, y)
}

func (lw *lowering) reshape() {
	x := lw.ordered(lw.in(0), plain)
	if lw.err != nil {
		return
	}
	dims := lw.outDims(0)
	lw.result(0, lw.view(x, lw.desc(dims, x.dtype, plain), dims, plain))
}

func (lw *lowering) transpose(op *graph.Transpose) {
	x := lw.in(0)
	if lw.err != nil {
		return
	}
	// oneDNN's permute sends axis i of the source to axis perm[i] of the result.
	to := make([]int, len(op.Perm))
	for i, p := range op.Perm {
		to[p] = i
	}
	src := lw.view(x, lw.keep(x.desc.Permute(to)), lw.outDims(0), plain)
	y := lw.dst(0, plain)
	lw.reorder(src, y, 1)
	lw.result(0, y)
}

// part views the box of x that starts at offsets.
func (lw *lowering) part(x *tensor, dims, offsets []int) *tensor {
	if lw.err != nil {
		return x
	}
	return lw.view(x, lw.keep(x.desc.Submemory(dims, offsets)), dims, x.layout)
}

func (lw *lowering) split(op *graph.Split) {
	x := lw.in(0)
	if lw.err != nil {
		return
	}
	axis := op.Axis
	if axis < 0 {
		axis += len(x.dims)
	}
	at := make([]int, len(x.dims))
	for i := range lw.layer.Out {
		y := lw.dst(i, x.layout)
		lw.reorder(lw.part(x, y.dims, at), y, 1)
		lw.result(i, y)
		at[axis] += y.dims[axis]
	}
}

func (lw *lowering) slice(op *graph.Slice) {
	for i := range op.Axes {
		if op.Step(i) != 1 {
			lw.inGo(op)
			return
		}
	}
	x := lw.in(0)
	if lw.err != nil {
		return
	}
	dims := append([]int(nil), x.dims...)
	at := make([]int, len(dims))
	for i, axis := range op.Axes {
		at[axis], dims[axis] = op.Range(i, x.dims[axis])
	}
	y := lw.temp(dims, x.dtype, x.layout)
	lw.reorder(lw.part(x, dims, at), y, 1)
	if len(op.Squeeze) > 0 {
		y = lw.ordered(y, plain)
		out := lw.outDims(0)
		y = lw.view(y, lw.desc(out, y.dtype, plain), out, plain)
	}
	lw.result(0, y)
}

// pad copies x, slab by slab along one axis after the other for the borders
// that repeat x, and into a constant frame otherwise.
func (lw *lowering) pad(op *graph.Pad) {
	x := lw.in(0)
	if lw.err != nil {
		return
	}
	if op.Mode == graph.PadConstant {
		lw.padConstant(op, x)
		return
	}
	for axis := range x.dims {
		x = lw.padRepeat(op, x, axis)
	}
	lw.result(0, x)
}

func (lw *lowering) padConstant(op *graph.Pad, x *tensor) {
	dims := lw.outDims(0)
	frame, err := lw.constants.filled(dims, x.layout, op.Value)
	lw.fail(err)
	y := lw.temp(dims, x.dtype, x.layout)
	if lw.err != nil {
		return
	}
	lw.reorder(frame, y, 1)
	lw.reorder(x, lw.part(y, x.dims, op.Before), 1)
	lw.result(0, y)
}

func (lw *lowering) padRepeat(op *graph.Pad, x *tensor, axis int) *tensor {
	before, after, n := op.Before[axis], op.After[axis], x.dims[axis]
	if before+after == 0 || lw.err != nil {
		return x
	}
	dims := append([]int(nil), x.dims...)
	dims[axis] = before + n + after
	y := lw.temp(dims, x.dtype, x.layout)
	copySlab := func(from, to, size int) {
		slab := append([]int(nil), x.dims...)
		slab[axis] = size
		src, dst := make([]int, len(dims)), make([]int, len(dims))
		src[axis], dst[axis] = from, to
		lw.reorder(lw.part(x, slab, src), lw.part(y, slab, dst), 1)
	}
	copySlab(0, before, n)
	for i := 1; i <= before; i++ {
		copySlab(borderIndex(op.Mode, -i, n), before-i, 1)
	}
	for i := range after {
		copySlab(borderIndex(op.Mode, n+i, n), before+n+i, 1)
	}
	return y
}

// borderIndex maps an index outside [0, n) to the element repeated there.
func borderIndex(mode graph.PadKind, i, n int) int {
	switch mode {
	case graph.PadEdge:
		return min(max(i, 0), n-1)
	case graph.PadCircular:
		return (i + n) % n
	}
	if i < 0 {
		return -i
	}
	return 2*(n-1) - i
}
