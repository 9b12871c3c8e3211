package infer

import (
	"slices"

	"github.com/octet-dnn/octet/dnnl"
	"github.com/octet-dnn/octet/graph"
)

// dequantize converts to reals, unless all readers take the integers.
func (lw *lowering) dequantize(op *graph.Dequantize) {
	if lw.direct[lw.layer] {
		lw.alias()
		return
	}
	lw.convert(1 / op.Scale)
}

// step returns how much one integer of t, the place of v, is worth; 1 for reals.
func (lw *lowering) step(v *graph.Value, t *tensor) float32 {
	if lw.err != nil || t.dtype == dnnl.F32 {
		return 1
	}
	return 1 / v.Producer.Op.(*graph.Dequantize).Scale
}

// lightBinary lowers a sum or product of integers, with what follows it. Each operand is scaled before the operation, as separate
// dequantize layers would: the result is the same to the bit.
func (lw *lowering) lightBinary(op *graph.Binary, f *fusion) {
	in := []*graph.Value{lw.layer.In[0], lw.layer.In[1]}
	ax, ay, err := op.Align(lw.shapes[in[0]], lw.shapes[in[1]])
	lw.fail(err)
	dims := []graph.Shape{ax, ay}
	if !ax.Equal(lw.outDims(0)) { // oneDNN broadcasts the second operand only
		slices.Reverse(in)
		slices.Reverse(dims)
	}
	var t [2]*tensor
	for i, v := range in {
		t[i] = lw.operand(lw.env[v], dims[i], channelsLast)
	}
	dst := lw.place(f.out, channelsLast)
	if lw.err != nil {
		return
	}
	var e epilogue
	for i, a := range []dnnl.Arg{dnnl.ArgSrc, dnnl.ArgSrc1} {
		if step := lw.step(in[i], t[i]); step != 1 {
			e.scale(a, 0, step)
		}
	}
	if f.add != nil {
		e.binary(dnnl.BinaryAdd, lw.ordered(lw.env[f.add], channelsLast))
	}
	e.finishLight(f, 1)
	lw.add(dnnl.Binary{Alg: binaryAlgs[op.Type], Src0: t[0].desc, Src1: t[1].desc, Dst: dst.desc, Attr: e.attr},
		append(lw.arguments(&e), arg{dnnl.ArgSrc, t[0]}, arg{dnnl.ArgSrc1, t[1]}, arg{dnnl.ArgDst, dst})...)
	lw.define(f.out, dst)
}

// lightPool lowers an average over whole maps that ends in a quantize.
func (lw *lowering) lightPool(w graph.Window, f *fusion) {
	x := lw.ordered(lw.in(0), channelsLast)
	dst := lw.place(f.out, channelsLast)
	if lw.err != nil {
		return
	}
	var e epilogue
	e.finishLight(f, lw.step(lw.layer.In[0], x))
	lw.add(dnnl.Pooling{Alg: dnnl.PoolAvgExcludePadding, Src: x.desc, Dst: dst.desc, Kernel: w.Kernel[:], Strides: []int{1, 1},
		Dilations: []int{0, 0}, PadL: []int{0, 0}, PadR: []int{0, 0}, Attr: e.attr},
		append(lw.arguments(&e), arg{dnnl.ArgSrc, x}, arg{dnnl.ArgDst, dst})...)
	lw.define(f.out, dst)
}

// finishLight appends what follows the arithmetic, of which one unit is worth
// that much: the activation, and the scale of the result.
func (e *epilogue) finishLight(f *fusion, unit float32) {
	switch f.act.Kind {
	case graph.ActNone:
	case graph.ActReLU: // commutes with scales
		e.act(f.act)
	default:
		e.linear(unit)
		unit = 1
		e.act(f.act)
	}
	e.linear(unit * f.scale)
}

func (e *epilogue) linear(factor float32) {
	if factor != 1 {
		e.act(graph.Activation{Kind: graph.ActLinear, Alpha: factor})
	}
}
