package infer

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/octet-dnn/octet/dnnl"
	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// ErrNoPixels is wrapped by the error of NewPredictor where Options.Pixels asks for
// something that the network does not have: a first convolution that reads pixels.
var ErrNoPixels = errors.New("the network does not read pixels")

// A PixelOrder is the order of the bytes of pictures.
type PixelOrder uint8

// What a predictor takes as pictures.
const (
	NoPixels   PixelOrder = iota // what the network takes, FP32
	PixelsNCHW                   // UInt8, one channel after the other
	PixelsNHWC                   // UInt8, the channels of a pixel side by side, as pictures are decoded
)

func (o PixelOrder) check() error {
	if o > PixelsNHWC {
		return fmt.Errorf("infer: option Pixels is %d: want NoPixels, PixelsNCHW or PixelsNHWC", o)
	}
	return nil
}

// takePixels returns a copy of g whose input is the pixels that g makes of it, see
// stem: as UInt8 of that order, by the name of the input.
func takePixels(g *graph.Graph, order PixelOrder) (*graph.Graph, error) {
	g = g.Clone()
	outputs := map[*graph.Value]bool{}
	for _, o := range g.Outputs {
		outputs[o.Value] = o.Value.DType != model.UInt8 // the pixels themselves stay
	}
	users := consumers(g)
	for _, s := range stems(g, outputs) {
		at := slices.Index(g.Inputs, s.picture)
		if s.shift == nil || at < 0 || len(users[s.picture]) != 1 || s.integers.DType != model.UInt8 {
			continue
		}
		channels := int64(len(s.shift))
		dims := []int64{s.picture.Dims[0], channels, s.picture.Dims[2], s.picture.Dims[3]}
		if order == PixelsNHWC {
			dims = []int64{dims[0], dims[2], dims[3], channels}
		}
		pixels := &graph.Value{Name: s.picture.Name, DType: model.UInt8, Dims: dims}
		framed := &graph.Layer{
			Name: s.integers.Name, Op: &frame{order, s.pads, s.shift}, In: []*graph.Value{pixels}, Out: []*graph.Value{s.integers},
		}
		s.integers.Producer = framed
		g.Inputs[at] = pixels
		g.Layers[slices.Index(g.Layers, s.layers[0])] = framed
		g.Layers = slices.DeleteFunc(g.Layers, func(l *graph.Layer) bool { return slices.Contains(s.layers, l) })
		return g, nil
	}
	return nil, fmt.Errorf("infer: pixels for %s: %w", g.Name, ErrNoPixels)
}

// A frame puts padding around pixels. In: UInt8 of that order. Out: UInt8, NCHW, padded
// with the integer nearest to the shift of the channel.
type frame struct {
	order PixelOrder
	pads  [4]int // top, bottom, left, right
	shift []float32
}

// Kind names the operation.
func (*frame) Kind() string { return "pixels" }

// Infer returns the shape of the padded pixels.
func (op *frame) Infer(in []graph.Shape) ([]graph.Shape, error) {
	if len(in) != 1 || len(in[0]) != 4 {
		return nil, fmt.Errorf("pixels %v: want four dims: %w", in, graph.ErrShape)
	}
	s := op.nchw(in[0])
	if s[1] != len(op.shift) {
		return nil, fmt.Errorf("pixels %v: want %d channels: %w", in[0], len(op.shift), graph.ErrShape)
	}
	return []graph.Shape{{s[0], s[1], s[2] + op.pads[0] + op.pads[1], s[3] + op.pads[2] + op.pads[3]}}, nil
}

func (op *frame) nchw(dims []int) []int {
	if op.order == PixelsNHWC {
		return []int{dims[0], dims[3], dims[1], dims[2]}
	}
	return dims
}

// pixels views what a frame reads as NCHW.
func (lw *lowering) pixels(op *frame, x *tensor) *tensor {
	if lw.err != nil || op.order != PixelsNHWC {
		return x
	}
	dims := op.nchw(x.dims)
	return lw.view(x, lw.desc(dims, x.dtype, channelsLast), dims, channelsLast)
}

// frame lowers a frame where no kernel for the convolution does that.
func (lw *lowering) frame(op *frame) {
	x := lw.pixels(op, lw.in(0))
	dims := lw.outDims(0)
	border, bytes, err := lw.constants.dense(dims, dnnl.U8, channelsLast)
	lw.fail(err)
	y := lw.temp(dims, dnnl.U8, channelsLast)
	if lw.err != nil {
		return
	}
	for i := range bytes {
		bytes[i] = byte(math.RoundToEven(float64(min(max(op.shift[i%len(op.shift)], 0), math.MaxUint8))))
	}
	lw.reorder(border, y, 1)
	lw.reorder(x, lw.part(y, x.dims, []int{0, 0, op.pads[0], op.pads[2]}), 1)
	lw.result(0, y)
}
