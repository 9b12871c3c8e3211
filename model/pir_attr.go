package model

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// decode reads the value of an attribute as bool, int64, float64, string,
// DType, or a list of those. What no classical attribute can hold (places,
// layouts) is nil.
func (v pirJSONValue) decode() (any, error) {
	switch v.Kind {
	case pirBool:
		return scanJSON[bool](v.Data)
	case pirI32, pirI64, "0.a_index":
		return scanJSON[int64](v.Data)
	case pirF32, pirF64:
		return v.float()
	case pirStr, "0.a_tensorname":
		return scanJSON[string](v.Data)
	case pirDType:
		name, err := scanJSON[string](v.Data)
		if err != nil {
			return nil, err
		}
		return dtypeNamed(name), nil
	case pirScalar:
		return v.scalar()
	case pirIntArray:
		ints, err := scanJSON[[]int64](v.Data)
		out := make([]any, len(ints))
		for i, n := range ints {
			out[i] = n
		}
		return out, err
	case pirArray:
		elems, err := scanJSON[[]pirJSONValue](v.Data)
		if err != nil {
			return nil, err
		}
		out := make([]any, len(elems))
		for i, e := range elems {
			if e.Kind == pirArray {
				return nil, malformed("list", "single values", "a list in it")
			}
			if out[i], err = e.decode(); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	return nil, nil
}

func scanJSON[T any](data json.RawMessage) (v T, err error) {
	if len(data) == 0 {
		return v, malformed("value", fmt.Sprintf("%T", v), "none")
	}
	if err := json.Unmarshal(data, &v); err != nil {
		return v, malformed("value", fmt.Sprintf("%T", v), fmt.Sprintf("%.40s", data))
	}
	return v, nil
}

// float reads a number, or the name of one that JSON does not have.
func (v pirJSONValue) float() (float64, error) {
	switch strings.ToUpper(v.Void) {
	case "":
		return scanJSON[float64](v.Data)
	case "NAN":
		return math.NaN(), nil
	case "INF":
		return math.Inf(1), nil
	case "-INF":
		return math.Inf(-1), nil
	}
	return 0, malformed("number", "NaN, INF or -INF", quote(v.Void))
}

// scalar reads [type, value].
func (v pirJSONValue) scalar() (any, error) {
	parts, err := scanJSON[[]json.RawMessage](v.Data)
	if err != nil || len(parts) != 2 {
		return nil, malformed("scalar", "its type and its value", fmt.Sprintf("%.40s", v.Data))
	}
	if b, err := scanJSON[bool](parts[1]); err == nil {
		return b, nil
	}
	if n, err := scanJSON[int64](parts[1]); err == nil {
		return n, nil
	}
	return scanJSON[float64](parts[1])
}

// dtypeNamed returns the element type of that name, or undefinedDType.
func dtypeNamed(name string) DType {
	for d, t := range dtypes {
		if t.name == name {
			return d
		}
	}
	return undefinedDType
}

// classical converts a decoded value to what an attribute of type t holds.
func classical(t AttrType, v any) (any, error) {
	switch t {
	case AttrBool:
		switch v := v.(type) {
		case bool:
			return v, nil
		case int64:
			return v != 0, nil
		}
	case AttrInt:
		switch v := v.(type) {
		case int64:
			if int64(int32(v)) == v {
				return int32(v), nil
			}
		case DType:
			return int32(v), nil
		case float64:
			if n := int32(v); float64(n) == v {
				return n, nil
			}
		case bool:
			return classical(t, map[bool]int64{true: 1}[v])
		}
	case AttrLong:
		switch v := v.(type) {
		case int64:
			return v, nil
		case float64:
			if n := int64(v); float64(n) == v {
				return n, nil
			}
		}
	case AttrFloat:
		switch v := v.(type) {
		case float64:
			return float32(v), nil
		case int64:
			return float32(v), nil
		}
	case AttrFloat64:
		switch v := v.(type) {
		case float64:
			return v, nil
		case int64:
			return float64(v), nil
		}
	case AttrString:
		if s, ok := v.(string); ok {
			return s, nil
		}
	case AttrInts:
		return eachAs[int32](AttrInt, v)
	case AttrLongs:
		return eachAs[int64](AttrLong, v)
	case AttrFloats:
		return eachAs[float32](AttrFloat, v)
	case AttrFloat64s:
		return eachAs[float64](AttrFloat64, v)
	}
	return nil, malformed("value", attrTypeNames[t], fmt.Sprintf("%.80v", v))
}

// eachAs converts a list element by element.
func eachAs[T any](t AttrType, v any) (any, error) {
	elems, ok := v.([]any)
	if !ok {
		return nil, malformed("value", "a list", fmt.Sprintf("%.80v", v))
	}
	out := make([]T, len(elems))
	for i, e := range elems {
		x, err := classical(t, e)
		if err != nil {
			return nil, err
		}
		out[i] = x.(T)
	}
	return out, nil
}

var attrTypeNames = map[AttrType]string{
	AttrBool: "a flag", AttrInt: "an integer of 32 bits", AttrLong: "an integer", AttrFloat: "a number", AttrFloat64: "a number", AttrString: "a string",
}

// guessAttr makes an attribute of an operator that no row describes.
func guessAttr(name string, v any) (Attr, bool) {
	switch v := v.(type) {
	case bool:
		return BoolAttr(name, v), true
	case int64:
		return LongAttr(name, v), true
	case float64:
		return Attr{name, AttrFloat64, v}, true
	case string:
		return StringAttr(name, v), true
	case DType:
		return IntAttr(name, int32(v)), true
	case []any:
		for _, t := range []AttrType{AttrLongs, AttrFloats} {
			if x, err := classical(t, v); err == nil {
				return Attr{name, t, x}, true
			}
		}
	}
	return Attr{}, false
}

// encodePIR writes the value of a classical attribute as the kind that a says.
func (a pirAttr) encodePIR(v any) (pirJSONValue, error) {
	switch v := v.(type) {
	case []int32:
		return encodeArray(a.elem, v)
	case []int64:
		return encodeArray(a.elem, v)
	case []float32:
		return encodeArray(a.elem, v)
	}
	return encodeOne(a.kind, v)
}

func encodeArray[T any](elem pirKind, v []T) (pirJSONValue, error) {
	elems := make([]pirJSONValue, len(v))
	for i, x := range v {
		var err error
		if elems[i], err = encodeOne(elem, x); err != nil {
			return pirJSONValue{}, err
		}
	}
	data, err := json.Marshal(elems)
	return pirJSONValue{Kind: pirArray, Data: data}, err
}

// encodeOne writes a single value.
func encodeOne(kind pirKind, v any) (pirJSONValue, error) {
	out := pirJSONValue{Kind: kind}
	var err error
	switch v := v.(type) {
	case float32:
		out.Data, err = encodeFloat(float64(v))
	case float64:
		out.Data, err = encodeFloat(v)
	case int32:
		switch {
		case kind == pirDType:
			out.Data, err = json.Marshal(pirDTypeName(DType(v)))
		case kind == pirF32, kind == pirF64:
			out.Data, err = encodeFloat(float64(v))
		default:
			out.Data = strconv.AppendInt(nil, int64(v), 10)
		}
	default:
		out.Data, err = json.Marshal(v)
	}
	return out, err
}

// encodeFloat writes a number as Paddle does, with a point; a double spells
// every float32 exactly. Infinities are refused: Paddle 3.3 writes names for
// them that it then cannot read.
func encodeFloat(v float64) (json.RawMessage, error) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil, unsupported("number", "a finite one, to write it as PIR", fmt.Sprint(v))
	}
	b := strconv.AppendFloat(nil, v, 'g', -1, 64)
	if !strings.ContainsAny(string(b), ".e") {
		b = append(b, ".0"...)
	}
	return b, nil
}

func pirDTypeName(d DType) string {
	if d == undefinedDType {
		return "Undefined(ALL_DTYPE)"
	}
	return d.String()
}
