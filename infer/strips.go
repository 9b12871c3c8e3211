package infer

import (
	"slices"

	"github.com/octet-dnn/octet/graph"
)

// Where a residual block changes the number of channels, its branch is a 1x1
// convolution whose FP32 result only the last convolution of the block adds. That
// map is four times as large as any other of the network, and on its way out to
// the outer caches and back it costs more than the products: with AMX a tenth of
// ResNet-50. So the two convolutions take turns, strip by strip of rows, and the
// strip of the branch stays in the core's own cache. That changes no byte.

// stripShare is the part of the bytes that stay in the cache (see stages) which a
// strip may fill: with the usual four caches a quarter of one.
const stripShare = 16

// findBranches finds the convolutions whose results are only added to that of a
// fused 1x1 convolution, and moves them in front of it.
func (b *body) findBranches() {
	b.branches = map[*graph.Layer]bool{}
	for l, f := range b.fused {
		if f.add == nil {
			continue
		}
		p := f.add.Producer
		if p == nil || b.uses[f.add] != 1 || b.watch[f.add] || b.fused[p] != nil || !onePixel(p) || !onePixel(l) {
			continue
		}
		b.branches[p] = true
		layers := slices.DeleteFunc(slices.Clone(b.graph.Layers), func(x *graph.Layer) bool { return x == p })
		b.graph.Layers = slices.Insert(layers, slices.Index(layers, l), p)
	}
}

// onePixel reports whether l is a convolution by a parameter of 1x1, without a
// residual of its own.
func onePixel(l *graph.Layer) bool {
	c, ok := l.Op.(*graph.Conv)
	if !ok || c.Groups != 1 || len(l.In) > 3 && l.In[3] != nil {
		return false
	}
	f := l.In[1].Const
	return f != nil && len(f.Dims) == 4 && f.Dims[2] == 1 && f.Dims[3] == 1
}

// branchOf returns the branch that is added to fused layer l, nil if it has none.
func (b *body) branchOf(l *graph.Layer) *graph.Layer {
	if f := b.fused[l]; f != nil && f.add != nil && b.branches[f.add.Producer] {
		return f.add.Producer
	}
	return nil
}

// inStrips lowers the branch that is held back together with c, which adds it,
// and reports whether it has. Otherwise the branch is lowered as a whole.
func (lw *lowering) inStrips(c *convolution) bool {
	b := lw.held
	lw.held = nil
	strip := lw.stripRows(b, c)
	if strip == 0 {
		see := lw.viewFor(b)
		lw.runConv(b, see(b.x), see(b.y))
		lw.define(b.layer.Out[0], b.y)
		return false
	}
	rows := c.y.dims[0] * c.y.dims[2]
	sum := lw.temp([]int{1, b.y.dims[1], strip, b.y.dims[3]}, b.y.dtype, channelsLast)
	from := lw.strip(b.x, strip*b.window.Strides[0])
	bj, bargs := lw.convJob(b, from, sum)
	lw.joinFusion(&c.epilogue, func(*tensor) *tensor { return sum })
	src, dst := lw.strip(c.x, strip), lw.strip(c.y, strip)
	cj, cargs := lw.convJob(c, src, dst)
	for i := range rows / strip {
		lw.run(bj, shifted(bargs, i, from)...)
		lw.run(cj, shifted(cargs, i, src, dst)...)
	}
	lw.resultAs(c.y)
	return true
}

// stripRows returns of how many rows, of all images below each other, the strips
// of branch b and c are to be; 0 if they cannot or need not be cut.
func (lw *lowering) stripRows(b, c *convolution) int {
	if lw.err != nil || !b.small() || !c.pointwise() || !slices.Equal(b.y.dims, c.y.dims) {
		return 0
	}
	for _, t := range []*tensor{b.x, c.x, c.y} {
		if t.store == nil || !slices.Equal(t.desc.Strides(), strides(t.dims, channelsLast)) {
			return 0
		}
	}
	if b.x.dims[2] != b.y.dims[2]*b.window.Strides[0] {
		return 0 // a strip of the input would not start where the last one ends
	}
	all := b.y.dims[0] * b.y.dims[2]
	row := b.y.dims[3] * b.y.dims[1] * b.y.dtype.Size()
	if all*row <= lw.stripBytes {
		return 0
	}
	n := max(lw.stripBytes/row, 1)
	for all%n != 0 {
		n--
	}
	return n
}

// strip views the first rows of t, of all images below each other.
func (lw *lowering) strip(t *tensor, rows int) *tensor {
	if lw.err != nil {
		return t
	}
	dims := []int{1, t.dims[1], rows, t.dims[3]}
	return lw.view(t, lw.desc(dims, t.dtype, channelsLast), dims, channelsLast)
}

// shifted returns args with each of the tensors moved to its strip i.
func shifted(args []arg, i int, moving ...*tensor) []arg {
	args = slices.Clone(args)
	for k, a := range args {
		if !slices.Contains(moving, a.t) {
			continue
		}
		t := *a.t
		t.skip = i * elems(t.dims) * t.dtype.Size()
		args[k] = arg{a.arg, &t}
	}
	return args
}
