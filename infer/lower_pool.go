package infer

import (
	"github.com/octet-dnn/octet/dnnl"
	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/infer/internal/hostop"
)

var poolAlgs = map[graph.PoolKind]dnnl.PoolAlg{
	graph.MaxPool: dnnl.PoolMax, graph.AvgPoolExclusive: dnnl.PoolAvgExcludePadding, graph.AvgPoolInclusive: dnnl.PoolAvgIncludePadding,
}

func (lw *lowering) pool(op *graph.Pool) {
	x := lw.ordered(lw.in(0), channelsLast)
	if lw.err != nil {
		return
	}
	w, err := op.Resolve(x.dims)
	if err != nil {
		lw.fail(err)
		return
	}
	if f := lw.fused[lw.layer]; f != nil {
		lw.lightPool(w, f)
		return
	}
	y := lw.dst(0, channelsLast)
	if w.Adaptive {
		lw.poolCells(op, w, x, y)
	} else {
		lw.poolWindow(op, w, x, y)
	}
	lw.result(0, y)
}

func (lw *lowering) poolWindow(op *graph.Pool, w graph.Window, x, y *tensor) {
	spec := dnnl.Pooling{Alg: poolAlgs[op.Type], Src: x.desc, Dst: y.desc, Kernel: w.Kernel[:], Strides: w.Strides[:],
		Dilations: []int{0, 0}, PadL: []int{w.Pads[0], w.Pads[2]}, PadR: []int{0, 0}}
	var hangs bool
	for i := range 2 {
		spec.PadR[i] = (w.Out[i]-1)*w.Strides[i] + w.Kernel[i] - x.dims[2+i] - w.Pads[2*i]
		hangs = hangs || spec.PadR[i] > w.Pads[2*i+1]
	}
	var e epilogue
	if hangs && op.Type == graph.AvgPoolInclusive {
		e.binary(dnnl.BinaryMul, lw.overhang(w, x.dims))
	}
	if lw.err != nil {
		return
	}
	spec.Attr = e.attr
	lw.add(spec, append(lw.arguments(&e), arg{dnnl.ArgSrc, x}, arg{dnnl.ArgDst, y})...)
}

// overhang returns what an inclusive average must be multiplied with: oneDNN
// divides by the whole window, Paddle leaves out the cells beyond the padding.
func (lw *lowering) overhang(w graph.Window, in []int) *tensor {
	var counts [2][]int
	for i := range 2 {
		for o := range w.Out[i] {
			start := o*w.Strides[i] - w.Pads[2*i]
			counts[i] = append(counts[i], min(start+w.Kernel[i], in[2+i]+w.Pads[2*i+1])-start)
		}
	}
	area := float32(w.Kernel[0] * w.Kernel[1])
	var factors []float32
	for _, h := range counts[0] {
		for _, v := range counts[1] {
			factors = append(factors, area/float32(h*v))
		}
	}
	t, err := lw.constants.array([]int{1, 1, w.Out[0], w.Out[1]}, channelsLast, factors)
	lw.fail(err)
	return t
}

// poolCells lowers an adaptive pool of unequal cells to one primitive a cell.
func (lw *lowering) poolCells(op *graph.Pool, w graph.Window, x, y *tensor) {
	n, c, h, wd := x.dims[0], x.dims[1], x.dims[2], x.dims[3]
	for i := range w.Out[0] {
		top, bottom := i*h/w.Out[0], ((i+1)*h+w.Out[0]-1)/w.Out[0]
		for j := range w.Out[1] {
			left, right := j*wd/w.Out[1], ((j+1)*wd+w.Out[1]-1)/w.Out[1]
			src := lw.part(x, []int{n, c, bottom - top, right - left}, []int{0, 0, top, left})
			dst := lw.part(y, []int{n, c, 1, 1}, []int{0, 0, i, j})
			if lw.err != nil {
				return
			}
			lw.add(dnnl.Pooling{Alg: poolAlgs[op.Type], Src: src.desc, Dst: dst.desc, Kernel: []int{bottom - top, right - left},
				Strides: []int{1, 1}, Dilations: []int{0, 0}, PadL: []int{0, 0}, PadR: []int{0, 0}},
				arg{dnnl.ArgSrc, src}, arg{dnnl.ArgDst, dst})
		}
	}
}

