package model

import (
	"encoding/json"
	"fmt"
	"slices"
)

// byRow writes an operator by the row of the table that describes it.
func (w *pirWriter) byRow(o *Op, row *pirOp) error {
	if err := expressible(o, row); err != nil {
		return err
	}
	in := make([]int64, len(row.in))
	for i, as := range row.in {
		var err error
		if in[i], err = w.operand(o, as); err != nil {
			return err
		}
	}
	attrs := []pirJSONAttr{}
	for _, as := range row.attrs {
		if as.kind == pirPlace {
			attrs = append(attrs, anyPlace)
			continue
		}
		v, err := o.valueOf(as)
		if err != nil {
			return err
		}
		x, err := as.encodePIR(v)
		if err != nil {
			return err
		}
		attrs = append(attrs, pirJSONAttr{x, as.name})
	}
	first, err := w.firstElem(o, row)
	if err != nil {
		return err
	}
	results := make([]outcome, len(row.out))
	var lists []int // of results that are taken apart
	for i, as := range row.out {
		var err error
		if results[i], err = w.result(o, as, first); err != nil {
			return err
		}
		if as.many {
			lists = append(lists, i)
		}
	}
	ids, err := w.emit("1."+row.name, attrs, in, results...)
	if err != nil {
		return err
	}
	for _, i := range lists {
		var parts []outcome
		for k, arg := range o.Out(row.out[i].slot) {
			parts = append(parts, outcome{results[i].typ.list[k], arg})
		}
		if _, err := w.emit("0.split", nil, []int64{ids[i]}, parts...); err != nil {
			return err
		}
	}
	return nil
}

// operand returns the number of an operand, 0 for an absent one. Attributes
// that are operands in PIR become constants.
func (w *pirWriter) operand(o *Op, as pirOperand) (int64, error) {
	args := o.In(as.slot)
	switch {
	case as.slot != "" && as.kind == operandList:
		return w.list(args, as.def == absentList)
	case as.slot != "" && len(args) == 1:
		return w.value(args[0])
	case len(args) > 1:
		return 0, unsupported("slot "+as.slot, "one variable", fmt.Sprint(len(args)))
	case as.kind == operandOptional:
		return 0, nil
	case as.kind == operandOne:
		return 0, malformed("slot "+as.slot, "a variable", "none")
	}
	v, err := o.valueOf(pirAttr{attr: as.attr, typ: as.typ, def: as.def})
	if err != nil {
		return 0, err
	}
	if as.kind == operandInts {
		return w.ints(toInt64s(v))
	}
	return w.number(as.elem, v)
}

// list combines variables into one value.
func (w *pirWriter) list(args []string, optional bool) (int64, error) {
	if len(args) == 0 && optional {
		return 0, nil
	}
	in := make([]int64, len(args))
	t := pirType{list: make([]pirType, len(args))}
	for i, arg := range args {
		var err error
		if in[i], err = w.value(arg); err != nil {
			return 0, err
		}
		if t.list[i], err = w.typeOf(arg); err != nil {
			return 0, err
		}
	}
	return w.one("0.combine", nil, in, t)
}

// one is emit for one result without a variable.
func (w *pirWriter) one(name string, attrs []pirJSONAttr, in []int64, t pirType) (int64, error) {
	ids, err := w.emit(name, attrs, in, outcome{typ: t})
	if err != nil {
		return 0, err
	}
	return ids[0], nil
}

// Where constants are kept: anywhere, or on the CPU as Paddle wants those that
// stand for attributes.
var (
	anyPlace      = pirJSONAttr{pirJSONValue{Kind: pirPlace, Data: []byte(`[0,0,""]`)}, "place"}
	constantPlace = pirJSONAttr{pirJSONValue{Kind: pirPlace, Data: []byte(`[1,0,""]`)}, "place"}
)

// ints writes a constant list.
func (w *pirWriter) ints(list []int64) (int64, error) {
	v, err := encodeArray(pirI64, list)
	if err != nil {
		return 0, err
	}
	return w.one("1.full_int_array", []pirJSONAttr{{v, "value"}, pirAttribute("dtype", pirDType, int32(Int64)), constantPlace},
		nil, pirType{dtype: Int64, dims: []int64{int64(len(list))}})
}

// number writes a constant of one element.
func (w *pirWriter) number(d DType, v any) (int64, error) {
	ids, err := w.full(pirType{dtype: d, dims: []int64{1}}, toFloat64(v), "")
	if err != nil {
		return 0, err
	}
	return ids[0], nil
}

