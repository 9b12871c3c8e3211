package graph

import (
	"math"
	"slices"
	"strings"

	"github.com/octet-dnn/octet/model"
)

// shape writes layers that move elements.
func (e *exporter) shape(l *Layer) error {
	switch op := l.Op.(type) {
	case *Reshape:
		return e.reshape(l, op)
	case *Transpose:
		e.withXShape(l, "transpose2", intsAttr("axis", op.Perm...))
	case *Concat:
		e.concat(l, op)
	case *Split:
		e.split(l, op)
	case *Slice:
		e.slice(l, op)
	case *Pad:
		return e.pad(l, op)
	case *Resize:
		e.resize(l, op)
	case *ShuffleChannel:
		e.shuffle(l, op)
	case *Cast:
		e.simple(l, "cast", model.IntAttr("in_dtype", int32(l.In[0].DType)), model.IntAttr("out_dtype", int32(op.To)))
	case *Identity:
		e.simple(l, "assign")
	default:
		if !e.dynamic(l) && !e.detect(l) {
			return unsupportedErr("a %s layer cannot be written", l.Op.Kind())
		}
	}
	return nil
}

func (e *exporter) slice(l *Layer, op *Slice) {
	typ, attrs := "slice", []model.Attr{
		intsAttr("axes", op.Axes...), intsAttr("starts", op.Starts...), intsAttr("ends", op.Ends...),
		intsAttr("decrease_axis", op.Squeeze...), intsAttr("infer_flags", slices.Repeat([]int{1}, len(op.Axes))...),
	}
	if op.Strides != nil {
		typ, attrs = "strided_slice", append(attrs, intsAttr("strides", op.Strides...))
		ends := slices.Clone(op.Ends)
		for i, end := range ends {
			if op.Step(i) < 0 && end == math.MinInt32 {
				ends[i] = -1 // see openEnds
			}
		}
		attrs[2] = intsAttr("ends", ends...)
	}
	split := 1 + op.StartOperands
	in := withOperands(model.Slots("Input", l.In[0].Name), l.In[1:split], "StartsTensor", "StartsTensorList")
	in = withOperands(in, l.In[split:], "EndsTensor", "EndsTensorList")
	e.block.AddOp(typ, in, model.Slots("Out", l.Out[0].Name), attrs...)
}

// withXShape writes one of the ops that keep their input's shape for a backward
// pass that never comes; Paddle 1.x insists on the variable.
func (e *exporter) withXShape(l *Layer, typ string, attrs ...model.Attr) {
	e.simple(l, typ, attrs...)
	op := e.block.Ops[len(e.block.Ops)-1]
	dims := append([]int64{0}, e.declared[l.In[0]]...)
	op.Outputs = append(op.Outputs, model.Slots("XShape", e.temp(l.Out[0], "xshape", model.FP32, dims...))...)
}

func (e *exporter) reshape(l *Layer, op *Reshape) error {
	switch op.Mode {
	case ReshapeTo:
		e.withXShape(l, "reshape2", intsAttr("shape", op.Dims...))
		written := e.block.Ops[len(e.block.Ops)-1]
		written.Inputs = withOperands(written.Inputs, l.In[1:], "Shape", "ShapeTensor")
	case ReshapeSqueeze:
		e.withXShape(l, "squeeze2", intsAttr("axes", op.Dims...))
	case ReshapeUnsqueeze:
		e.withXShape(l, "unsqueeze2", intsAttr("axes", op.Dims...))
	case ReshapeFlatten:
		e.withXShape(l, "flatten_contiguous_range",
			model.IntAttr("start_axis", int32(op.Dims[0])), model.IntAttr("stop_axis", int32(op.Dims[1])))
	case ReshapeFlatten2:
		e.withXShape(l, "flatten2", model.IntAttr("axis", int32(op.Dims[0])))
	default:
		return programErr("reshape mode %d", op.Mode)
	}
	return nil
}

// shuffle writes the three ops that Paddle's training API has for it, since only
// those have integer kernels and are left in Paddle 3.
func (e *exporter) shuffle(l *Layer, op *ShuffleChannel) {
	x, out := l.In[0], l.Out[0]
	dims := e.declared[x]
	each := dims[1] / int64(op.Groups)
	split := e.temp(out, "groups", x.DType, dims[0], int64(op.Groups), each, -1)
	swapped := e.temp(out, "swapped", x.DType, dims[0], each, int64(op.Groups), -1)
	e.moved("reshape2", x, x.Name, split, intsAttr("shape", 0, op.Groups, int(each), -1))
	e.moved("transpose2", x, split, swapped, intsAttr("axis", 0, 2, 1, 3))
	if dims[2] >= 0 && dims[3] >= 0 {
		e.moved("reshape2", x, swapped, out.Name, intsAttr("shape", 0, int(dims[1]), int(dims[2]), int(dims[3])))
		return
	}
	shape := e.temp(out, "shape", model.Int32, 4)
	e.block.AddOp("shape", model.Slots("Input", x.Name), model.Slots("Out", shape), model.BoolAttr("use_mkldnn", isInt8(x)))
	e.moved("reshape2", x, swapped, out.Name, intsAttr("shape", -1, int(dims[1]), 0, 0))
	last := e.block.Ops[len(e.block.Ops)-1]
	last.Inputs = append(last.Inputs, model.Slots("Shape", shape)...)
}

