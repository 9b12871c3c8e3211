package refrun

import (
	"errors"
	"fmt"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/internal/ref"
	"github.com/octet-dnn/octet/model"
)

// ErrUnsupported is wrapped by errors about layers that refrun cannot compute.
var ErrUnsupported = errors.New("unsupported layer")

// Run computes every value of g for the given inputs, in the order of g.Inputs.
// Integers of 32 and 64 bits are held as S32. The result holds the inputs and
// the constants too; tensors of inputs are not copied.
func Run(g *graph.Graph, inputs []*ref.Tensor) (map[*graph.Value]*ref.Tensor, error) {
	shapes := make([]graph.Shape, len(inputs))
	for i, t := range inputs {
		shapes[i] = t.Dims
	}
	inferred, err := graph.InferShapes(g, shapes)
	if err != nil {
		return nil, fmt.Errorf("refrun: %w", err)
	}
	r := &run{shapes: inferred, values: make(map[*graph.Value]*ref.Tensor)}
	for i, v := range g.Inputs {
		r.values[v] = inputs[i]
	}
	for _, l := range g.Layers {
		if err := r.layer(l); err != nil {
			return nil, fmt.Errorf("refrun: %s %q: %w", l.Op.Kind(), l.Name, err)
		}
	}
	for _, o := range g.Outputs {
		if o.Value.Const != nil {
			if r.values[o.Value], err = constant(o.Value.Const); err != nil {
				return nil, fmt.Errorf("refrun: output %q: %w", o.Name, err)
			}
		}
	}
	return r.values, nil
}

type run struct {
	shapes map[*graph.Value]graph.Shape
	values map[*graph.Value]*ref.Tensor
}

// layer reads the inputs of l, makes its outputs and computes them.
func (r *run) layer(l *graph.Layer) error {
	c := &call{layer: l}
	for _, v := range l.In {
		t, err := r.input(v)
		if err != nil {
			return err
		}
		c.in = append(c.in, t)
	}
	for _, v := range l.Out {
		dt, err := dtype(v.DType)
		if err != nil {
			return err
		}
		t := ref.NewTensor(dt, r.shapes[v]...)
		c.out = append(c.out, t)
		r.values[v] = t
	}
	return c.run()
}

func (r *run) input(v *graph.Value) (*ref.Tensor, error) {
	if v == nil || r.values[v] != nil {
		return r.values[v], nil
	}
	t, err := constant(v.Const)
	r.values[v] = t
	return t, err
}

// constant converts a parameter.
func constant(t *model.Tensor) (*ref.Tensor, error) {
	dims := make([]int, len(t.Dims))
	for i, d := range t.Dims {
		dims[i] = int(d)
	}
	if t.DType == model.Int8 { // weights that are integers already
		out := ref.NewTensor(ref.S8, dims...)
		for i, b := range t.Data {
			out.Data[i] = float64(int8(b))
		}
		return out, nil
	}
	if t.DType != model.FP32 {
		return nil, fmt.Errorf("constant of type %v: %w", t.DType, ErrUnsupported)
	}
	out := ref.NewTensor(ref.F32, dims...)
	for i, x := range t.Float32s() {
		out.Data[i] = float64(x)
	}
	return out, nil
}

func dtype(d model.DType) (ref.DType, error) {
	switch d {
	case model.FP32:
		return ref.F32, nil
	case model.UInt8:
		return ref.U8, nil
	case model.Int8:
		return ref.S8, nil
	case model.Int32, model.Int64:
		return ref.S32, nil
	}
	return 0, fmt.Errorf("type %v: %w", d, ErrUnsupported)
}

// A call is one layer with its tensors; absent inputs are nil.
type call struct {
	layer   *graph.Layer
	in, out []*ref.Tensor
}

func (c *call) run() error {
	switch op := c.layer.Op.(type) {
	case *graph.Conv:
		return c.conv(op)
	case *graph.Deconv:
		return c.deconv(op)
	case *graph.FC:
		return c.fc(op)
	case *graph.MatMul:
		return c.matmul(op)
	case *graph.Mul:
		return c.mul()
	case *graph.Pool:
		return c.pool(op)
	case *graph.Resize:
		c.resize(op)
		return nil
	case *graph.Binary:
		return c.binary(op)
	case *graph.Softmax:
		return c.softmax(op.Axis, c.out[0])
	}
	if c.pointwise() || c.normalise() || c.move() || c.tail() {
		return nil
	}
	return ErrUnsupported
}

// store rounds x to the type of the first output and puts it at i.
func (c *call) store(i int, x float64) {
	c.out[0].Data[i] = c.out[0].DType.Round(x)
}
