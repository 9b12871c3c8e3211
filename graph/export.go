package graph

import (
	"fmt"
	"slices"

	"github.com/octet-dnn/octet/model"
)

// A Form is a way to spell a graph as a Paddle program.
type Form uint8

// The program forms.
const (
	// FormFused writes fused_conv2d and fc with INT8 attributes. Real Paddle 2.6
	// and 3.3 run it as it is meant.
	FormFused Form = iota
	// FormV13 writes conv2d with Bias, fuse_relu, ResidualData and Scale_*, as
	// the calibrator of Paddle 1.3 does. Octet and Paddle 1.x read it. Paddle
	// from 2.6 on silently ignores bias, activation and residual of conv2d and
	// gives wrong numbers without an error: do not give it such a file. Paddings
	// that differ between sides and activations other than relu and relu6 of
	// quantised layers use attributes that Paddle has only since 1.5.
	FormV13
	// FormQDQ writes FP32 layers with quantize_linear and dequantize_linear in
	// front, which Paddle calls its ONNX format, and weights as s8, so that the
	// parameters take a quarter of the space. Real Paddle 2.6 and 3.3 simulate it
	// in FP32, or run it in INT8 after enable_mkldnn_int8(); see ToQDQ.
	FormQDQ
)

// String names the form as command-line flags do.
func (f Form) String() string {
	switch f {
	case FormFused:
		return "fused"
	case FormV13:
		return "v13"
	case FormQDQ:
		return "qdq"
	}
	return fmt.Sprintf("form(%d)", uint8(f))
}

// ToModel writes g as a program with parameters. The parameters are FP32 and
// share memory with g's constants; INT8 programs are FP32 programs with scales
// (the weights are rounded when they are loaded), but in FormQDQ.
//
// The program imports back to the graph it was made from: Build of the result
// gives the same layers, scales and constants, provided that g has been through
// Optimize. What no program can say gives an error that wraps ErrUnsupported,
// in particular a relu over an s8 residual that does not saturate at 127, as
// Paddle's does (Int8.SaturateS8).
func ToModel(g *Graph, form Form) (*model.Model, error) {
	var stay map[*Layer]bool
	switch form {
	case FormFused, FormV13:
	case FormQDQ:
		var err error
		if g, err = productsAsConvs(g); err != nil {
			return nil, fmt.Errorf("export: %w", err)
		}
		integers := make(map[string]bool)
		for v := range g.Values() {
			integers[v.Name] = isInt8(v)
		}
		if g, err = ToQDQ(g); err != nil {
			return nil, fmt.Errorf("export: %w", err)
		}
		if stay, err = forEngine(g, integers); err != nil {
			return nil, fmt.Errorf("export: %w", err)
		}
	default:
		return nil, fmt.Errorf("export: %w", unsupportedErr("program form %d", form))
	}
	e := &exporter{form: form, g: g, m: model.New(), names: make(map[string]bool), linear: make(map[*Value]string), stay: stay}
	if form == FormQDQ {
		e.unsigned = unsignedValues(g)
	}
	e.block = e.m.Program.Blocks[0]
	e.m.Name = g.Name
	if err := e.run(); err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	if err := model.Check(e.m); err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	return e.m, nil
}

type exporter struct {
	form     Form
	g        *Graph
	m        *model.Model
	block    *model.Block
	names    map[string]bool
	declared map[*Value][]int64
	unsigned map[*Value]bool   // what linearConversion asks about signs
	linear   map[*Value]string // and the parameters it made
	stay     map[*Layer]bool   // what Paddle's INT8 engine must not quantise
}

func (e *exporter) run() error {
	for v := range e.g.Values() {
		if e.names[v.Name] || v.Name == "" || v.Name == "feed" || v.Name == "fetch" {
			return programErr("two values are called %q, or that name is taken", v.Name)
		}
		e.names[v.Name] = true
	}
	var err error
	if e.declared, err = declaredDims(e.g); err != nil {
		return err
	}
	for _, v := range e.g.Inputs {
		e.block.AddFeed(v.Name, v.DType, v.Dims...)
	}
	for v := range e.g.Values() {
		if v.Const != nil {
			e.m.AddParam(v.Name, v.Const)
		}
	}
	if err := e.realParams(); err != nil {
		return err
	}
	for _, l := range e.g.Layers {
		first := len(e.block.Ops)
		if err := e.layer(l); err != nil {
			return &OpError{Op: l.Op.Kind(), Var: l.Name, Err: err}
		}
		if e.stay[l] {
			for _, op := range e.block.Ops[first:] {
				op.Attrs = append(op.Attrs, model.IntAttr("skip_quant", 1))
			}
		}
	}
	return e.outputs()
}

