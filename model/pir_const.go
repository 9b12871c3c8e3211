package model

import (
	"fmt"
	"slices"
	"strconv"
)

// A pirConst is a constant that PIR computes by an operator. Where it is an
// attribute classically it goes there; only what is used as a tensor becomes
// an operator.
type pirConst struct {
	dtype DType
	// dims and value describe pd_op.full: one number everywhere.
	dims  []int64
	value any // float64, int64 or bool
	// ints are the elements of pd_op.full_int_array, which has no dims here.
	ints []int64
}

func (r *pirReader) full(n *pirNode) error {
	v, err := n.outcome()
	if err != nil {
		return err
	}
	c := &pirConst{}
	if c.dtype, err = n.dtype(); err != nil {
		return err
	}
	dims, err := n.attrAs("shape", AttrLongs)
	if err != nil {
		return err
	}
	c.dims = dims.([]int64)
	if err := (pirType{dims: c.dims}).check(r.lim); err != nil {
		return err
	}
	if c.value, err = n.attr("value"); err != nil {
		return err
	}
	switch c.value.(type) {
	case float64, int64, bool:
	default:
		return malformed("attribute value", "a number", fmt.Sprintf("%.40v", c.value))
	}
	v.fixed = c
	return r.define(v)
}

func (r *pirReader) fullIntArray(n *pirNode) error {
	v, err := n.outcome()
	if err != nil {
		return err
	}
	c := &pirConst{}
	if c.dtype, err = n.dtype(); err != nil {
		return err
	}
	ints, err := n.attrAs("value", AttrLongs)
	if err != nil {
		return err
	}
	c.ints = ints.([]int64)
	v.fixed = c
	return r.define(v)
}

// dtype reads the attribute dtype of a constant.
func (n *pirNode) dtype() (DType, error) {
	d, err := n.attrAs("dtype", AttrInt)
	if err != nil {
		return 0, err
	}
	if DType(d.(int32)).Size() == 0 {
		return 0, unsupported("attribute dtype", "an element type that tensors have", "another")
	}
	return DType(d.(int32)), nil
}

// list returns the constant as a list, for attributes.
func (c *pirConst) list() ([]any, bool) {
	if c.dims == nil {
		out := make([]any, len(c.ints))
		for i, n := range c.ints {
			out[i] = n
		}
		return out, true
	}
	n, err := checkedElems(c.dims, 64) // as an attribute it is a list of axes or sizes
	return slices.Repeat([]any{c.value}, int(n)), err == nil
}

// constant makes v the attribute that want says, or binds it to the slot that
// stands for the attribute where v is computed.
func (r *pirReader) constant(o *Op, want pirOperand, v *pirValue) error {
	x := want.def
	switch {
	case v == nil:
	case v.fixed != nil:
		elems, ok := v.fixed.list()
		var err error
		switch {
		case ok && want.kind == operandInts:
			x, err = classical(want.typ, elems)
		case ok && len(elems) == 1:
			x, err = classical(want.typ, elems[0])
		default:
			err = malformed("", "one number", fmt.Sprintf("dims %v", v.fixed.dims))
		}
		if err != nil {
			return err
		}
	case want.slot == "":
		return unsupported("attribute "+want.attr, "a constant", "a computed value")
	default:
		name, err := r.variable(v)
		o.Inputs = append(o.Inputs, Slot{want.slot, []string{name}})
		return err
	}
	o.Attrs = append(o.Attrs, Attr{want.attr, want.typ, cloneValue(x)})
	return nil
}

// emitConstant appends the operator that makes a constant a variable.
func (r *pirReader) emitConstant(v *pirValue) (string, error) {
	c := v.fixed
	o := &Op{Type: "fill_constant"}
	if c.dims == nil {
		o.Type = "assign_value"
	}
	if err := r.name(v, o.Type, v.given); err != nil {
		return "", err
	}
	o.Outputs = Slots("Out", v.name)
	if c.dims == nil {
		o.Attrs = append(
			[]Attr{IntsAttr("shape", int32(len(c.ints))), IntAttr("dtype", int32(Int64))},
			LongsAttr("int64_values", c.ints...))
		r.vars[v.name].DType = Int64
	} else {
		o.Attrs = fillAttrs(c)
	}
	v.fixed = nil
	r.block.Ops = append(r.block.Ops, o)
	return v.name, nil
}

// fillAttrs are the attributes of fill_constant. Its value is a float; other
// numbers stand in str_value too, which wins.
func fillAttrs(c *pirConst) []Attr {
	var value float32
	exact := ""
	switch x := c.value.(type) {
	case bool:
		if x {
			value = 1
		}
	case int64:
		if value = float32(x); int64(value) != x {
			exact = strconv.FormatInt(x, 10)
		}
	case float64:
		if value = float32(x); c.dtype != FP32 && float64(value) != x && x == x {
			exact = strconv.FormatFloat(x, 'g', -1, 64)
		}
	}
	return []Attr{
		LongsAttr("shape", c.dims...), IntAttr("dtype", int32(c.dtype)), FloatAttr("value", value), StringAttr("str_value", exact),
	}
}

// valueLists names the attribute of assign_value for each element type.
var valueLists = map[DType]struct {
	attr string
	typ  AttrType
}{
	Bool: {"bool_values", AttrInts}, FP32: {"fp32_values", AttrFloats}, FP64: {"fp64_values", AttrFloat64s},
	Int32: {"int32_values", AttrInts}, Int64: {"int64_values", AttrLongs},
}

// assignValue reads a constant whose elements differ. The operand that it
// overwrites says nothing.
func (r *pirReader) assignValue(n *pirNode) error {
	v, err := n.outcome()
	if err != nil {
		return err
	}
	d, err := n.dtype()
	if err != nil {
		return err
	}
	shape, err := n.attrAs("shape", AttrInts)
	if err != nil {
		return err
	}
	as, ok := valueLists[d]
	if !ok {
		return unsupported("attribute dtype", "bool, int32, int64, float32 or float64", d.String())
	}
	values, err := n.attrAs("values", as.typ)
	if err != nil {
		return err
	}
	if err := r.name(v, "assign_value", n.results[0].Name); err != nil {
		return err
	}
	r.block.AddOp("assign_value", nil, Slots("Out", v.name),
		IntsAttr("shape", shape.([]int32)...), IntAttr("dtype", int32(d)), Attr{as.attr, as.typ, values})
	return r.define(v)
}