// moved writes one op on the way of v's elements.
func (e *exporter) moved(typ string, v *Value, from, to string, attrs ...model.Attr) {
	shape := e.temp(v, "xshape", model.FP32)
	e.block.AddOp(typ, model.Slots("X", from), model.Slots("Out", to, "XShape", shape), append(attrs, model.BoolAttr("use_mkldnn", isInt8(v)))...)
}

func (e *exporter) concat(l *Layer, op *Concat) {
	x := model.Slot{Name: "X"}
	for _, v := range l.In {
		x.Args = append(x.Args, v.Name)
	}
	e.block.AddOp("concat", []model.Slot{x}, model.Slots("Out", l.Out[0].Name),
		model.IntAttr("axis", int32(op.Axis)), model.BoolAttr("use_mkldnn", isInt8(l.In[0])))
}

func (e *exporter) split(l *Layer, op *Split) {
	out := model.Slot{Name: "Out"}
	for _, v := range l.Out {
		out.Args = append(out.Args, v.Name)
	}
	num := op.Num
	if len(op.Sizes) > 0 {
		num = 0
	}
	e.block.AddOp("split", model.Slots("X", l.In[0].Name), []model.Slot{out}, model.IntAttr("axis", int32(op.Axis)),
		intsAttr("sections", op.Sizes...), model.IntAttr("num", int32(num)), model.BoolAttr("use_mkldnn", isInt8(l.In[0])))
}

// pad writes borders of maps through unsqueeze2, pad3d and squeeze2, as Paddle 2.x
// does; the 1.3 form has pad2d. Other constant borders are a pad, which every version
// has; but with oneDNN, Paddle 2.6 and 3.3 write past the end of memory there where
// maps get borders (paddle_faults.py).
func (e *exporter) pad(l *Layer, p *Pad) error {
	rank := len(p.Before)
	maps := rank == 4 && p.Before[0]+p.After[0]+p.Before[1]+p.After[1] == 0
	if p.Mode == PadConstant && (e.form == FormV13 || !maps) {
		var list []int
		for i := range p.Before {
			list = append(list, p.Before[i], p.After[i])
		}
		e.simple(l, "pad", intsAttr("paddings", list...), model.FloatAttr("pad_value", p.Value))
		return nil
	}
	if rank != 4 && rank != 5 || p.Before[0]+p.After[0]+p.Before[1]+p.After[1] != 0 {
		return unsupportedErr("reflected padding of %v and %v cannot be written", p.Before, p.After)
	}
	mode, mode2D := "reflect", "reflect"
	switch p.Mode {
	case PadConstant:
		mode, mode2D = "constant", "constant"
	case PadEdge:
		mode, mode2D = "replicate", "edge"
	case PadCircular:
		mode, mode2D = "circular", ""
	}
	if rank == 5 {
		e.simple(l, "pad3d", model.StringAttr("mode", mode), model.FloatAttr("value", p.Value), model.StringAttr("data_format", "NCDHW"),
			intsAttr("paddings", p.Before[4], p.After[4], p.Before[3], p.After[3], p.Before[2], p.After[2]))
		return nil
	}
	if e.form == FormV13 && mode2D != "" {
		e.simple(l, "pad2d", model.StringAttr("mode", mode2D), model.StringAttr("data_format", "NCHW"),
			intsAttr("paddings", p.Before[2], p.After[2], p.Before[3], p.After[3]), model.FloatAttr("pad_value", p.Value))
		return nil
	}
	out, in := l.Out[0], l.In[0]
	flat := e.temp(out, "in", in.DType, slices.Insert(slices.Clone(e.declared[in]), 2, 1)...)
	padded := e.temp(out, "padded", in.DType, slices.Insert(slices.Clone(e.declared[out]), 2, 1)...)
	e.block.AddOp("unsqueeze2", model.Slots("X", in.Name), model.Slots("Out", flat), intsAttr("axes", 2))
	e.block.AddOp("pad3d", model.Slots("X", flat), model.Slots("Out", padded), model.StringAttr("mode", mode),
		intsAttr("paddings", p.Before[3], p.After[3], p.Before[2], p.After[2], 0, 0),
		model.FloatAttr("value", p.Value), model.StringAttr("data_format", "NCDHW"))
	e.block.AddOp("squeeze2", model.Slots("X", padded), model.Slots("Out", out.Name), intsAttr("axes", 2))
	return nil
}

func (e *exporter) resize(l *Layer, op *Resize) {
	typ, method := "bilinear_interp_v2", "bilinear"
	if op.Nearest {
		typ, method = "nearest_interp_v2", "nearest"
	}
	var scale []float32
	if op.ScaleH > 0 && op.ScaleW > 0 {
		scale = []float32{op.ScaleH, op.ScaleW}
	}
	scales := model.FloatsAttr("scale", scale...)
	if op.ByRatio { // the ops of 1.x take one scale for both dims
		typ, scales = strings.TrimSuffix(typ, "_v2"), model.FloatAttr("scale", op.ScaleH)
	}
	e.simple(l, typ, model.StringAttr("interp_method", method), scales,
		model.IntAttr("out_d", -1), model.IntAttr("out_h", int32(op.OutH)), model.IntAttr("out_w", int32(op.OutW)),
		model.BoolAttr("align_corners", op.AlignCorners), model.IntAttr("align_mode", int32(op.AlignMode)),
		model.StringAttr("data_layout", "NCHW"))
	written := e.block.Ops[len(e.block.Ops)-1]
	written.Inputs = withOperands(written.Inputs, l.In[1:], "OutSize", "SizeTensor")
}
