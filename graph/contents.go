package graph

import (
	"slices"

	"github.com/octet-dnn/octet/model"
)

// An Inference is what follows from the shapes of a graph's inputs.
type Inference struct {
	// Shapes has every value. Behind a Bounded layer the first dims are bounds.
	Shapes map[*Value]Shape
	// Contents has the elements, row-major, of the values that are known without
	// data: dims, what is computed from dims, prior boxes, small constants.
	// Integers and float32 numbers are exact in float64.
	Contents map[*Value][]float64
}

// Infer computes shapes and known contents for the given shapes of the inputs.
// It fails, naming the layer, where shapes do not fit the network, and for
// inputs that contradict the declared dims.
func Infer(g *Graph, inputs []Shape) (*Inference, error) {
	if len(inputs) != len(g.Inputs) {
		return nil, shapeErr("%d inputs given, the network has %d", len(inputs), len(g.Inputs))
	}
	inf := &Inference{Shapes: make(map[*Value]Shape), Contents: make(map[*Value][]float64)}
	for i, v := range g.Inputs {
		if err := fits(inputs[i], v.Dims); err != nil {
			return nil, &OpError{Op: "input", Var: v.Name, Err: err}
		}
		inf.Shapes[v] = inputs[i]
	}
	for _, l := range g.Layers {
		if err := inf.layer(l); err != nil {
			return nil, &OpError{Op: l.Op.Kind(), Var: l.Name, Err: err}
		}
	}
	return inf, nil
}

// Op returns l's op with what its shape operands hold put in as attributes: an
// executor need not look at those operands.
func (inf *Inference) Op(l *Layer) (Op, error) {
	d, ok := l.Op.(dynamic)
	n := len(DataInputs(l))
	if !ok || len(l.In) == n {
		return l.Op, nil
	}
	var operands [][]int
	for _, v := range l.In[n:] {
		c, known := inf.Contents[v]
		if !known {
			return nil, unsupportedErr("shape operand %q depends on the data", v.Name)
		}
		operands = append(operands, asInts(c))
	}
	return d.with(operands)
}

// dynamic ops take shape operands behind their data inputs.
type dynamic interface {
	Op
	// dataInputs says how many inputs come before the operands.
	dataInputs() int
	// with returns the op with the contents of the operands as attributes.
	with(operands [][]int) (Op, error)
}

// DataInputs returns the inputs that l computes with. Those behind them are
// shape operands: an Inference holds what they say.
func DataInputs(l *Layer) []*Value {
	if d, ok := l.Op.(dynamic); ok {
		return l.In[:min(d.dataInputs(), len(l.In))]
	}
	return l.In
}

func asInts(c []float64) []int {
	out := make([]int, len(c))
	for i, x := range c {
		out[i] = int(max(min(x, maxDim), -maxDim))
	}
	return out
}

// maxConstant bounds the constants whose contents are looked at.
const maxConstant = 1 << 10

// weighs reports whether the constants that op takes are weights and the like:
// no shape follows from what they say.
func weighs(op Op) bool {
	switch op.(type) {
	case *Conv, *Deconv, *FC, *BatchNorm:
		return true
	}
	return false
}

func (inf *Inference) layer(l *Layer) error {
	for _, v := range l.In {
		if v == nil {
			continue
		}
		_, shaped := inf.Shapes[v]
		switch {
		case v.Const == nil && !shaped:
			return programErr("input %q is used before it is computed", v.Name)
		case v.Const == nil:
			continue
		case !shaped:
			inf.Shapes[v] = toShape(v.Const.Dims)
		}
		if inf.Contents[v] == nil && !weighs(l.Op) && !v.Const.Lazy() && v.Const.Len() <= maxConstant {
			if c := elements(v.Const); c != nil {
				inf.Contents[v] = c
			}
		}
	}
	op, err := inf.Op(l)
	if err != nil {
		return err
	}
	data := DataInputs(l)
	in, have := make([]Shape, len(data)), make([][]float64, len(data))
	for i, v := range data {
		if v == nil {
			continue
		}
		if in[i] = inf.Shapes[v]; in[i] == nil {
			in[i] = Shape{}
		}
		have[i] = inf.Contents[v]
	}
	out, err := op.Infer(in)
	if err != nil {
		return err
	}
	if len(out) != len(l.Out) {
		return programErr("%d outputs instead of %d", len(l.Out), len(out))
	}
	for i, s := range out {
		if _, err := s.Elems(); err != nil {
			return err
		}
		if l.Out[i] != nil {
			inf.Shapes[l.Out[i]] = s
		}
	}
	for i, c := range contents(op, l, in, out, have) {
		inf.Contents[l.Out[i]] = c
	}
	return nil
}

// elements returns the elements of a small constant, or nil for types that
// shapes are not computed in.
func elements(t *model.Tensor) []float64 {
	switch t.DType {
	case model.FP32:
		return widened(t.Float32s())
	case model.Int64:
		return widened(t.Int64s())
	case model.Int32:
		return widened(t.Int32s())
	}
	return nil
}

func widened[T float32 | int64 | int32](x []T) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = float64(v)
	}
	return out
}

// knownAll reports whether all data inputs of a layer are known.
func knownAll(have [][]float64, l *Layer) bool {
	for i, v := range DataInputs(l) {
		if v != nil && have[i] == nil {
			return false
		}
	}
	return !slices.ContainsFunc(l.Out, func(v *Value) bool { return v == nil })
}
