package infer

import (
	"errors"

	"github.com/octet-dnn/octet/dnnl"
	"github.com/octet-dnn/octet/graph"
)

// stems finds the convolutions that are alone in reading a quantised input of
// the network, and the layers that quantise it. One kernel can do both, see
// dnnl.Stem: the integers never go to memory.
func stems(g *graph.Graph, outputs map[*graph.Value]bool) map[*graph.Layer]*graph.Layer {
	found := map[*graph.Layer]*graph.Layer{}
	users := consumers(g)
	for _, l := range g.Layers {
		if _, ok := l.Op.(*graph.Conv); !ok {
			continue
		}
		v, f := l.In[0], l.In[1].Const
		if v.Producer == nil || len(users[v]) != 1 || outputs[v] || f == nil || f.Dims[2]*f.Dims[3] == 1 {
			continue
		}
		q := v.Producer
		// Nothing is computed in the place of an input.
		if _, ok := q.Op.(*graph.Quantize); ok && q.In[0].Producer == nil && q.In[0].Const == nil {
			found[l] = q
		}
	}
	return found
}

// stemSrc describes the integers that the current convolution reads if it is to
// quantise them itself. They have no place.
func (lw *lowering) stemSrc(quantize *graph.Layer) *tensor {
	v := quantize.Out[0]
	dt, err := dataType(v.DType)
	lw.fail(err)
	if lw.err != nil {
		return nil
	}
	return &tensor{desc: lw.desc(lw.shapes[v], dt, channelsLast), dims: lw.shapes[v], dtype: dt, layout: channelsLast}
}

// stem returns what makes the current convolution with its quantisation, and
// the arguments that this takes instead of the source, or nil if there is no
// kernel for it: then the source is quantised by a step of its own.
func (lw *lowering) stem(quantize *graph.Layer, conv dnnl.Convolution) (creator, []arg) {
	picture := lw.env[quantize.In[0]]
	s := dnnl.Stem{Picture: picture.desc, Conv: conv}
	if !lw.exists(s) {
		return nil, nil
	}
	factor := lw.scale(quantize.Op.(*graph.Quantize).Scale)
	return s, []arg{{dnnl.ArgSrc, picture}, {dnnl.ArgFactor, factor}}
}

// quantised lowers the layer in front of the current one.
func (lw *lowering) quantised(quantize *graph.Layer) *tensor {
	l := lw.layer
	lw.layer = quantize
	lw.convert(quantize.Op.(*graph.Quantize).Scale)
	lw.layer = l
	return lw.in(0)
}

// isPicture reports whether op reads what looks like a picture in FP32: a few
// channels, one after the other. There may be a kernel for that: see takesPicture.
func (lw *lowering) isPicture(op *graph.Conv, x *tensor) bool {
	return lw.err == nil && !lw.branches[lw.layer] && lw.held == nil &&
		op.Int8 == nil && op.Groups == 1 && x.dtype == dnnl.F32 && x.layout == plain && len(x.dims) == 4 && x.dims[1] <= 4
}

// takesPicture reports whether a kernel of Octet's own does the convolution from
// the picture as it is. If not, that must be turned first.
func (lw *lowering) takesPicture(conv dnnl.Convolution) bool {
	conv.Attr.Impl = dnnl.Own
	return lw.exists(conv)
}

// exists reports whether there is an implementation of what c makes.
func (lw *lowering) exists(c creator) bool {
	if lw.err != nil {
		return false
	}
	p, err := c.New(lw.engine)
	if errors.Is(err, dnnl.ErrUnimplemented) {
		return false
	}
	lw.fail(err)
	if lw.err != nil {
		return false
	}
	p.Close()
	return true
}
