package infer

import (
	"errors"
	"slices"

	"github.com/octet-dnn/octet/dnnl"
	"github.com/octet-dnn/octet/graph"
)

// A stem is what stands between an input of the network and the convolution
// that is alone in reading it as integers: a quantisation, or the four layers that turn
// it into pixels, as calibrate.Options.Pixels writes them. One kernel does it
// together with the convolution, see dnnl.Stem: the integers never go to memory.
type stem struct {
	picture  *graph.Value   // the input
	layers   []*graph.Layer // in their order; the last one quantises
	integers *graph.Value   // what that gives
	pads     [4]int         // around the picture
	// One number a channel, or nil without the layers that turn it into pixels.
	factor, shift []float32
	frame         *frame // where the input is pixels, see takePixels
}

// stems finds the stems of the convolutions that have one.
func stems(g *graph.Graph, outputs map[*graph.Value]bool) map[*graph.Layer]*stem {
	found := map[*graph.Layer]*stem{}
	f := stemFinder{consumers(g), outputs}
	for _, l := range g.Layers {
		if conv, ok := l.Op.(*graph.Conv); ok {
			if s := f.stem(l, conv); s != nil {
				found[l] = s
			}
		}
	}
	return found
}

type stemFinder struct {
	users   map[*graph.Value][]*graph.Layer
	outputs map[*graph.Value]bool
}

func (f stemFinder) stem(l *graph.Layer, conv *graph.Conv) *stem {
	w := l.In[1].Const
	if w == nil || w.Dims[2]*w.Dims[3] == 1 {
		return nil
	}
	l = f.behind(l.In[0])
	if l == nil {
		return nil
	}
	s := &stem{picture: l.In[0], layers: []*graph.Layer{l}, integers: l.Out[0]}
	switch op := l.Op.(type) {
	case *graph.Quantize:
		if op.Scale == 1 && l.In[0].Producer != nil && !f.pixels(s, conv, w.Dims[1]) {
			return nil
		}
	case *frame:
		s.frame, s.pads, s.shift = op, op.pads, op.shift
	default:
		return nil
	}
	// Nothing is computed in the place of an input.
	if s.picture.Producer != nil || s.picture.Const != nil {
		return nil
	}
	return s
}

// behind returns the layer that computes v for one reader, or nil.
func (f stemFinder) behind(v *graph.Value) *graph.Layer {
	if v.Producer == nil || len(f.users[v]) != 1 || f.outputs[v] {
		return nil
	}
	return v.Producer
}

// pixels takes the layers that turn the picture into pixels into s, and reports
// whether these are there.
func (f stemFinder) pixels(s *stem, conv *graph.Conv, channels int64) bool {
	if conv.PadMode == graph.PadSame || conv.Pads != [4]int{} {
		return false
	}
	shift, scale := f.behind(s.picture), (*graph.Layer)(nil)
	if shift != nil {
		scale = f.behind(shift.In[0])
	}
	if s.shift = perChannel(shift, graph.Add, channels); s.shift == nil {
		return false
	}
	if s.factor = perChannel(scale, graph.MulElem, channels); s.factor == nil {
		return false
	}
	s.picture, s.layers = scale.In[0], append([]*graph.Layer{scale, shift}, s.layers...)
	pad := f.behind(s.picture)
	if pad == nil {
		return true
	}
	op, ok := pad.Op.(*graph.Pad)
	if !ok || op.Mode != graph.PadConstant || op.Value != 0 || len(op.Before) != 4 || op.Before[0]|op.Before[1]|op.After[0]|op.After[1] != 0 {
		return false
	}
	s.pads = [4]int{op.Before[2], op.After[2], op.Before[3], op.After[3]}
	s.picture, s.layers = pad.In[0], append([]*graph.Layer{pad}, s.layers...)
	return true
}

// perChannel returns the constant with one number a channel that l combines a
// map of so many channels with, or nil if it does something else.
func perChannel(l *graph.Layer, kind graph.BinaryKind, channels int64) []float32 {
	if l == nil {
		return nil
	}
	op, ok := l.Op.(*graph.Binary)
	c := l.In[min(1, len(l.In)-1)].Const
	plain := ok && (op.Act.Kind == graph.ActNone || kind == graph.Add && op.Act.Kind == graph.ActReLU)
	if !plain || op.Type != kind || op.Axis != -1 || c == nil || !slices.Equal(c.Dims, []int64{1, channels, 1, 1}) {
		return nil
	}
	return c.Float32s()
}

// stemSrc describes the integers that the current convolution reads, padded, if it is to
// quantise them itself. They have no place.
func (lw *lowering) stemSrc(s *stem) *tensor {
	dt, err := dataType(s.integers.DType)
	lw.fail(err)
	if lw.err != nil {
		return nil
	}
	dims := lw.shapes[s.integers]
	return &tensor{desc: lw.desc(dims, dt, channelsLast), dims: dims, dtype: dt, layout: channelsLast}
}

// stem returns what makes the current convolution with its stem, and the
// arguments that this takes instead of the source, or nil if there is no kernel
// for it: then steps of their own make the integers.
func (lw *lowering) stem(s *stem, conv dnnl.Convolution) (creator, []arg) {
	picture := lw.env[s.picture]
	if s.frame != nil {
		picture = lw.pixels(s.frame, picture)
	}
	conv.Src = lw.desc(picture.dims, conv.Src.DataType(), channelsLast)
	conv.PadL = []int{conv.PadL[0] + s.pads[0], conv.PadL[1] + s.pads[2]}
	conv.PadR = []int{conv.PadR[0] + s.pads[1], conv.PadR[1] + s.pads[3]}
	c := dnnl.Stem{Picture: picture.desc, Conv: conv, Shift: s.shift != nil}
	if !lw.exists(c) {
		return nil, nil
	}
	args := []arg{{dnnl.ArgSrc, picture}}
	if s.shift == nil {
		factor := s.layers[len(s.layers)-1].Op.(*graph.Quantize).Scale
		return c, append(args, arg{dnnl.ArgFactor, lw.scale(factor)})
	}
	shift, err := lw.constants.floats(s.shift)
	lw.fail(err)
	if args = append(args, arg{dnnl.ArgShift, shift}); s.factor != nil {
		args = append(args, arg{dnnl.ArgFactor, lw.scale(s.factor...)})
	}
	return c, args
}

// quantised lowers the stem of the current convolution, and returns the integers.
func (lw *lowering) quantised(s *stem) *tensor {
	conv := lw.layer
	for _, l := range s.layers {
		lw.layer = l
		op, err := lw.inf.Op(l)
		lw.fail(err)
		if lw.err == nil {
			lw.dispatch(op)
		}
		lw.release(l)
	}
	lw.layer = conv
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
