package infer

import (
	"fmt"

	"github.com/octet-dnn/octet/dnnl"
	"github.com/octet-dnn/octet/graph"
)

// fc lowers a fully connected layer to an inner product. A channels-last map
// is taken as it is: the weights, [C·H·W, N] in the file, are packed to match.
func (lw *lowering) fc(op *graph.FC) {
	x, w := lw.in(0), lw.layer.In[1]
	if lw.err != nil {
		return
	}
	if w.Const == nil {
		lw.fail(fmt.Errorf("weights %q are computed: %w", w.Name, errUnsupported))
		return
	}
	k, n := int(w.Const.Dims[0]), int(w.Const.Dims[1])
	dims, st := []int{n, k}, []int{1, n}
	if op.NumColDims == 1 && len(x.dims) == 4 && x.layout == channelsLast && !sameOrder(x.dims) {
		c, h, wd := x.dims[1], x.dims[2], x.dims[3]
		dims, st = []int{n, c, h, wd}, []int{1, h * wd * n, wd * n, n}
	} else {
		rows := []int{elems(x.dims[:op.NumColDims]), k}
		x = lw.ordered(x, plain)
		x = lw.view(x, lw.desc(rows, x.dtype, plain), rows, plain)
	}
	y := lw.dst(0, plain)
	var e epilogue
	e.quantised(op.Int8, false)
	e.act(op.Act)
	if lw.err != nil {
		return
	}
	wdt := dnnl.F32
	if op.Int8 != nil {
		wdt = dnnl.S8
	}
	rows := []int{x.dims[0], n}
	dst := lw.view(y, lw.desc(rows, y.dtype, plain), rows, plain)
	p := lw.create(dnnl.InnerProduct{Src: x.desc, Weights: lw.any(dims, wdt), Bias: lw.biasDesc(2), Dst: dst.desc, Attr: e.attr})
	src := lw.keep(dnnl.NewStridedDesc(dims, st, wdt))
	weights := lw.packed(p, w, op.Int8, channelMask(false), src)
	lw.run(p, append(lw.arguments(&e), arg{dnnl.ArgSrc, x}, arg{dnnl.ArgWeights, weights}, arg{dnnl.ArgBias, lw.in(2)}, arg{dnnl.ArgDst, dst})...)
	lw.result(0, y)
}

func (lw *lowering) matmul(op *graph.MatMul) {
	x, y := lw.ordered(lw.in(0), plain), lw.ordered(lw.in(1), plain)
	if lw.err != nil {
		return
	}
	out := lw.outDims(0)
	rank := max(len(x.dims), len(y.dims), 2)
	x, y = lw.matrix(x, rank, true, op.TransX), lw.matrix(y, rank, false, op.TransY)
	dst := lw.dst(0, plain)
	if lw.err != nil {
		return
	}
	dims := append([]int(nil), x.dims...)
	for i := range rank - 2 {
		dims[i] = max(x.dims[i], y.dims[i])
	}
	dims[rank-1] = y.dims[rank-1]
	if elems(dims) != elems(out) {
		lw.fail(fmt.Errorf("product %v for an output of %v: %w", dims, out, errUnsupported))
		return
	}
	view := lw.view(dst, lw.desc(dims, dst.dtype, plain), dims, plain)
	var e epilogue
	if op.Alpha != 1 {
		e.act(graph.Activation{Kind: graph.ActLinear, Alpha: op.Alpha})
	}
	lw.add(dnnl.MatMul{Src: x.desc, Weights: y.desc, Dst: view.desc, Attr: e.attr},
		append(lw.arguments(&e), arg{dnnl.ArgSrc, x}, arg{dnnl.ArgWeights, y}, arg{dnnl.ArgDst, view})...)
	lw.result(0, dst)
}

// matrix views t with leading dims of 1 up to rank, transposed if asked; a
// vector becomes a row on the left and a column on the right.
func (lw *lowering) matrix(t *tensor, rank int, left, transposed bool) *tensor {
	if lw.err != nil {
		return t
	}
	dims := append([]int(nil), t.dims...)
	if len(dims) == 1 {
		transposed = false
		if left {
			dims = []int{1, dims[0]}
		} else {
			dims = []int{dims[0], 1}
		}
	}
	for len(dims) < rank {
		dims = append([]int{1}, dims...)
	}
	st := strides(dims, plain)
	if transposed {
		dims[rank-1], dims[rank-2] = dims[rank-2], dims[rank-1]
		st[rank-1], st[rank-2] = st[rank-2], st[rank-1]
	}
	return lw.view(t, lw.keep(dnnl.NewStridedDesc(dims, st, t.dtype)), dims, plain)
}
