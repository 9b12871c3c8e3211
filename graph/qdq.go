package graph

import (
	"fmt"

	"github.com/octet-dnn/octet/model"
)

// DequantizeWeights turns a constant of s8 into reals: q/Scales[i], where i is
// the index along dim Axis, or 0 if there is one scale. It stands in programs
// that spell INT8 layers as FP32 layers (see ToQDQ); Optimize takes it into the
// layer that reads it. In: w (constant, s8). Out: FP32 of the same dims.
type DequantizeWeights struct {
	Axis   int
	Scales []float32
}

// Kind names the operation.
func (*DequantizeWeights) Kind() string { return "dequantize_weights" }

// Infer returns the shape of the weights.
func (op *DequantizeWeights) Infer(in []Shape) ([]Shape, error) {
	if len(in) != 1 || op.Axis < 0 || op.Axis >= len(in[0]) {
		return nil, shapeErr("weights %v with channels in dim %d", in, op.Axis)
	}
	if n := len(op.Scales); n != 1 && n != in[0][op.Axis] {
		return nil, shapeErr("%d scales for weights %v with channels in dim %d", n, in[0], op.Axis)
	}
	return in, nil
}

// ToQDQ returns a graph that spells the INT8 layers of g as formats do that
// quantise by notes on an FP32 network: every layer with weights is FP32, its
// weights are s8 behind DequantizeWeights, and every INT8 tensor is a real one
// that is quantised and dequantised again before anybody reads it. What is real
// keeps its name. g is not changed; constants are shared.
//
// Optimize turns the result back into g. It fails with ErrUnsupported where g
// saturates at 127 (Int8.SaturateS8) or takes integers as input, and with
// ErrGraph where two readers of a tensor disagree about its scale.
func ToQDQ(g *Graph) (*Graph, error) {
	u := &unfolder{g: g.Clone(), names: make(map[string]bool), integers: make(map[*Value]*Value),
		real: make(map[*Value]*Value), given: make(map[*Value]*Layer), placed: make(map[*Layer]bool), weights: make(map[weightsKey]*Value)}
	if err := u.run(); err != nil {
		return nil, fmt.Errorf("QDQ form: %w", err)
	}
	return u.g, nil
}

type unfolder struct {
	g        *Graph
	names    map[string]bool
	scales   map[*Value]float32
	integers map[*Value]*Value // tensors of g to what holds their integers now,
	real     map[*Value]*Value // and to the reals that readers get
	given    map[*Value]*Layer // the Dequantize that g has for a tensor
	placed   map[*Layer]bool   // those of them that are in the graph again
	weights  map[weightsKey]*Value
}

// weightsKey tells weights apart that layers read with different scales.
type weightsKey struct {
	w      *Value
	scales string
}

func (u *unfolder) run() (err error) {
	if u.scales, err = TensorScales(u.g); err != nil {
		return err
	}
	for v := range u.g.Values() {
		u.names[v.Name] = true
	}
	for _, v := range u.g.Inputs {
		if isInt8(v) {
			return unsupportedErr("input %q of type %v", v.Name, v.DType)
		}
	}
	for _, o := range u.g.Outputs {
		if isInt8(o.Value) {
			return unsupportedErr("output %q of type %v", o.Name, o.Value.DType)
		}
	}
	layers := u.g.Layers
	u.g.Layers = nil
	for _, l := range layers {
		if _, ok := l.Op.(*Dequantize); ok && u.given[l.In[0]] == nil {
			u.given[l.In[0]] = l
		}
	}
	for _, l := range layers {
		if err := u.layer(l); err != nil {
			return &OpError{Op: l.Op.Kind(), Var: l.Name, Err: err}
		}
	}
	return nil
}

