package infer

import (
	"fmt"
	"slices"

	"github.com/octet-dnn/octet/dnnl"
	"github.com/octet-dnn/octet/graph"
)

// A convolution is a Conv layer being lowered: what it computes, whichever part
// of its maps a step works on.
type convolution struct {
	layer    *graph.Layer
	op       *graph.Conv
	x, y     *tensor
	bias     *tensor
	filter   *graph.Value
	dims     []int // of the weights, as oneDNN wants them
	window   graph.Window
	epilogue epilogue
	stem     *stem // in front of it, to be done by its kernel: then x has no place
	picture  bool  // x has few channels, one after the other
}

func (lw *lowering) conv(op *graph.Conv) {
	c := lw.convolution(op)
	if lw.err != nil {
		return
	}
	if lw.branches[lw.layer] {
		lw.held = c // until the layer that adds its result
		return
	}
	if lw.held != nil && lw.inStrips(c) || lw.inLanes(c) {
		return
	}
	see := lw.viewFor(c)
	lw.joinFusion(&c.epilogue, see)
	lw.runConv(c, see(c.x), see(c.y))
	lw.resultAs(c.y)
}

// convolution prepares the current layer, up to its own activation.
func (lw *lowering) convolution(op *graph.Conv) *convolution {
	c := &convolution{layer: lw.layer, op: op, stem: lw.stems[lw.layer]}
	if c.stem != nil {
		c.x = lw.stemSrc(c.stem)
	} else if c.x = lw.in(0); lw.isPicture(op, c.x) {
		c.picture = true
	} else {
		c.x = lw.ordered(c.x, channelsLast)
	}
	f, filter := lw.filter()
	if lw.err != nil {
		return c
	}
	w, err := op.Resolve(c.x.dims, filter)
	if err != nil {
		lw.fail(err)
		return c
	}
	c.filter, c.window, c.dims = f, w, groupedFilter(filter, op.Groups)
	c.bias = lw.in(2)
	e := &c.epilogue
	e.quantised(op.Int8, c.grouped())
	c.y = lw.convDst(op, e)
	e.act(op.Act)
	return c
}

// runConv appends the step that reads src and writes dst, views of the maps of c.
func (lw *lowering) runConv(c *convolution, src, dst *tensor) {
	j, args := lw.convJob(c, src, dst)
	lw.run(j, args...)
}

// convJob has the primitive of a step made; args are all that it takes.
func (lw *lowering) convJob(c *convolution, src, dst *tensor) (*job, []arg) {
	if lw.err != nil {
		return nil, nil
	}
	wdt := dnnl.F32
	if c.op.Int8 != nil {
		wdt = dnnl.S8
	}
	w := &c.window
	spec := dnnl.Convolution{
		Src: src.desc, Weights: lw.any(c.dims, wdt), Dst: dst.desc,
		Strides: w.Strides[:], Dilations: []int{w.Dilations[0] - 1, w.Dilations[1] - 1},
		PadL: []int{w.Pads[0], w.Pads[2]}, PadR: []int{w.Pads[1], w.Pads[3]},
		Attr: c.epilogue.attr,
	}
	if c.bias != nil {
		spec.Bias = c.bias.desc
	}
	args := append(lw.arguments(&c.epilogue), arg{dnnl.ArgBias, c.bias}, arg{dnnl.ArgDst, dst})
	made, args := lw.convCreator(c, spec, src, args)
	j := lw.create(made)
	if j == nil {
		return nil, nil
	}
	j.layer = c.layer.Name
	weights := lw.packed(j, c.filter, c.op.Int8, channelMask(c.grouped()), lw.desc(c.dims, wdt, plain))
	return j, append(args, arg{dnnl.ArgWeights, weights})
}

// convCreator returns what makes the primitive of spec, and all that it takes but
// the weights.
func (lw *lowering) convCreator(c *convolution, spec dnnl.Convolution, src *tensor, args []arg) (creator, []arg) {
	if c.stem != nil && lw.err == nil {
		if stem, picture := lw.stem(c.stem, spec); stem != nil || lw.err != nil {
			return stem, append(args, picture...)
		}
		src = lw.quantised(c.stem)
	}
	if c.picture && !lw.takesPicture(spec) {
		src = lw.ordered(src, channelsLast)
		if lw.err == nil {
			spec.Src = src.desc
		}
	}
	args = append(args, arg{dnnl.ArgSrc, src})
	return choice{spec, lw.chooser(), args}, args
}

func (c *convolution) grouped() bool { return len(c.dims) > 4 }

// small reports whether c has one weight for each pair of channels.
func (c *convolution) small() bool {
	return !c.grouped() && c.window.Kernel == [2]int{1, 1} && c.window.Pads == [4]int{}
}

// pointwise reports whether c looks at one pixel at a time and makes one of it.
func (c *convolution) pointwise() bool { return c.small() && c.window.Strides == [2]int{1, 1} }

// viewFor returns how the step of c, as a whole, sees its maps. What comes from outside as
// it is does not lie as one image.
func (lw *lowering) viewFor(c *convolution) func(*tensor) *tensor {
	if c.pointwise() && !c.picture && c.stem == nil {
		return lw.asOneImage
	}
	return func(t *tensor) *tensor { return t }
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
	if r.store != nil && r.store.pending == 1 && r.store.size/r.store.images == elems(r.dims)*r.dtype.Size()/lw.images {
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
