package graph

import "github.com/octet-dnn/octet/model"

// Check reports the first rule of a well-formed graph that g breaks: names are
// unique, layers stand behind those they read from, producers and types are
// right, shapes fit, and every scale says what its tensor really holds: the
// ScaleIn of a layer equals the scale that the tensor was quantised with,
// through the layers that pass integers on. Errors wrap ErrGraph, ErrShape or
// ErrProgram.
//
// Programs of Paddle 1.3's calibrator can break the last rule, behind pools:
// Build accepts them and they run as written.
func Check(g *Graph) error {
	if err := checkStructure(g); err != nil {
		return err
	}
	if _, err := probe(g); err != nil {
		return err
	}
	scales := make(map[*Value]float32)
	for _, l := range g.Layers {
		if err := checkScales(l, scales); err != nil {
			return &OpError{Op: l.Op.Kind(), Var: l.Name, Err: err}
		}
	}
	return nil
}

func checkStructure(g *Graph) error {
	names := make(map[string]bool)
	for v := range g.Values() {
		if v.Name == "" || names[v.Name] {
			return graphErr("two values are called %q", v.Name)
		}
		names[v.Name] = true
		if v.Const != nil && v.Producer != nil {
			return graphErr("constant %q is computed by layer %q", v.Name, v.Producer.Name)
		}
	}
	ready := make(map[*Value]bool)
	for _, v := range g.Inputs {
		if v.Const != nil || v.Producer != nil {
			return graphErr("input %q is computed or constant", v.Name)
		}
		ready[v] = true
	}
	for _, l := range g.Layers {
		for i, v := range l.In {
			if v != nil && v.Const == nil && !ready[v] {
				return &OpError{Op: l.Op.Kind(), Var: l.Name, Err: graphErr("input %d, %q, is not computed before", i, v.Name)}
			}
		}
		for i, v := range l.Out {
			if v == nil || v.Producer != l || ready[v] {
				return &OpError{Op: l.Op.Kind(), Var: l.Name, Err: graphErr("output %d is not its own", i)}
			}
			ready[v] = true
		}
		if len(l.Out) == 0 || l.Name != l.Out[0].Name {
			return graphErr("layer %q is not called after its first output", l.Name)
		}
	}
	for _, o := range g.Outputs {
		if o.Value == nil || o.Value.Const == nil && !ready[o.Value] {
			return graphErr("output %q is not computed", o.Name)
		}
	}
	return nil
}

// checkScales follows the scales of 8-bit tensors through one layer. Tensors of
// unknown scale, which only 8-bit inputs of the network are, fit anywhere.
func checkScales(l *Layer, scales map[*Value]float32) error {
	want := func(v *Value, scale float32, what string) error {
		if !isInt8(v) {
			return graphErr("%s %q is %v instead of uint8 or int8", what, v.Name, v.DType)
		}
		if s, ok := scales[v]; ok && s != scale {
			return graphErr("%s of %v reads %q, whose scale is %v", what, scale, v.Name, s)
		}
		return nil
	}
	switch op := l.Op.(type) {
	case *Quantize:
		scales[l.Out[0]] = op.Scale
		return checkTypes(l, model.FP32, true)
	case *Dequantize:
		if err := want(l.In[0], op.Scale, "scale"); err != nil {
			return err
		}
		return wantFloat(l.Out)
	case *Requantize:
		scales[l.Out[0]] = op.ScaleOut
		return want(l.In[0], op.ScaleIn, "input scale")
	case *Conv:
		if op.Int8 != nil {
			if l.In[3] != nil {
				if err := want(l.In[3], op.Int8.ScaleInEltwise, "residual scale"); err != nil {
					return err
				}
			}
			return int8Layer(l, op.Int8, scales, want)
		}
	case *FC:
		if op.Int8 != nil {
			return int8Layer(l, op.Int8, scales, want)
		}
	}
	if PassesIntegers(l.Op) {
		return passThrough(l, scales)
	}
	return noInt8(l)
}

func int8Layer(l *Layer, q *Int8, scales map[*Value]float32, want func(*Value, float32, string) error) error {
	if err := want(l.In[0], q.ScaleIn, "input scale"); err != nil {
		return err
	}
	if q.ForceFP32 {
		return wantFloat(l.Out)
	}
	scales[l.Out[0]] = q.ScaleOut
	if !isInt8(l.Out[0]) {
		return graphErr("output is %v instead of uint8 or int8", l.Out[0].DType)
	}
	return nil
}

// checkTypes checks the type of an input and whether the output is 8-bit.
func checkTypes(l *Layer, in model.DType, out8 bool) error {
	if l.In[0].DType != in || isInt8(l.Out[0]) != out8 {
		return graphErr("types %v to %v", l.In[0].DType, l.Out[0].DType)
	}
	return nil
}

func wantFloat(values []*Value) error {
	for _, v := range values {
		if v.DType != model.FP32 {
			return graphErr("%q is %v instead of float32", v.Name, v.DType)
		}
	}
	return nil
}

// passThrough holds that layers that only move or pool integers keep type and scale.
func passThrough(l *Layer, scales map[*Value]float32) error {
	scale, known := scales[l.In[0]]
	for _, v := range DataInputs(l) {
		s, ok := scales[v]
		if v.DType != l.In[0].DType || ok && known && s != scale {
			return graphErr("inputs %q and %q have different types or scales", l.In[0].Name, v.Name)
		}
	}
	for _, v := range l.Out {
		if v.DType != l.In[0].DType {
			return graphErr("output %q is %v, the input %v", v.Name, v.DType, l.In[0].DType)
		}
		if known {
			scales[v] = scale
		}
	}
	return nil
}

// noInt8 refuses 8-bit tensors where no layer can take or give them.
func noInt8(l *Layer) error {
	for _, list := range [][]*Value{l.In, l.Out} {
		for _, v := range list {
			if isInt8(v) {
				return graphErr("%q of type %v at a layer that knows no integers", v.Name, v.DType)
			}
		}
	}
	return nil
}
