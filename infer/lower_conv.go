package infer

import (
	"fmt"
	"slices"

	"github.com/octet-dnn/octet/dnnl"
	"github.com/octet-dnn/octet/graph"
)

func (lw *lowering) conv(op *graph.Conv) {
	x := lw.ordered(lw.in(0), channelsLast)
	f, filter := lw.filter()
	if lw.err != nil {
		return
	}
	w, err := op.Resolve(x.dims, filter)
	if err != nil {
		lw.fail(err)
		return
	}
	dims := groupedFilter(filter, op.Groups)
	var e epilogue
	e.quantised(op.Int8, len(dims) > len(filter))
	y := lw.convDst(op, &e)
	e.act(op.Act)
	see := func(t *tensor) *tensor { return t }
	if pointwise(op, w, filter) {
		see = lw.asOneImage
	}
	lw.joinFusion(&e, see)
	src, dst := see(x), see(y)
	if lw.err != nil {
		return
	}
	wdt := dnnl.F32
	if op.Int8 != nil {
		wdt = dnnl.S8
	}
	spec := dnnl.Convolution{
		Src: src.desc, Weights: lw.any(dims, wdt), Bias: lw.biasDesc(2), Dst: dst.desc,
		Strides: w.Strides[:], Dilations: []int{w.Dilations[0] - 1, w.Dilations[1] - 1},
		PadL: []int{w.Pads[0], w.Pads[2]}, PadR: []int{w.Pads[1], w.Pads[3]},
		Attr: e.attr,
	}
	args := append(lw.arguments(&e), arg{dnnl.ArgSrc, src}, arg{dnnl.ArgBias, lw.in(2)}, arg{dnnl.ArgDst, dst})
	j := lw.create(choice{spec, lw.choose, args})
	weights := lw.packed(j, f, op.Int8, channelMask(len(dims) > len(filter)), lw.desc(dims, wdt, plain))
	lw.run(j, append(args, arg{dnnl.ArgWeights, weights})...)
	lw.resultAs(y)
}

// pointwise reports whether op looks at one pixel at a time and makes one of it.
func pointwise(op *graph.Conv, w graph.Window, filter []int) bool {
	return op.Groups == 1 && filter[2]*filter[3] == 1 && w.Strides == [2]int{1, 1} && w.Pads == [4]int{}
}

// asOneImage views channels-last images as a single one, the rows of all images
// below each other. A pointwise convolution computes the same, and a kernel
// fills its blocks of pixels with those of several small maps: at 7x7 pixels
// and 8 images it is a third faster with AMX, and a twentieth without.
func (lw *lowering) asOneImage(t *tensor) *tensor {
	if lw.err != nil || t == nil || t.dims[0] == 1 || !slices.Equal(t.desc.Strides(), strides(t.dims, channelsLast)) {
		return t
	}
	dims := []int{1, t.dims[1], t.dims[0] * t.dims[2], t.dims[3]}
	return lw.view(t, lw.desc(dims, t.dtype, channelsLast), dims, channelsLast)
}

// filter returns the filter of the current layer and its dims. It must be a
// parameter, since it is packed once.
func (lw *lowering) filter() (*graph.Value, []int) {
	f := lw.layer.In[1]
	if f.Const == nil {
		lw.fail(fmt.Errorf("filter %q is computed: %w", f.Name, errUnsupported))
		return f, nil
	}
	return f, toInts(f.Const.Dims)
}

// groupedFilter returns the filter dims oneDNN wants: G,O/G,I,H,W with groups.
func groupedFilter(f []int, groups int) []int {
	if groups == 1 {
		return f
	}
	return append([]int{groups, f[0] / groups}, f[1:]...)
}

func (lw *lowering) any(dims []int, dt dnnl.DataType) *dnnl.Desc {
	return lw.keep(dnnl.NewDesc(dims, dt, dnnl.Any))
}

// biasDesc describes optional input i, a vector, or is nil.
func (lw *lowering) biasDesc(i int) *dnnl.Desc {
	if b := lw.in(i); b != nil {
		return b.desc
	}
	return nil
}

// packed returns filter f in the layout that the primitive of j chooses. mask
// tells along which dims of src the scales of q lie.
func (lw *lowering) packed(j *job, f *graph.Value, q *graph.Int8, mask int, src *dnnl.Desc) *tensor {
	if lw.err != nil {
		return nil
	}
	later := &tensor{}
	j.pack = func(p *dnnl.Primitive, by *packer) error {
		t, err := lw.weights.pack(by, f, q, mask, src, p.Desc(dnnl.ArgWeights))
		if err == nil {
			*later = *t
		}
		return err
	}
	return later
}

