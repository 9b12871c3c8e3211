package graph

import "github.com/octet-dnn/octet/model"

// PassesIntegers reports whether a layer that reads u8 or s8 gives integers of
// the same type and scale: it moves elements, or pools them.
func PassesIntegers(op Op) bool {
	switch op := op.(type) {
	case *Pool, *Concat, *Reshape, *Transpose, *ShuffleChannel, *Split, *Slice, *Identity:
		return true
	case *Resize: // Paddle's integers are resampled by oneDNN, which agrees at whole factors
		return op.Nearest && !op.AlignCorners && whole(op.ScaleH) && whole(op.ScaleW)
	}
	return false
}

func whole(scale float32) bool { return scale >= 1 && scale == float32(int(scale)) }

// Unsigned reports whether what l computes is never negative, so that it
// quantises to u8: behind an unsigned activation, or where l only passes on
// what is unsigned, as told by in. All forms of INT8 program go by this rule.
func Unsigned(l *Layer, in func(*Value) bool) bool {
	switch op := l.Op.(type) {
	case *Conv:
		return op.Act.Unsigned()
	case *Deconv:
		return op.Act.Unsigned()
	case *FC:
		return op.Act.Unsigned()
	case *Binary:
		return op.Act.Unsigned()
	case *BatchNorm:
		return op.Act.Unsigned()
	case *Act:
		return op.Activation.Unsigned()
	}
	if !PassesIntegers(l.Op) || len(l.In) == 0 {
		return false
	}
	for _, v := range DataInputs(l) {
		if v == nil || !in(v) {
			return false
		}
	}
	return true
}

// unsignedValues applies Unsigned to all of g. Conversions keep the sign.
func unsignedValues(g *Graph) map[*Value]bool {
	is := make(map[*Value]bool)
	for _, l := range g.Layers {
		u := Unsigned(l, func(v *Value) bool { return is[v] })
		switch l.Op.(type) {
		case *Quantize, *Requantize, *Dequantize, *quantizeLinear, *dequantizeLinear:
			u = is[l.In[0]]
		}
		for _, v := range l.Out {
			is[v] = u || v.DType == model.UInt8
		}
	}
	return is
}

// TensorScales returns the scale of every tensor of u8 or s8 in g, in Paddle's
// sense: q = round(real·scale). It fails with ErrGraph where two readers of a
// tensor disagree about it.
func TensorScales(g *Graph) (map[*Value]float32, error) {
	scales := make(map[*Value]float32)
	for _, l := range g.Layers {
		if err := checkScales(l, scales); err != nil {
			return nil, &OpError{Op: l.Op.Kind(), Var: l.Name, Err: err}
		}
	}
	return scales, nil
}

// GivesIntegers reports whether an INT8 layer can round its result to u8 or s8
// in every form of program: Paddle's fc knows no activation but relu there, and
// its convolution has no clip that starts above 0.
func GivesIntegers(op Op) bool {
	switch op := op.(type) {
	case *Conv:
		return op.Act.Kind != ActClip || op.Act.Alpha <= 0
	case *FC:
		return op.Act.Kind == ActNone || op.Act.Kind == ActReLU
	}
	return false
}

// integerType is the type that a layer quantises its result to.
func integerType(l *Layer) model.DType {
	if Unsigned(l, func(*Value) bool { return false }) {
		return model.UInt8
	}
	return model.Int8
}
