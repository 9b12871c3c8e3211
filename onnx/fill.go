package onnx

import (
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
	"github.com/octet-dnn/octet/onnx/internal/pb"
)

// fill writes layers that make tensors larger, and those about dims.
func (e *exporter) fill(l *graph.Layer) error {
	in, err := e.ins(graph.DataInputs(l)...)
	if err != nil {
		return err
	}
	y := l.Out[0]
	switch op := l.Op.(type) {
	case *graph.ShapeOf:
		shape := e.step(y, "Shape", e.infoOf(y).as(model.Int64), in)
		e.give(e.step(y, "Cast", e.infoOf(y), []string{shape}, intAttr("to", int(elemTypes[y.DType]))), y)
	case *graph.Pad:
		return e.pad(l, op, in[0])
	case *graph.Resize:
		return e.resize(l, op, in[0])
	case *graph.Expand:
		return e.expand(l, in[0])
	case *graph.Fill:
		return e.constantFill(l, op, in)
	}
	return nil
}

var padModes = map[graph.PadKind]string{graph.PadConstant: "constant", graph.PadReflect: "reflect", graph.PadEdge: "edge"}

func (e *exporter) pad(l *graph.Layer, op *graph.Pad, x string) error {
	if op.Mode == graph.PadCircular {
		return e.wrap(l, op, x)
	}
	in := []string{x, e.list(slices.Concat(op.Before, op.After)...)}
	if op.Mode == graph.PadConstant {
		in = append(in, e.number(op.Value))
	}
	e.result(l.Out[0], "Pad", in, textAttr("mode", padModes[op.Mode]))
	return nil
}

// wrap pads each dim by the elements of its other end: ONNX does that from opset
// 19 on.
func (e *exporter) wrap(l *graph.Layer, op *graph.Pad, x string) error {
	y, i := l.Out[0], e.infoOf(l.In[0])
	for d := range op.Before {
		before, after := op.Before[d], op.After[d]
		if before+after == 0 {
			continue
		}
		if i.dims[d] < 0 {
			return refuse("circular padding of an open dim")
		}
		size := int(i.dims[d])
		piece := func(from, to int) string {
			p := i
			p.dims = slices.Clone(i.dims)
			p.dims[d] = int64(to - from)
			return e.step(y, "Slice", p, []string{x, e.list(from), e.list(to), e.list(d)})
		}
		var parts []string
		if before > 0 {
			parts = append(parts, piece(size-before, size))
		}
		parts = append(parts, x)
		if after > 0 {
			parts = append(parts, piece(0, after))
		}
		i.dims = slices.Clone(i.dims)
		i.dims[d] += int64(before + after)
		x = e.step(y, "Concat", i, parts, intAttr("axis", d))
	}
	e.give(x, y)
	return nil
}

// resize names Paddle's grids as ONNX does.
func (e *exporter) resize(l *graph.Layer, op *graph.Resize, x string) error {
	grid, mode, rounding := "pytorch_half_pixel", "linear", "floor"
	switch {
	case op.AlignCorners:
		grid, rounding = "align_corners", "round_prefer_ceil"
	case op.Nearest || op.AlignMode != 0:
		grid = "asymmetric"
	}
	if op.Nearest {
		mode = "nearest"
	}
	attrs := []*pb.Attribute{textAttr("coordinate_transformation_mode", grid), textAttr("mode", mode), intsAttr("axes", 2, 3)}
	if op.Nearest {
		attrs = append(attrs, textAttr("nearest_mode", rounding))
	}
	in := []string{x, "", "", ""}
	size := func() error {
		s, err := e.closed(l.Out[0], 2)
		if err == nil {
			in[3] = e.list(s[2], s[3])
		}
		return err
	}
	switch {
	case len(l.In) > 1:
		if err := size(); err != nil {
			if in[3], err = e.operands(l, l.In[len(graph.DataInputs(l)):]); err != nil {
				return err
			}
		}
	case op.ScaleH > 0 && op.ScaleW > 0 && !op.ByRatio:
		in[2] = e.constant(l.Name+"@scales", model.FP32, []int64{2}, float64(op.ScaleH), float64(op.ScaleW))
	default:
		if err := size(); err != nil {
			return err
		}
	}
	e.result(l.Out[0], "Resize", in, attrs...)
	return nil
}

// expand writes repetitions, or a broadcast, where ONNX spells a dim that stays
// as 1.
func (e *exporter) expand(l *graph.Layer, x string) error {
	to := l.Op.(*graph.Expand).To
	y, rank := l.Out[0], e.rank(l.In[0])
	node, dims := "Tile", ""
	if to {
		node = "Expand"
	}
	resolved, err := e.resolved(l)
	if err != nil {
		if dims, err = e.operands(l, l.In[len(graph.DataInputs(l)):]); err != nil {
			return err
		}
		if to {
			dims = e.step(y, "Abs", plain(model.Int64, int64(e.rank(y))), []string{dims})
		}
	} else {
		list := slices.Clone(resolved.(*graph.Expand).Dims)
		for i, d := range list {
			if to && d == -1 {
				list[i] = 1
			}
		}
		if n := rank - len(list); n > 0 {
			list = slices.Concat(slices.Repeat([]int{1}, n), list)
		}
		dims = e.list(list...)
	}
	if more := e.rank(y) - rank; more > 0 && !to {
		axes, i := make([]int, more), e.infoOf(l.In[0])
		for d := range axes {
			axes[d] = d
		}
		i = plain(i.dtype, slices.Concat(slices.Repeat([]int64{1}, more), i.dims)...)
		x = e.step(y, "Unsqueeze", i, []string{x, e.list(axes...)})
	}
	e.give(e.step(y, node, e.infoOf(y), []string{x, dims}), y)
	return nil
}

// constantFill writes a tensor of one value whose dims are open.
func (e *exporter) constantFill(l *graph.Layer, op *graph.Fill, in []string) error {
	y := l.Out[0]
	value, ok := tensorOf(op.To, []float64{op.Value}, []int64{1})
	if !ok {
		return refuse("a tensor of %v", op.To)
	}
	t, err := toProto("value", value)
	if err != nil {
		return err
	}
	t.Name = proto.String("")
	rank := int64(e.rank(y))
	var dims string
	switch op.Like {
	case graph.FillSame:
		dims = e.step(y, "Shape", plain(model.Int64, rank), in)
	case graph.FillBatchLike:
		shape := e.step(y, "Shape", plain(model.Int64, int64(e.rank(l.In[0]))), in)
		parts := []string{e.step(y, "Gather", plain(model.Int64, 1), []string{shape, e.list(op.From)}, intAttr("axis", 0))}
		if op.At > 0 {
			parts = append([]string{e.list(op.Dims[:op.At]...)}, parts...)
		}
		if behind := op.Dims[op.At+1:]; len(behind) > 0 {
			parts = append(parts, e.list(behind...))
		}
		dims = e.step(y, "Concat", plain(model.Int64, rank), parts, intAttr("axis", 0))
	default:
		if dims, err = e.operands(l, l.In[len(graph.DataInputs(l)):]); err != nil {
			return err
		}
	}
	e.result(y, "ConstantOfShape", []string{dims}, tensorAttr("value", t))
	return nil
}