func (lw *lowering) resize(op *graph.Resize) {
	x := lw.ordered(lw.in(0), channelsLast)
	y := lw.dst(0, channelsLast)
	if lw.err != nil {
		return
	}
	if !oneDNNGrid(op, x.dims, y.dims) {
		lw.host(hostop.Resize(op), x, y)
		lw.result(0, y)
		return
	}
	alg := dnnl.ResampleLinear
	if op.Nearest {
		alg = dnnl.ResampleNearest
	}
	lw.add(dnnl.Resampling{Alg: alg, Src: x.desc, Dst: y.desc}, arg{dnnl.ArgSrc, x}, arg{dnnl.ArgDst, y})
	lw.result(0, y)
}

// oneDNNGrid reports whether oneDNN samples where Paddle does: it knows
// half-pixel centres only, of the ratio of the sizes. For nearest, Paddle takes
// the left corners, which are the same at whole factors.
func oneDNNGrid(op *graph.Resize, x, y []int) bool {
	if op.Nearest {
		return !op.AlignCorners && y[2]%x[2] == 0 && y[3]%x[3] == 0
	}
	ratio := func(scale float32, in, out int) bool {
		return (out > 1 || in == 1) && (scale == 0 || op.ByRatio || scale == float32(out)/float32(in))
	}
	return !op.AlignCorners && op.AlignMode == 0 && ratio(op.ScaleH, x[2], y[2]) && ratio(op.ScaleW, x[3], y[3])
}

var reduceAlgs = map[graph.ReduceKind]dnnl.ReductionAlg{
	graph.ReduceMean: dnnl.ReductionMean, graph.ReduceSum: dnnl.ReductionSum, graph.ReduceMax: dnnl.ReductionMax,
	graph.ReduceMin: dnnl.ReductionMin, graph.ReduceProd: dnnl.ReductionMul,
}

// reduce combines elements: averages of whole maps with the pooling kernel,
// which is far faster than oneDNN's reduction, else with the reduction.
func (lw *lowering) reduce(op *graph.Reduce) {
	x := lw.in(0)
	if lw.err != nil {
		return
	}
	dims := append([]int(nil), x.dims...)
	spatial := len(dims) == 4 && op.Type == graph.ReduceMean
	for _, a := range op.Axes {
		if a < 0 {
			a += len(dims)
		}
		spatial = spatial && a >= 2
		dims[a] = 1
	}
	spatial = spatial && dims[2] == 1 && dims[3] == 1
	y := lw.dst(0, plain)
	if spatial {
		x = lw.ordered(x, channelsLast)
	}
	if lw.err != nil {
		return
	}
	to := lw.view(y, lw.desc(dims, y.dtype, x.layout), dims, x.layout)
	if spatial {
		lw.add(dnnl.Pooling{Alg: dnnl.PoolAvgExcludePadding, Src: x.desc, Dst: to.desc, Kernel: x.dims[2:], Strides: []int{1, 1},
			Dilations: []int{0, 0}, PadL: []int{0, 0}, PadR: []int{0, 0}}, arg{dnnl.ArgSrc, x}, arg{dnnl.ArgDst, to})
	} else {
		x = lw.ordered(x, plain)
		to = lw.view(y, lw.desc(dims, y.dtype, plain), dims, plain)
		lw.add(dnnl.Reduction{Alg: reduceAlgs[op.Type], Src: x.desc, Dst: to.desc}, arg{dnnl.ArgSrc, x}, arg{dnnl.ArgDst, to})
	}
	lw.result(0, y)
}