// convDst chooses where a convolution writes, and how its residual gets there:
// in place of the residual with the sum post-op, which needs the residual to
// be dead afterwards, of the same size and dense; else it is copied first.
func (lw *lowering) convDst(op *graph.Conv, e *epilogue) *tensor {
	out := lw.outValue()
	dt, err := dataType(out.DType)
	lw.fail(err)
	if lw.err != nil {
		return nil
	}
	if q := op.Int8; q != nil && q.SaturateS8 {
		dt = dnnl.S8 // saturates at 127; the bytes are the u8 ones
	}
	if len(lw.layer.In) < 4 || lw.layer.In[3] == nil {
		y := lw.place(out, channelsLast)
		return lw.retyped(y, dt)
	}
	r := lw.ordered(lw.in(3), channelsLast)
	if lw.err != nil {
		return nil
	}
	scale := float32(1)
	if op.Int8 != nil && r.dtype != dnnl.F32 {
		scale = 1 / op.Int8.ScaleInEltwise
	}
	if r.dtype.Size() != dt.Size() {
		lw.fail(fmt.Errorf("%v residual of a %v convolution: %w", r.dtype, dt, errUnsupported))
		return nil
	}
	e.attr.PostOps = append(e.attr.PostOps, dnnl.SumPostOp(scale, 0, r.dtype))
	if r.store != nil && r.store.pending == 1 && !r.store.kept && r.store.size/r.store.images == elems(r.dims)*r.dtype.Size()/lw.images {
		return lw.retyped(r, dt)
	}
	y := lw.retyped(lw.place(out, channelsLast), r.dtype)
	lw.reorder(r, y, 1)
	return lw.retyped(y, dt)
}

// retyped views t as elements of another type of the same size.
func (lw *lowering) retyped(t *tensor, dt dnnl.DataType) *tensor {
	if lw.err != nil || t.dtype == dt {
		return t
	}
	v := lw.view(t, lw.desc(t.dims, dt, t.layout), t.dims, t.layout)
	v.dtype = dt
	return v
}

// outValue is the value the current layer ends in: its own output, or that of
// the last layer fused into it.
func (lw *lowering) outValue() *graph.Value {
	if f := lw.fused[lw.layer]; f != nil {
		return f.out
	}
	return lw.layer.Out[0]
}

// resultAs defines the value the current layer ends in, with its own type.
func (lw *lowering) resultAs(y *tensor) {
	if lw.err != nil {
		return
	}
	out := lw.outValue()
	dt, err := dataType(out.DType)
	lw.fail(err)
	lw.define(out, lw.retyped(y, dt))
}

func (lw *lowering) deconv(op *graph.Deconv) {
	x := lw.ordered(lw.in(0), channelsLast)
	f, filter := lw.filter()
	if lw.err != nil {
		return
	}
	w, err := op.Resolve(x.dims, filter)
	if err != nil {
		lw.fail(err)
		return
	}
	// The file has I,O/G,H,W; oneDNN wants (G,)O/G,I/G,H,W.
	g, o, hw := op.Groups, filter[1], filter[2]*filter[3]
	dims := []int{g, o, filter[0] / g, filter[2], filter[3]}
	st := []int{filter[0] / g * o * hw, hw, o * hw, filter[3], 1}
	if g == 1 {
		dims, st = dims[1:], st[1:]
	}
	y := lw.dst(0, channelsLast)
	var e epilogue
	e.act(op.Act)
	if lw.err != nil {
		return
	}
	p := lw.create(dnnl.Deconvolution{
		Src: x.desc, Weights: lw.any(dims, dnnl.F32), Bias: lw.biasDesc(2), Dst: y.desc,
		Strides: w.Strides[:], Dilations: []int{w.Dilations[0] - 1, w.Dilations[1] - 1},
		PadL: []int{w.Pads[0], w.Pads[2]}, PadR: []int{w.Pads[1], w.Pads[3]},
		Attr: e.attr,
	})
	weights := lw.packed(p, f, nil, 0, lw.keep(dnnl.NewStridedDesc(dims, st, dnnl.F32)))
	lw.run(p, append(lw.arguments(&e), arg{dnnl.ArgSrc, x}, arg{dnnl.ArgWeights, weights}, arg{dnnl.ArgBias, lw.in(2)}, arg{dnnl.ArgDst, y})...)
	lw.result(0, y)
}