// full writes a tensor of one number everywhere.
func (w *pirWriter) full(t pirType, value float64, name string) ([]int64, error) {
	v, err := encodeOne(pirF64, value)
	if err != nil {
		return nil, err
	}
	return w.emit("1.full", []pirJSONAttr{
		{intArray(t.dims), "shape"}, {v, "value"}, pirAttribute("dtype", pirDType, int32(t.dtype)), constantPlace,
	}, nil, outcome{t, name})
}

// pirAttribute is an attribute whose value has a form in JSON: an integer or a
// string.
func pirAttribute(name string, kind pirKind, v any) pirJSONAttr {
	x, _ := encodeOne(kind, v) // fails for floats only
	return pirJSONAttr{x, name}
}

func intArray(dims []int64) pirJSONValue {
	if dims == nil {
		dims = []int64{}
	}
	data, _ := json.Marshal(dims) // cannot fail
	return pirJSONValue{Kind: pirIntArray, Data: data}
}

func toFloat64(v any) float64 {
	switch v := v.(type) {
	case float32:
		return float64(v)
	case int32:
		return float64(v)
	case int64:
		return float64(v)
	case float64:
		return v
	}
	return 0
}

func toInt64s(v any) []int64 {
	switch v := v.(type) {
	case []int64:
		return v
	case []int32:
		out := make([]int64, len(v))
		for i, n := range v {
			out[i] = int64(n)
		}
		return out
	}
	return nil
}

// firstElem is the element type of the first operand, which most results share.
func (w *pirWriter) firstElem(o *Op, row *pirOp) (DType, error) {
	if len(row.in) == 0 || len(o.In(row.in[0].slot)) == 0 {
		return undefinedDType, nil
	}
	t, err := w.typeOf(o.In(row.in[0].slot)[0])
	return t.dtype, err
}

// result is the type of an output, and its variable if it has one.
func (w *pirWriter) result(o *Op, as pirResult, first DType) (outcome, error) {
	args := o.Out(as.slot)
	switch {
	case as.slot == "": // memory that only training needs: the type is what Paddle writes
		return outcome{typ: pirType{dtype: UInt8, dims: []int64{-1}}}, nil
	case len(args) == 0 && !as.many:
		return outcome{typ: pirType{none: true}}, nil
	case as.many:
		t := pirType{list: make([]pirType, len(args))}
		for i, arg := range args {
			var err error
			if t.list[i], err = w.declared(arg, as.elem, first); err != nil {
				return outcome{}, err
			}
		}
		return outcome{typ: t}, nil
	case len(args) > 1:
		return outcome{}, unsupported("slot "+as.slot, "one variable", fmt.Sprint(len(args)))
	}
	t, err := w.declared(args[0], as.elem, first)
	if as.over != "" && slices.Equal(args, o.In(as.over)) {
		return outcome{typ: t}, err // nobody reads it: the next reader means the parameter
	}
	return outcome{t, args[0]}, err
}

// declared is the type of a variable that is about to be written.
func (w *pirWriter) declared(name string, rule elemRule, first DType) (pirType, error) {
	delete(w.elems, name)
	t, err := w.typeOf(name)
	if d, ok := rule.fixed(); ok {
		t.dtype = d
	} else if rule == elemOfFirst && first != undefinedDType {
		t.dtype = first
	}
	return t, err
}

// valueOf returns the value that an attribute has, or its default.
func (o *Op) valueOf(as pirAttr) (any, error) {
	a := o.Attr(as.attr)
	if a == nil || as.always {
		return as.def, nil
	}
	v, err := classical(as.typ, loose(a.Value))
	if err != nil {
		return nil, inPIROp(err, "attribute "+quote(as.attr), -1)
	}
	if v == "AnyLayout" && as.def == "NCHW" {
		return "NCHW", nil // the same, for operators of pictures
	}
	return v, nil
}

// loose spells a value of a classical attribute as classical reads it: writers
// of different versions use different types for the same thing.
func loose(v any) any {
	switch v := v.(type) {
	case int32:
		return int64(v)
	case float32:
		return float64(v)
	case Scalar:
		switch v.Type {
		case ScalarBool:
			return v.Bool
		case ScalarLong:
			return v.Long
		}
		return v.Float64
	case []int32:
		return looseList(v)
	case []int64:
		return looseList(v)
	case []float32:
		return looseList(v)
	case []float64:
		return looseList(v)
	case nil:
		return []any{} // an empty list has no value
	}
	return v
}

func looseList[T any](v []T) []any {
	out := make([]any, len(v))
	for i, x := range v {
		out[i] = loose(x)
	}
	return out
}
