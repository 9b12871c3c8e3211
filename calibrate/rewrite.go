package calibrate

import (
	"fmt"
	"slices"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// A scaled is how the values of a group are quantised.
type scaled struct {
	dtype model.DType
	scale float32
}

// rewrite gives integer values their type and layers their scales, and inserts
// the conversions, each right behind the layer that makes its input.
func (q *quantizer) rewrite() error {
	// Where a value is needed in its other kind, that kind.
	other := make(map[*graph.Value]*graph.Value)
	var layers []*graph.Layer
	convert := func(v *graph.Value) error {
		l, err := q.convert(v)
		if l != nil {
			layers = append(layers, l)
			other[v] = l.Out[0]
		}
		return err
	}
	for _, v := range q.g.Inputs {
		if err := convert(v); err != nil {
			return err
		}
	}
	for _, l := range q.g.Layers {
		if err := q.annotate(l); err != nil {
			return err
		}
		integers := q.chosen[l] || len(l.Out) > 0 && q.groups.layer[l] && q.native[l.Out[0]]
		l.In = slices.Clone(l.In)
		for i, v := range l.In {
			if v != nil && q.groups.find(v) != nil && integers != q.native[v] && other[v] != nil {
				l.In[i] = other[v]
			}
		}
		layers = append(layers, l)
		for _, v := range l.Out {
			if v == nil {
				continue
			}
			if err := convert(v); err != nil {
				return err
			}
		}
	}
	for i, out := range q.g.Outputs {
		if q.native[out.Value] {
			q.g.Outputs[i].Value = other[out.Value]
		}
	}
	q.g.Layers = layers
	return nil
}

// reduceLevels notes the groups whose integers end below those of their type.
func (q *quantizer) reduceLevels() {
	if q.o.Residual != ResidualS8 {
		return
	}
	for l := range q.saturated {
		q.levels[q.groups.find(l.Out[0])] = Levels(model.Int8)
	}
}

// scaleOf returns type and scale of v: by the largest threshold among the owners
// of its group.
func (q *quantizer) scaleOf(v *graph.Value) (scaled, error) {
	g := q.groups.find(v)
	if g == nil {
		return scaled{}, fmt.Errorf("value %q of graph %q is nothing that the graph computes: %w", v.Name, q.g.Name, ErrMismatch)
	}
	if s, ok := q.scales[g]; ok {
		return s, nil
	}
	if v == q.pixels {
		return scaled{model.UInt8, 1}, nil // they are integers already
	}
	s := scaled{dtype: model.Int8}
	if g.unsigned {
		s.dtype = model.UInt8
	}
	var threshold float64
	for _, owner := range g.owners {
		e, ok := q.table.Lookup(owner.Name)
		if ok && e.DType != s.dtype {
			return scaled{}, fmt.Errorf("tensor %q is %s in the calibration table, %s in graph %q: %w",
				e.Name, shortType(e.DType), shortType(s.dtype), q.g.Name, ErrMismatch)
		}
		t := q.threshold(owner)
		if !ok && t == 0 {
			return scaled{}, fmt.Errorf("tensor %q of graph %q: %w", owner.Name, q.g.Name, ErrMissingTensor)
		}
		threshold = max(threshold, t)
	}
	n := Levels(s.dtype)
	if reduced, ok := q.levels[g]; ok {
		n = reduced
	}
	s.scale = Scale(threshold, n)
	if q.o.Compat != Paddle13 { // so that every form of program says the same
		s.scale = graph.SnapScale(s.scale, Levels(s.dtype))
	}
	q.scales[g] = s
	return s, nil
}

// threshold returns the threshold of v by the table, or that of what v is joined
// of: such values own no entry where a table may join them. 0 means none.
func (q *quantizer) threshold(v *graph.Value) float64 {
	if e, ok := q.table.Lookup(v.Name); ok {
		return e.Threshold
	}
	most := 0.0
	if p := v.Producer; p != nil && graph.PassesIntegers(p.Op) {
		for _, in := range graph.DataInputs(p) {
			most = max(most, q.threshold(in))
		}
	}
	return most
}

// convert returns the layer that gives v in its other kind, or nil if nobody
// needs that.
func (q *quantizer) convert(v *graph.Value) (*graph.Layer, error) {
	if q.groups.find(v) == nil || q.native[v] && !q.real[v] || !q.native[v] && !q.want[v] {
		return nil, nil
	}
	s, err := q.scaleOf(v)
	if err != nil {
		return nil, err
	}
	l := &graph.Layer{In: []*graph.Value{v}}
	var to *graph.Value
	if q.native[v] {
		l.Op = &graph.Dequantize{Scale: s.scale}
		to = q.newValue(fmt.Sprintf("dequantize_%d_tmp", q.dequantizes), model.FP32)
		if q.fetched(v) {
			q.swapNames(v, to)
		} else {
			q.dequantizes++
		}
	} else {
		l.Op = &graph.Quantize{Scale: s.scale}
		to = q.newValue(fmt.Sprintf("quantize_%d_tmp", q.quantizes), s.dtype)
		q.quantizes++
	}
	l.Name, l.Out, to.Producer = to.Name, []*graph.Value{to}, l
	return l, nil
}

func (q *quantizer) fetched(v *graph.Value) bool {
	return slices.ContainsFunc(q.g.Outputs, func(o graph.Output) bool { return o.Value == v })
}

// swapNames leaves the name of v, under which it is fetched, to its real twin.
func (q *quantizer) swapNames(v, twin *graph.Value) {
	delete(q.names, twin.Name)
	twin.Name = v.Name
	v.Name = q.names.take(v.Name + ".int8")
	v.Producer.Name = v.Producer.Out[0].Name
}

// annotate sets the types of l's outputs, and of a chosen layer its Int8.
func (q *quantizer) annotate(l *graph.Layer) error {
	for _, v := range l.Out {
		if !q.native[v] {
			continue
		}
		s, err := q.scaleOf(v)
		if err != nil {
			return err
		}
		v.DType = s.dtype
	}
	if !q.chosen[l] {
		return nil
	}
	a, err := q.int8Of(l)
	if err != nil {
		return err
	}
	switch op := l.Op.(type) {
	case *graph.Conv:
		op.Int8 = a
	case *graph.FC:
		op.Int8 = a
	}
	q.log.Debug("INT8", "layer", l.Name, "kind", l.Op.Kind(), "in", a.ScaleIn, "out", a.ScaleOut, "fp32", a.ForceFP32)
	return nil
}

// int8Of computes the annotation of a chosen layer. Scales without a use are 1.
func (q *quantizer) int8Of(l *graph.Layer) (*graph.Int8, error) {
	in, err := q.scaleOf(l.In[0])
	if err != nil {
		return nil, err
	}
	a := &graph.Int8{ScaleIn: in.scale, ScaleOut: 1, ScaleInEltwise: 1, ForceFP32: true, SaturateS8: q.saturated[l]}
	if q.native[l.Out[0]] {
		out, err := q.scaleOf(l.Out[0])
		if err != nil {
			return nil, err
		}
		a.ScaleOut, a.ForceFP32 = out.scale, false
	}
	if r := residualOf(l); r != nil {
		res, err := q.scaleOf(r)
		if err != nil {
			return nil, err
		}
		a.ScaleInEltwise = res.scale
	}
	w := l.In[1]
	axis, _ := channelAxis(l.Op)
	scales := FitWeightScales
	if q.o.Compat == Paddle13 {
		scales = WeightScales
	}
	if a.ScaleWeights, err = scales(w.Const, axis); err != nil {
		return nil, fmt.Errorf("weights %q of layer %q: %w", w.Name, l.Name, err)
	}
	if q.o.Protect {
		protect(l, a.ScaleWeights, in.dtype)
	}
	if l.In[0] == q.pixels && q.pixels != nil {
		if err := q.o.Pixels.centre(l, a.ScaleWeights); err != nil {
			return nil, fmt.Errorf("layer %q: %w", l.Name, err)
		}
	}
	return a, nil
}
