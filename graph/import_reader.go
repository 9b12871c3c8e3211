package graph

import (
	"math"

	"github.com/octet-dnn/octet/model"
)

// A reader reads one op for its importer. The first thing that is wrong sticks
// in err; what is read after that has no meaning and is not used, so importers
// need no error handling of their own.
type reader struct {
	im  *importer
	op  *model.Op
	err error
}

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

// arg returns the only variable of a slot.
func (r *reader) arg(slots []model.Slot, name string) string {
	for _, s := range slots {
		if s.Name != name {
			continue
		}
		if len(s.Args) != 1 {
			r.fail(programErr("slot %s has %d variables instead of 1", name, len(s.Args)))
			return ""
		}
		return s.Args[0]
	}
	r.fail(programErr("slot %s is missing", name))
	return ""
}

// in returns what the only variable of an input slot holds.
func (r *reader) in(slot string) *Value { return r.value(r.arg(r.op.Inputs, slot)) }

// optional is in for a slot that may be absent or empty, which gives nil.
func (r *reader) optional(slot string) *Value {
	if len(r.op.In(slot)) == 0 {
		return nil
	}
	return r.in(slot)
}

// list returns the variables of an input slot, of which there must be some.
func (r *reader) list(slot string) []*Value {
	args := r.op.In(slot)
	if len(args) == 0 {
		r.fail(programErr("slot %s is missing", slot))
	}
	values := make([]*Value, len(args))
	for i, a := range args {
		values[i] = r.value(a)
	}
	return values
}

// absent refuses an input slot that overrides attributes by tensors.
func (r *reader) absent(slots ...string) {
	for _, s := range slots {
		if len(r.op.In(s)) > 0 {
			r.fail(unsupportedErr("%s given as a tensor", s))
		}
	}
}

func (r *reader) value(name string) *Value {
	if r.err != nil {
		return nil
	}
	if v := r.im.env[name]; v != nil {
		return v
	}
	v, err := r.im.constant(name)
	if err != nil {
		r.fail(err)
	} else if v == nil {
		r.fail(programErr("variable %q is used before anything is written to it", name))
	}
	return v
}

// param is in for an operand that must be an FP32 parameter, or a quantised one.
func (r *reader) param(slot string) *Value { return r.constant(r.in(slot), slot) }

// optionalParam is param for a slot that may be absent.
func (r *reader) optionalParam(slot string) *Value {
	v := r.optional(slot)
	if v == nil {
		return nil
	}
	return r.constant(v, slot)
}

func (r *reader) constant(v *Value, slot string) *Value {
	if r.err != nil {
		return nil
	}
	if v.Producer != nil {
		if _, quantised := v.Producer.Op.(*DequantizeWeights); quantised {
			return v
		}
	}
	if v.Const == nil {
		r.fail(unsupportedErr("%s %q is not a parameter", slot, v.Name))
	} else if v.DType != model.FP32 {
		r.fail(unsupportedErr("%s %q is of type %v", slot, v.Name, v.DType))
	}
	return v
}

// float requires values to be FP32.
func (r *reader) float(values ...*Value) {
	for _, v := range values {
		if r.err == nil && v != nil && v.DType != model.FP32 {
			r.fail(unsupportedErr("input %q of type %v instead of float32", v.Name, v.DType))
		}
	}
}

// A node is a layer that an importer has made; its outputs are not yet bound.
type node struct {
	r     *reader
	layer *Layer
}

// emit appends a layer.
func (r *reader) emit(op Op, in ...*Value) *node {
	n := &node{r: r, layer: &Layer{Op: op, In: in}}
	if r.err == nil {
		r.im.g.Layers = append(r.im.g.Layers, n.layer)
	}
	return n
}

// hidden gives the layer an output that the program has no variable for.
func (n *node) hidden(dt model.DType) *Value {
	return n.add(opVar(n.r.op)+"@0", dt)
}

// out binds the layer's next output to the variable of an output slot.
func (n *node) out(slot string, dt model.DType) *node {
	name := n.r.arg(n.r.op.Outputs, slot)
	n.r.im.bind(name, n.add(name, dt), n.r)
	return n
}

// optionalOut is out for a slot that may be absent: the output exists, unused.
func (n *node) optionalOut(slot string, dt model.DType) *node {
	if len(n.r.op.Out(slot)) > 0 {
		return n.out(slot, dt)
	}
	if n.r.err == nil {
		n.add(n.layer.Out[0].Name+"@"+slot, dt)
	}
	return n
}

func (n *node) add(name string, dt model.DType) *Value {
	v := &Value{Name: name, DType: dt, Producer: n.layer}
	n.layer.Out = append(n.layer.Out, v)
	if n.r.err == nil {
		n.r.im.writes = append(n.r.im.writes, v)
	}
	return v
}

func (im *importer) bind(name string, v *Value, r *reader) {
	if decl := im.vars[name]; decl != nil && decl.IsParam() {
		r.fail(unsupportedErr("writing to the parameter %q", name))
	}
	if r.err == nil {
		im.env[name] = v
	}
}

// typeOf is v's type, also after an error.
func typeOf(v *Value) model.DType {
	if v == nil {
		return model.FP32
	}
	return v.DType
}

func isInt8(v *Value) bool {
	return v != nil && (v.DType == model.UInt8 || v.DType == model.Int8)
}

// finite refuses NaN and infinities in attributes.
func (r *reader) finite(name string, v float32) float32 {
	if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
		r.fail(programErr("attribute %s is %v", name, v))
	}
	return v
}
