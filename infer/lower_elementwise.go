package infer

import (
	"github.com/octet-dnn/octet/dnnl"
	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

func (lw *lowering) activation(a graph.Activation) {
	x := lw.in(0)
	if lw.err != nil {
		return
	}
	y := lw.dst(0, x.layout)
	alg, alpha, beta, err := eltwise(a)
	lw.fail(err)
	if lw.err != nil {
		return
	}
	lw.add(dnnl.Eltwise{Alg: alg, Src: x.desc, Dst: y.desc, Alpha: alpha, Beta: beta}, arg{dnnl.ArgSrc, x}, arg{dnnl.ArgDst, y})
	lw.result(0, y)
}

var binaryAlgs = map[graph.BinaryKind]dnnl.BinaryAlg{
	graph.Add: dnnl.BinaryAdd, graph.Sub: dnnl.BinarySub, graph.MulElem: dnnl.BinaryMul,
	graph.Div: dnnl.BinaryDiv, graph.Max: dnnl.BinaryMax, graph.Min: dnnl.BinaryMin,
}

func (lw *lowering) binary(op *graph.Binary) {
	if f := lw.fused[lw.layer]; f != nil {
		lw.lightBinary(op, f)
		return
	}
	if _, ok := binaryAlgs[op.Type]; !ok || lw.layer.Out[0].DType != model.FP32 {
		lw.inGo(op)
		return
	}
	out := lw.outDims(0)
	l := plain
	if len(out) == 4 {
		l = channelsLast
	}
	x, y := lw.in(0), lw.in(1)
	if lw.err != nil {
		return
	}
	ax, ay, err := op.Align(x.dims, y.dims)
	lw.fail(err)
	x, y = lw.operand(x, ax, l), lw.operand(y, ay, l)
	if lw.err != nil {
		return
	}
	x = lw.broadcast(x, out, l)
	dst := lw.dst(0, l)
	var e epilogue
	e.act(op.Act)
	lw.fail(e.err)
	if lw.err != nil {
		return
	}
	lw.add(dnnl.Binary{Alg: binaryAlgs[op.Type], Src0: x.desc, Src1: y.desc, Dst: dst.desc, Attr: e.attr},
		arg{dnnl.ArgSrc, x}, arg{dnnl.ArgSrc1, y}, arg{dnnl.ArgDst, dst})
	lw.result(0, dst)
}

// operand views t with the dims given, which only add 1s to its own.
func (lw *lowering) operand(t *tensor, dims []int, l layout) *tensor {
	if lw.err != nil {
		return t
	}
	if len(t.dims) != len(dims) {
		t = lw.ordered(t, plain)
		t = lw.view(t, lw.desc(dims, t.dtype, plain), dims, plain)
	}
	return lw.ordered(t, l)
}

// broadcast repeats t up to dims where it is smaller: oneDNN broadcasts only
// the second operand of a binary primitive.
func (lw *lowering) broadcast(t *tensor, dims []int, l layout) *tensor {
	if lw.err != nil || elems(t.dims) == elems(dims) {
		return t
	}
	zero, err := lw.constants.filled(dims, l, 0)
	lw.fail(err)
	full := lw.temp(dims, t.dtype, l)
	if lw.err == nil {
		lw.add(dnnl.Binary{Alg: dnnl.BinaryAdd, Src0: zero.desc, Src1: t.desc, Dst: full.desc},
			arg{dnnl.ArgSrc, zero}, arg{dnnl.ArgSrc1, t}, arg{dnnl.ArgDst, full})
	}
	return full
}

func (lw *lowering) concat(op *graph.Concat) {
	l := plain
	if len(lw.outDims(0)) == 4 {
		l = channelsLast
	}
	var spec dnnl.Concat
	var args []arg
	for i := range lw.layer.In {
		x := lw.ordered(lw.in(i), l)
		if lw.err != nil {
			return
		}
		spec.Srcs = append(spec.Srcs, x.desc)
		args = append(args, arg{dnnl.ArgMultipleSrc(i), x})
	}
	y := lw.dst(0, l)
	if lw.err != nil {
		return
	}
	spec.Dst, spec.Axis = y.desc, op.Axis
	if op.Axis < 0 {
		spec.Axis += len(y.dims)
	}
	lw.add(spec, append(args, arg{dnnl.ArgDst, y})...)
	lw.result(0, y)
}
