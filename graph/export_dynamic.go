package graph

import (
	"fmt"

	"github.com/octet-dnn/octet/model"
)

// dynamic writes the layers about shapes; it reports whether l is one.
func (e *exporter) dynamic(l *Layer) bool {
	switch op := l.Op.(type) {
	case *ShapeOf:
		e.block.AddOp("shape", model.Slots("Input", l.In[0].Name), model.Slots("Out", l.Out[0].Name))
	case *Fill:
		e.fill(l, op)
	case *Expand:
		typ, attr := "tile", "repeat_times"
		one, many := "RepeatTimes", "repeat_times_tensor"
		if op.To {
			typ, attr, one, many = "expand_v2", "shape", "Shape", "expand_shapes_tensor"
		}
		e.block.AddOp(typ, withOperands(model.Slots("X", l.In[0].Name), l.In[1:], one, many),
			model.Slots("Out", l.Out[0].Name), intsAttr(attr, op.Dims...))
	default:
		return false
	}
	return true
}

// withOperands adds the slot of shape operands, if there are any: one under its
// own name, several under that for lists.
func withOperands(in []model.Slot, operands []*Value, one, many string) []model.Slot {
	s := model.Slot{Name: many}
	switch len(operands) {
	case 0:
		return in
	case 1:
		s.Name = one
	}
	for _, v := range operands {
		s.Args = append(s.Args, v.Name)
	}
	return append(in, s)
}

func (e *exporter) fill(l *Layer, f *Fill) {
	out := model.Slots("Out", l.Out[0].Name)
	attrs := []model.Attr{
		model.FloatAttr("value", float32(f.Value)), model.IntAttr("dtype", int32(f.To)),
		model.StringAttr("str_value", fmt.Sprintf("%v", f.Value)),
	}
	switch f.Like {
	case FillSame:
		e.block.AddOp("fill_any_like", model.Slots("X", l.In[0].Name), out, attrs[:2]...)
		return
	case FillBatchLike:
		e.block.AddOp("fill_constant_batch_size_like", model.Slots("Input", l.In[0].Name), out,
			append(attrs, intsAttr("shape", f.Dims...), model.IntAttr("input_dim_idx", int32(f.From)), model.IntAttr("output_dim_idx", int32(f.At)))...)
		return
	}
	e.block.AddOp("fill_constant", withOperands(nil, l.In, "ShapeTensor", "ShapeTensorList"), out, append(attrs, longsAttr("shape", f.Dims))...)
}

func longsAttr(name string, list []int) model.Attr {
	long := make([]int64, len(list))
	for i, x := range list {
		long[i] = int64(x)
	}
	return model.LongsAttr(name, long...)
}