// layer appends l to the graph as an FP32 layer, with the conversions of its results.
func (u *unfolder) layer(l *Layer) error {
	switch op := l.Op.(type) {
	case *Dequantize:
		if u.placed[l] {
			return nil // it stands behind its tensor
		}
		l.In[0] = u.integers[l.In[0]]
		u.g.Layers = append(u.g.Layers, l)
		return nil
	case *Quantize:
		u.g.Layers = append(u.g.Layers, l)
		u.readBack(l.Out[0], l.Out[0])
		return nil
	case *Requantize:
		l.Op, l.In[0] = &Quantize{Scale: op.ScaleOut}, u.real[l.In[0]]
		u.g.Layers = append(u.g.Layers, l)
		u.readBack(l.Out[0], l.Out[0])
		return nil
	}
	if err := u.floatWeights(l); err != nil {
		return err
	}
	for i, v := range l.In {
		if r := u.real[v]; r != nil {
			l.In[i] = r
		}
	}
	u.g.Layers = append(u.g.Layers, l)
	for _, v := range l.Out {
		if isInt8(v) {
			u.quantize(v)
		}
	}
	return nil
}

// floatWeights makes an INT8 layer FP32.
func (u *unfolder) floatWeights(l *Layer) error {
	q, axis := int8Of(l)
	if q == nil {
		return nil
	}
	if q.SaturateS8 {
		return unsupportedErr("saturation at 127 behind a relu cannot be written in a QDQ form")
	}
	key := weightsKey{l.In[1], fmt.Sprint(q.ScaleWeights)}
	if u.weights[key] == nil {
		w, err := u.s8(l.In[1], q.ScaleWeights, axis)
		if err != nil {
			return err
		}
		u.weights[key] = u.append(&DequantizeWeights{Axis: axis, Scales: q.ScaleWeights}, w, w.Name+"@dequantized", model.FP32)
	}
	l.In[1] = u.weights[key]
	switch op := l.Op.(type) {
	case *Conv:
		op.Int8 = nil
	case *FC:
		op.Int8 = nil
	}
	return nil
}

// int8Of returns the quantisation of a layer, nil if it has none, and the dim
// of its weights that holds the output channels.
func int8Of(l *Layer) (q *Int8, axis int) {
	switch op := l.Op.(type) {
	case *Conv:
		return op.Int8, 0
	case *FC:
		return op.Int8, 1
	}
	return nil, 0
}

// s8 returns the constant of w's integers. It takes over w's name, unless
// another layer has w with other scales.
func (u *unfolder) s8(w *Value, scales []float32, axis int) (*Value, error) {
	q, err := QuantizeWeights(w.Const, scales, axis)
	if err != nil {
		return nil, fmt.Errorf("weights %q: %w", w.Name, err)
	}
	name := w.Name
	for key := range u.weights {
		if key.w == w {
			name = u.newName(w.Name + "@int8")
		}
	}
	t := &model.Tensor{DType: model.Int8, Dims: w.Const.Dims, Data: int8Bytes(q)}
	return &Value{Name: name, DType: model.Int8, Dims: w.Dims, Const: t}, nil
}

// quantize makes v real and appends the conversion to integers and back.
func (u *unfolder) quantize(v *Value) {
	q := u.append(&Quantize{Scale: u.scales[v]}, v, v.Name+"@quantized", v.DType)
	v.DType = model.FP32
	u.readBack(v, q)
}

// readBack gives the readers of tensor v the reals of its integers q.
func (u *unfolder) readBack(v, q *Value) {
	u.integers[v] = q
	if d := u.given[v]; d != nil {
		d.In[0] = q
		u.placed[d] = true
		u.g.Layers = append(u.g.Layers, d)
		u.real[v] = d.Out[0]
		return
	}
	u.real[v] = u.append(&Dequantize{Scale: u.scales[v]}, q, v.Name+"@dequantized", model.FP32)
}

func (u *unfolder) append(op Op, in *Value, name string, dt model.DType) *Value {
	out := &Value{Name: u.newName(name), DType: dt}
	out.Producer = &Layer{Name: out.Name, Op: op, In: []*Value{in}, Out: []*Value{out}}
	u.g.Layers = append(u.g.Layers, out.Producer)
	return out
}

func (u *unfolder) newName(base string) string {
	name := base
	for n := 2; u.names[name]; n++ {
		name = fmt.Sprintf("%s%d", base, n)
	}
	u.names[name] = true
	return name
}
