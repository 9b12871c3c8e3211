package infer

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/octet-dnn/octet/dnnl"
	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/infer/internal/hostop"
)

// A lowering turns the body of a graph, for one batch size, into steps.
type lowering struct {
	engine    *dnnl.Engine
	weights   *weightStore
	constants *constants       // of the plan
	inf       *graph.Inference // for images images
	shapes    map[*graph.Value]graph.Shape
	images    int
	static    map[*graph.Value]bool
	env       map[*graph.Value]*tensor
	uses      map[*graph.Value]int
	choose    chooser
	targets   map[*graph.Value]*tensor // results that go straight into bound memory
	fused     map[*graph.Layer]*fusion
	stems     map[*graph.Layer]*stem
	skip      map[*graph.Layer]bool
	direct    map[*graph.Layer]bool
	branches  map[*graph.Layer]bool
	held      *convolution // a branch that the next layer adds
	// stripBytes is how large the strips of a branch may be.
	stripBytes int

	lane  int          // that steps are made for, see lanes.go; 0: all threads together
	layer *graph.Layer // being lowered, for messages and kernel lists
	steps []step
	jobs  []*job
	own   []interface{ Close() error } // primitives and descriptors of the plan
	err   error
}

// A step is one primitive, or one kernel in Go, with its arguments. The
// arguments of a kernel are numbered by their place in its list.
type step struct {
	job   *job // makes prim
	prim  *dnnl.Primitive
	host  hostop.Kernel
	args  []arg
	layer string
	kind  string
	lane  int  // see lanes.go; 0: all threads together
	fence bool // before it, see fences
}

type arg struct {
	arg dnnl.Arg
	t   *tensor
}

// errUnsupported marks layers that oneDNN cannot run in the form asked.
var errUnsupported = errors.New("not supported by the executor")

// enter makes the layers lowered next work on that many images at once.
func (lw *lowering) enter(b *body, f *family, images int) error {
	if lw.images == images {
		return nil
	}
	inf, err := graph.Infer(b.graph, f.at(images, b.separable))
	if err != nil {
		return err
	}
	lw.inf, lw.shapes, lw.images, lw.err = inf, inf.Shapes, images, nil
	for _, m := range []map[*graph.Value]*tensor{lw.env, lw.targets} {
		for v, t := range m {
			if t.bound > 0 || t.store != nil && t.store.pending > 0 {
				m[v] = lw.resized(t)
			}
		}
	}
	return lw.err
}

// resized views t with the images that lw now works on.
func (lw *lowering) resized(t *tensor) *tensor {
	dims := slices.Clone(t.dims)
	dims[0] = lw.images
	return lw.view(t, lw.keep(dnnl.NewStridedDesc(dims, t.desc.Strides(), t.dtype)), dims, t.layout)
}

// in returns the tensor of input i of the current layer, nil if absent.
func (lw *lowering) in(i int) *tensor {
	if i >= len(lw.layer.In) || lw.layer.In[i] == nil {
		return nil
	}
	v := lw.layer.In[i]
	if t, ok := lw.env[v]; ok {
		return t
	}
	switch {
	case v.Const != nil:
		t, err := lw.weights.constant(v)
		lw.fail(err)
		if err == nil {
			lw.env[v] = t
		}
		return t
	case lw.static[v]: // made anew for each reader: stages may see other shapes
		t, err := lw.staticTensor(v)
		lw.fail(err)
		return t
	}
	lw.fail(fmt.Errorf("input %q has not been computed", v.Name))
	return nil
}

// outDims returns the shape of output i of the current layer.
func (lw *lowering) outDims(i int) []int { return lw.shapes[lw.layer.Out[i]] }

// result names t as output i of the current layer.
func (lw *lowering) result(i int, t *tensor) { lw.define(lw.layer.Out[i], t) }

func (lw *lowering) define(v *graph.Value, t *tensor) {
	lw.env[v] = t
	if t != nil && t.store != nil {
		t.store.pending += lw.uses[v]
	}
}

// dst returns the place for output i of the current layer: the memory bound
// for it if the layout agrees, or fresh arena memory.
func (lw *lowering) dst(i int, l layout) *tensor { return lw.place(lw.layer.Out[i], l) }

func (lw *lowering) place(v *graph.Value, l layout) *tensor {
	dims := lw.shapes[v]
	if t, ok := lw.targets[v]; ok && (t.layout == l || sameOrder(dims)) {
		return t
	}
	dt, err := dataType(v.DType)
	lw.fail(err)
	return lw.temp(dims, dt, l)
}

// temp returns fresh arena memory.
func (lw *lowering) temp(dims []int, dt dnnl.DataType, l layout) *tensor {
	if len(dims) != 4 {
		l = plain
	}
	return lw.at(&storage{size: elems(dims) * dt.Size(), images: lw.images, first: len(lw.steps), last: len(lw.steps)}, dims, dt, l)
}

// at views a storage as a dense tensor.
func (lw *lowering) at(s *storage, dims []int, dt dnnl.DataType, l layout) *tensor {
	return &tensor{desc: lw.desc(dims, dt, l), dims: dims, dtype: dt, layout: l, store: s}
}

func (lw *lowering) desc(dims []int, dt dnnl.DataType, l layout) *dnnl.Desc {
	d, err := newDesc(dims, dt, l)
	return lw.keep(d, err)
}

// keep records err, or hands d to the plan.
func (lw *lowering) keep(d *dnnl.Desc, err error) *dnnl.Desc {
	lw.fail(err)
	if err == nil {
		lw.own = append(lw.own, d)
	}
	return d
}

