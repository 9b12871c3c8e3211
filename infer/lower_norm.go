package infer

import (
	"fmt"

	"github.com/octet-dnn/octet/dnnl"
	"github.com/octet-dnn/octet/graph"
)

// batchNorm lowers a normalisation that no convolution could take in to a
// multiplication and an addition a channel, folded in double.
func (lw *lowering) batchNorm(op *graph.BatchNorm) {
	x := lw.in(0)
	if lw.err != nil {
		return
	}
	for _, v := range lw.layer.In[1:] {
		if v.Const == nil || v.Const.Len() != x.dims[1] {
			lw.fail(fmt.Errorf("%q holds no %d constants", v.Name, x.dims[1]))
			return
		}
	}
	mul, add, err := op.Affine(lw.layer)
	if err != nil {
		lw.fail(err)
		return
	}
	dims := make([]int, len(x.dims))
	for i := range dims {
		dims[i] = 1
	}
	dims[1] = x.dims[1]
	m, err := lw.constants.array(dims, x.layout, mul)
	lw.fail(err)
	a, err := lw.constants.array(dims, x.layout, add)
	lw.fail(err)
	out := lw.layer.Out[0]
	var e epilogue
	if step := lw.step(lw.layer.In[0], x); step != 1 {
		e.scale(dnnl.ArgSrc, 0, step)
	}
	e.binary(dnnl.BinaryAdd, a)
	if f := lw.fused[lw.layer]; f != nil {
		out = f.out
		e.finishLight(f, 1)
	} else {
		e.act(op.Act)
	}
	y := lw.place(out, x.layout)
	if lw.err != nil {
		return
	}
	lw.add(dnnl.Binary{Alg: dnnl.BinaryMul, Src0: x.desc, Src1: m.desc, Dst: y.desc, Attr: e.attr},
		append(lw.arguments(&e), arg{dnnl.ArgSrc, x}, arg{dnnl.ArgSrc1, m}, arg{dnnl.ArgDst, y})...)
	lw.define(out, y)
}

// layerNorm normalises rows; scale and bias follow as binary post-steps.
func (lw *lowering) layerNorm(op *graph.LayerNorm) {
	x := lw.ordered(lw.in(0), plain)
	if lw.err != nil {
		return
	}
	rows := []int{elems(x.dims[:op.Begin]), elems(x.dims[op.Begin:])}
	y := lw.dst(0, plain)
	if lw.err != nil {
		return
	}
	src := lw.view(x, lw.desc(rows, x.dtype, plain), rows, plain)
	dst := lw.view(y, lw.desc(rows, y.dtype, plain), rows, plain)
	scale, shift := lw.in(1), lw.in(2)
	if lw.err != nil {
		return
	}
	lw.add(dnnl.LayerNorm{Src: src.desc, Dst: dst.desc, Eps: op.Epsilon, UseScale: scale != nil, UseShift: shift != nil},
		arg{dnnl.ArgSrc, src}, arg{dnnl.ArgDst, dst}, arg{dnnl.ArgNormScale, scale}, arg{dnnl.ArgNormShift, shift})
	lw.result(0, y)
}

// lrn translates Paddle's alpha, which is not divided by the window size.
func (lw *lowering) lrn(op *graph.LRN) {
	x := lw.in(0)
	if lw.err != nil {
		return
	}
	y := lw.dst(0, x.layout)
	if lw.err != nil {
		return
	}
	lw.add(dnnl.LRN{Src: x.desc, Dst: y.desc, LocalSize: op.Size, Alpha: op.Alpha * float32(op.Size), Beta: op.Beta, K: op.K},
		arg{dnnl.ArgSrc, x}, arg{dnnl.ArgDst, y})
	lw.result(0, y)
}

func (lw *lowering) softmax(op *graph.Softmax) {
	x := lw.in(0)
	if lw.err != nil {
		return
	}
	y := lw.dst(0, x.layout)
	if lw.err != nil {
		return
	}
	axis := op.Axis
	if axis < 0 {
		axis += len(x.dims)
	}
	lw.add(dnnl.Softmax{Src: x.desc, Dst: y.desc, Axis: axis}, arg{dnnl.ArgSrc, x}, arg{dnnl.ArgDst, y})
	lw.result(0, y)
}

func (lw *lowering) shuffle(op *graph.ShuffleChannel) {
	x := lw.ordered(lw.in(0), channelsLast)
	y := lw.dst(0, channelsLast)
	if lw.err != nil {
		return
	}
	lw.add(dnnl.Shuffle{Src: x.desc, Dst: y.desc, Axis: 1, GroupSize: x.dims[1] / op.Groups}, arg{dnnl.ArgSrc, x}, arg{dnnl.ArgDst, y})
	lw.result(0, y)
}
