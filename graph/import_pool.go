package graph

import (
	"slices"
	"strings"

	"github.com/octet-dnn/octet/model"
)

var poolImporters = map[string]importFunc{
	"pool2d":                importPool,
	"max_pool2d_with_index": importMaxPool,
	"pool3d":                importPool3D,
	"nearest_interp":        importResize,
	"nearest_interp_v2":     importResize,
	"bilinear_interp":       importResize,
	"bilinear_interp_v2":    importResize,
	"shuffle_channel":       importShuffle,
}

// importPool reads pool2d. An adaptive pool to 1x1 is a global one.
func importPool(r *reader) {
	p := &Pool{
		Type:     r.poolKind(),
		Strides:  r.pair("strides", 1, 1),
		Pads:     r.pads("paddings"),
		PadMode:  r.padMode(),
		Global:   r.flag("global_pooling", false),
		Adaptive: r.flag("adaptive", false),
		CeilMode: r.flag("ceil_mode", false),
	}
	if !p.Global {
		p.Kernel = r.pair("ksize")
	}
	if p.Adaptive && p.Kernel == [2]int{1, 1} {
		p.Global = true
	}
	if p.Global {
		*p = Pool{Type: p.Type, Global: true, Strides: [2]int{1, 1}}
	}
	x := r.in("X")
	if !isInt8(x) {
		r.float(x)
	}
	r.spatial("Out", r.channelsLast("data_format"), p, x, typeOf(x))
}

// importMaxPool reads max_pool2d_with_index, whose indices are for training.
func importMaxPool(r *reader) {
	p := &Pool{
		Type: MaxPool, Kernel: r.pair("ksize"), Strides: r.pair("strides", 1, 1), Pads: r.pads("paddings"),
		Global: r.flag("global_pooling", false), Adaptive: r.flag("adaptive", false), CeilMode: r.flag("ceil_mode", false),
	}
	if p.Global {
		*p = Pool{Type: MaxPool, Global: true, Strides: [2]int{1, 1}}
	}
	x := r.in("X")
	r.float(x)
	r.emit(p, x).out("Out", model.FP32)
}

func (r *reader) poolKind() PoolKind {
	switch kind, exclusive := r.text("pooling_type", ""), r.flag("exclusive", true); {
	case kind == "max":
		return MaxPool
	case kind == "avg" && exclusive:
		return AvgPoolExclusive
	case kind == "avg":
		return AvgPoolInclusive
	default:
		r.fail(programErr("attribute pooling_type is %q", kind))
		return MaxPool
	}
}

// importPool3D knows the one form that occurs in networks of images: the
// average over neighbouring channels inside local_response_norm.
func importPool3D(r *reader) {
	k := r.ints("ksize")
	ok := len(k) == 3 && k[0] > 0 && k[1] == 1 && k[2] == 1 &&
		r.text("pooling_type", "") == "avg" &&
		slices.Equal(r.ints("strides", 1, 1, 1), []int{1, 1, 1}) &&
		slices.Max(append(r.ints("paddings"), 0)) == 0 &&
		!r.flag("global_pooling", false) && !r.flag("adaptive", false) && !r.flag("ceil_mode", false)
	if !ok {
		r.fail(unsupportedErr("3-d pooling outside local_response_norm"))
		k = []int{1}
	}
	x := r.in("X")
	r.float(x)
	r.emit(&channelAvg{Size: k[0]}, x).out("Out", typeOf(x))
}

// channelAvg averages Size neighbours along dim 2 of a tensor of rank 5. It is
// a part of local_response_norm that a pass replaces; no executor sees it.
type channelAvg struct{ Size int }

func (*channelAvg) Kind() string { return "pool3d" }

func (c *channelAvg) Infer(in []Shape) ([]Shape, error) {
	if err := wantInputs(in, 1, 1); err != nil {
		return nil, err
	}
	if err := wantRank("input", in[0], 5); err != nil {
		return nil, err
	}
	out := slices.Clone(in[0])
	if out[2] -= c.Size - 1; out[2] < 1 {
		return nil, shapeErr("window of %d in %v", c.Size, in[0])
	}
	return []Shape{out}, nil
}

func importResize(r *reader) {
	s := &Resize{
		OutH:         r.int("out_h", 0),
		OutW:         r.int("out_w", 0),
		AlignCorners: r.flag("align_corners", true),
		AlignMode:    r.int("align_mode", 1),
	}
	switch method := r.text("interp_method", "bilinear"); method {
	case "nearest":
		s.Nearest = true
	case "bilinear":
	default:
		r.fail(unsupportedErr("interp_method %q", method))
	}
	operands := r.operands("SizeTensor", "OutSize")
	switch scale := r.resizeScale(); {
	case len(scale) == 0 || len(operands) > 0:
	case len(scale) == 1:
		s.ScaleH, s.ScaleW = scale[0], scale[0]
	case len(scale) == 2:
		s.ScaleH, s.ScaleW = scale[0], scale[1]
	default:
		r.fail(programErr("attribute scale is %v: want two numbers", scale))
	}
	s.ByRatio = !(whole(s.ScaleH) && whole(s.ScaleW)) && s.ScaleH > 0 && !strings.HasSuffix(r.op.Type, "_v2")
	x := r.in("X")
	if !isInt8(x) || !PassesIntegers(s) {
		r.float(x)
	}
	r.spatial("Out", r.channelsLast("data_layout"), s, x, typeOf(x), operands...)
}

// resizeScale reads scale: a list in the v2 ops, one number before, or a
// constant tensor; 0 is unset.
func (r *reader) resizeScale() []float32 {
	if v := r.optional("Scale"); v != nil {
		return r.constant(v, "Scale").Const.Float32s()
	}
	a := r.op.Attr("scale")
	if a == nil {
		return nil
	}
	if f, ok := a.Value.(float32); ok {
		if f <= 0 {
			return nil
		}
		return []float32{r.finite("scale", f)}
	}
	return r.numbers("scale")
}

func importShuffle(r *reader) {
	x := r.in("X")
	r.emit(&ShuffleChannel{Groups: r.int("group", 1)}, x).out("Out", typeOf(x))
}