// view returns t seen through another descriptor of the same bytes.
func (lw *lowering) view(t *tensor, d *dnnl.Desc, dims []int, l layout) *tensor {
	v := *t
	v.desc, v.dims, v.layout, v.mem = d, dims, l, nil
	return &v
}

// fail keeps the first error; lowering goes on with nil tensors only as far as
// the end of the current layer.
func (lw *lowering) fail(err error) {
	if lw.err == nil && err != nil {
		lw.err = err
	}
}

// add appends a step that runs a primitive. Arguments without tensors (absent
// bias and the like) are left out.
func (lw *lowering) add(c creator, args ...arg) { lw.run(lw.create(c), args...) }

// create has a primitive made, see job.
func (lw *lowering) create(c creator) *job {
	if lw.err != nil {
		return nil
	}
	j := &job{spec: c, layer: lw.layer.Name, kind: lw.layer.Op.Kind(), threads: lw.chooser().threads}
	lw.jobs = append(lw.jobs, j)
	return j
}

// run appends the step that runs the primitive of j.
func (lw *lowering) run(j *job, args ...arg) {
	if lw.err != nil || j == nil {
		return
	}
	s := step{job: j, layer: j.layer, kind: j.kind, lane: lw.lane}
	for _, a := range args {
		if a.t == nil {
			continue
		}
		s.args = append(s.args, a)
		lw.touch(a.t)
	}
	lw.steps = append(lw.steps, s)
}

// touch extends the life of t's storage to the step being added.
func (lw *lowering) touch(t *tensor) {
	if s := t.store; s != nil {
		s.first = min(s.first, len(lw.steps))
		s.last = max(s.last, len(lw.steps))
	}
}

// reorder copies src into dst, converting layout and type; scale, unless 1,
// multiplies the elements.
func (lw *lowering) reorder(src, dst *tensor, scale float32) {
	if lw.err != nil {
		return
	}
	r := dnnl.Reorder{Src: src.desc, Dst: dst.desc}
	args := []arg{{dnnl.ArgSrc, src}, {dnnl.ArgDst, dst}}
	if scale != 1 {
		r.Attr.Scales = []dnnl.ScaleMask{{Arg: dnnl.ArgSrc}}
		args = append(args, arg{dnnl.ArgScale(dnnl.ArgSrc), lw.scale(scale)})
	}
	lw.add(r, args...)
}

// scale returns a constant of one float.
func (lw *lowering) scale(s ...float32) *tensor {
	for _, x := range s {
		if !(x > 0) || math.IsInf(float64(x), 0) {
			lw.fail(fmt.Errorf("scale %v: want a positive finite number", x))
			return nil
		}
	}
	t, err := lw.constants.floats(s)
	lw.fail(err)
	return t
}

// ordered returns t in layout l, through a reorder if it must.
func (lw *lowering) ordered(t *tensor, l layout) *tensor {
	if lw.err != nil || t == nil || t.layout == l || len(t.dims) != 4 {
		return t
	}
	if sameOrder(t.dims) {
		return lw.view(t, lw.desc(t.dims, t.dtype, l), t.dims, l)
	}
	out := lw.temp(t.dims, t.dtype, l)
	lw.reorder(t, out, 1)
	return out
}

// lower appends the steps of one layer.
func (lw *lowering) lower(l *graph.Layer) error {
	lw.layer, lw.err = l, nil
	if !lw.skip[l] && lw.computes(l) {
		op, err := lw.inf.Op(l)
		lw.fail(err)
		if err == nil {
			lw.dispatch(op)
		}
	}
	if lw.err != nil {
		return fmt.Errorf("%s %q: %w", l.Op.Kind(), l.Name, lw.err)
	}
	lw.release(l)
	return nil
}

// release counts the uses by l, which is lowered, as past.
func (lw *lowering) release(l *graph.Layer) {
	for _, v := range l.In {
		if t := lw.env[v]; v != nil && t != nil && t.store != nil {
			t.store.pending--
		}
	}
}

// computes reports whether l has an output that is not static.
func (lw *lowering) computes(l *graph.Layer) bool {
	return slices.ContainsFunc(l.Out, func(v *graph.Value) bool { return !lw.static[v] })
}

func (lw *lowering) dispatch(op graph.Op) {
	switch op := op.(type) {
	case *graph.Conv:
		lw.conv(op)
	case *graph.Deconv:
		lw.deconv(op)
	case *graph.FC:
		lw.fc(op)
	case *graph.MatMul:
		lw.matmul(op)
	case *graph.Pool:
		lw.pool(op)
	case *graph.BatchNorm:
		lw.batchNorm(op)
	case *graph.LayerNorm:
		lw.layerNorm(op)
	case *graph.LRN:
		lw.lrn(op)
	case *graph.Act:
		lw.activation(op.Activation)
	case *graph.Binary:
		lw.binary(op)
	case *graph.Softmax:
		lw.softmax(op)
	case *graph.Concat:
		lw.concat(op)
	case *graph.Split:
		lw.split(op)
	case *graph.Slice:
		lw.slice(op)
	case *graph.Reshape:
		lw.reshape()
	case *graph.Transpose:
		lw.transpose(op)
	case *graph.ShuffleChannel:
		lw.shuffle(op)
	case *graph.Pad:
		lw.pad(op)
	case *graph.Resize:
		lw.resize(op)
	case *graph.Reduce:
		lw.reduce(op)
	case *graph.Identity:
		lw.alias()
	case *graph.Quantize:
		lw.convert(op.Scale)
	case *graph.Dequantize:
		lw.dequantize(op)
	case *graph.Requantize:
		lw.convert(op.ScaleOut / op.ScaleIn)
	case *frame:
		lw.frame(op)
	default:
		lw.inGo(op)
	}
}