// declaredDims returns the dims to declare for every value: those for one batch,
// with -1 where another batch gives another number.
func declaredDims(g *Graph) (map[*Value][]int64, error) {
	shapes, err := probe(g)
	if err != nil {
		return nil, err
	}
	inputs := make([]Shape, len(g.Inputs))
	for i, v := range g.Inputs {
		inputs[i] = slices.Clone(shapes[v])
		if len(v.Dims) > 0 && v.Dims[0] < 0 {
			inputs[i][0]++
		}
	}
	other, err := InferShapes(g, inputs)
	if err != nil { // the batch is fixed after all, by a reshape
		other = shapes
	}
	dims := make(map[*Value][]int64, len(shapes))
	for v, s := range shapes {
		d := toDims(s)
		for i := range d {
			if other[v][i] != s[i] {
				d[i] = -1
			}
		}
		dims[v] = d
	}
	return dims, nil
}

// outputs writes the fetches. As Paddle does, a scale of 1 gives a value the
// name under which it is fetched.
func (e *exporter) outputs() error {
	var names []string
	for _, o := range e.g.Outputs {
		if o.Name != o.Value.Name && !slices.Contains(names, o.Name) {
			if e.names[o.Name] {
				return unsupportedErr("output %q has the name of another value", o.Name)
			}
			e.names[o.Name] = true
			dims := e.declared[o.Value]
			if o.Value.Const != nil {
				dims = o.Value.Dims
			}
			e.block.AddTensor(o.Name, o.Value.DType, dims...)
			e.block.AddOp("scale", model.Slots("X", o.Value.Name), model.Slots("Out", o.Name),
				model.FloatAttr("scale", 1), model.FloatAttr("bias", 0), model.BoolAttr("bias_after_scale", true))
		}
		names = append(names, o.Name)
	}
	for _, name := range names {
		e.block.AddFetch(name)
	}
	return nil
}

// layer writes the ops of one layer.
func (e *exporter) layer(l *Layer) error {
	for _, v := range l.Out {
		e.block.AddTensor(v.Name, v.DType, e.declared[v]...)
	}
	switch op := l.Op.(type) {
	case *Conv:
		return e.conv(l, op)
	case *Deconv:
		return e.deconv(l, op)
	case *FC:
		return e.fc(l, op)
	case *Pool:
		e.pool(l, op)
	case *Act:
		return e.act(op.Activation, l.In[0].Name, l.Out[0].Name)
	case *Binary:
		return e.binary(l, op)
	case *Quantize, *Dequantize, *Requantize, *DequantizeWeights:
		if e.form == FormQDQ {
			return e.linearConversion(l)
		}
		e.conversion(l)
	case *CrossEntropy, *SoftmaxCrossEntropy, *TopK, *ArgMax, *Accuracy:
		e.label(l)
	case *BatchNorm, *LayerNorm, *LRN, *Softmax, *Reduce, *MatMul, *Mul, *PReLU:
		return e.norm(l)
	default:
		return e.shape(l)
	}
	return nil
}

// simple writes an op with one input and one output.
func (e *exporter) simple(l *Layer, typ string, attrs ...model.Attr) {
	if isInt8(l.In[0]) { // Paddle has 8-bit kernels in oneDNN only
		attrs = append(attrs, model.BoolAttr("use_mkldnn", true))
	}
	e.block.AddOp(typ, model.Slots("X", l.In[0].Name), model.Slots("Out", l.Out[0].Name), attrs...)
}

// temp declares a variable for a step on the way to v, which has v's dims.
func (e *exporter) temp(v *Value, suffix string, dt model.DType, dims ...int64) string {
	return e.block.AddTensor(e.freshName(v, suffix), dt, dims...)
}

// freshName names something that belongs to v.
func (e *exporter) freshName(v *Value, suffix string) string {
	name := v.Name + "@" + suffix
	for n := 2; e.names[name]; n++ {
		name = fmt.Sprintf("%s@%s%d", v.Name, suffix, n)
	}
	e.names[name] = true
	return name
}

// step is temp with v's own dims, in FP32.
func (e *exporter) step(v *Value, suffix string) string {
	return e.temp(v, suffix, model.FP32, e.declared[v]...)
}

func int32s(list []int) []int32 {
	out := make([]int32, len(list))
	for i, x := range list {
		out[i] = int32(x)
	}
	return out
}

func intsAttr(name string, list ...int) model.Attr { return model.IntsAttr(name, int32s(list)...) }
