package graph

import (
	"math"

	"github.com/octet-dnn/octet/model"
)

// The accessors below give def for an absent attribute, as Paddle does, and
// refuse one whose type or value has no meaning. They accept what writers of
// different versions use for the same thing: INT or LONG, BOOLEAN or INT.

func (r *reader) wrongType(a *model.Attr, want string) {
	r.fail(programErr("attribute %s has type %d: want %s", a.Name, a.Type, want))
}

func (r *reader) int(name string, def int) int {
	a := r.op.Attr(name)
	if a == nil {
		return def
	}
	switch a.Value.(type) {
	case int32, int64, bool:
	default:
		r.wrongType(a, "an integer")
		return def
	}
	v := r.op.Int(name, 0)
	if v < math.MinInt32 || v > math.MaxInt32 {
		r.fail(programErr("attribute %s is %d", name, v))
		return def
	}
	return int(v)
}

func (r *reader) flag(name string, def bool) bool {
	a := r.op.Attr(name)
	if a == nil {
		return def
	}
	switch a.Value.(type) {
	case bool, int32, int64:
		return r.op.Bool(name, def)
	}
	r.wrongType(a, "a flag")
	return def
}

func (r *reader) number(name string, def float32) float32 {
	a := r.op.Attr(name)
	if a == nil {
		return def
	}
	switch v := a.Value.(type) {
	case float32, float64, int32, int64:
		return r.finite(name, float32(r.op.Float(name, 0)))
	case model.Scalar:
		return r.finite(name, scalarNumber(v))
	}
	r.wrongType(a, "a number")
	return def
}

func scalarNumber(s model.Scalar) float32 {
	switch s.Type {
	case model.ScalarFloat64:
		return float32(s.Float64)
	case model.ScalarLong:
		return float32(s.Long)
	}
	return float32(math.NaN())
}

func (r *reader) text(name, def string) string {
	a := r.op.Attr(name)
	if a == nil {
		return def
	}
	s, ok := a.Value.(string)
	if !ok || a.Type != model.AttrString {
		r.wrongType(a, "a string")
		return def
	}
	return s
}

func (r *reader) ints(name string, def ...int) []int {
	a := r.op.Attr(name)
	if a == nil {
		return def
	}
	switch a.Value.(type) {
	case []int32, []int64:
	default:
		if emptyList(a) {
			return nil
		}
		r.wrongType(a, "a list of integers")
		return def
	}
	list := r.op.Ints(name, nil)
	out := make([]int, len(list))
	for i, v := range list {
		if v < math.MinInt32 || v > math.MaxInt32 {
			r.fail(programErr("attribute %s holds %d", name, v))
			return def
		}
		out[i] = int(v)
	}
	return out
}

func (r *reader) numbers(name string, def ...float32) []float32 {
	a := r.op.Attr(name)
	if a == nil {
		return def
	}
	switch a.Value.(type) {
	case []float32, []float64:
	default:
		if emptyList(a) {
			return nil
		}
		r.wrongType(a, "a list of numbers")
		return def
	}
	out := r.op.Floats(name, nil)
	for _, v := range out {
		r.finite(name, v)
	}
	return out
}

// emptyList reports a list attribute without elements, which has no value.
func emptyList(a *model.Attr) bool {
	if a.Value != nil {
		return false
	}
	switch a.Type {
	case model.AttrInts, model.AttrLongs, model.AttrFloats, model.AttrFloat64s:
		return true
	}
	return false
}

// pair reads two numbers (h, w), both at least 1.
func (r *reader) pair(name string, def ...int) [2]int {
	list := r.ints(name, def...)
	if len(list) != 2 {
		r.fail(programErr("attribute %s is %v: want two numbers", name, list))
		return [2]int{1, 1}
	}
	if list[0] < 1 || list[1] < 1 {
		r.fail(programErr("attribute %s is %v: want positive numbers", name, list))
	}
	return [2]int{list[0], list[1]}
}

// pads reads paddings: [h, w] for both sides, or [top, bottom, left, right].
func (r *reader) pads(name string) [4]int {
	list := r.ints(name, 0, 0)
	for _, p := range list {
		if p < 0 {
			r.fail(programErr("attribute %s is %v: want no negative number", name, list))
		}
	}
	switch len(list) {
	case 2:
		return [4]int{list[0], list[0], list[1], list[1]}
	case 4:
		return [4]int(list)
	}
	r.fail(programErr("attribute %s is %v: want two or four numbers", name, list))
	return [4]int{}
}

// padMode reads padding_algorithm.
func (r *reader) padMode() PadMode {
	switch s := r.text("padding_algorithm", "EXPLICIT"); s {
	case "EXPLICIT", "":
		return PadExplicit
	case "SAME":
		return PadSame
	case "VALID":
		return PadValid
	default:
		r.fail(programErr("padding_algorithm %q", s))
		return PadExplicit
	}
}

// scale reads an INT8 scale: a positive number.
func (r *reader) scale(name string, def float32) float32 {
	s := r.number(name, def)
	if r.err == nil && !validScale(s) {
		r.fail(programErr("attribute %s is %v: want a positive number", name, s))
	}
	return s
}
