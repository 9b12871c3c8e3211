package model

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// pirElements are the names of element types in types of values.
var pirElements = map[string]DType{
	"0.t_bool": Bool, "0.t_i8": Int8, "0.t_ui8": UInt8, "0.t_i16": Int16, "0.t_i32": Int32, "0.t_i64": Int64,
	"0.t_f16": FP16, "0.t_bf16": BF16, "0.t_f32": FP32, "0.t_f64": FP64,
}

// The other names of types.
const (
	pirTensorType = "0.t_dtensor"
	pirVecType    = "0.t_vec"
	pirNoType     = "NULL"
)

// A pirType is what PIR knows of a value.
type pirType struct {
	none  bool // the value does not exist
	dtype DType
	dims  []int64
	list  []pirType // of a list of values; nil for a tensor
}

// decode reads a type. Lists do not nest.
func (t pirJSONType) decode(lim Limits) (pirType, error) {
	switch t.Kind {
	case pirNoType:
		return pirType{none: true}, nil
	case pirVecType:
		var elems []pirJSONType
		if err := json.Unmarshal(t.Data, &elems); err != nil {
			return pirType{}, pirFault(err, -1, "list type")
		}
		out := pirType{list: make([]pirType, len(elems))}
		for i, e := range elems {
			var err error
			if out.list[i], err = e.tensor(lim); err != nil {
				return pirType{}, err
			}
		}
		return out, nil
	}
	return t.tensor(lim)
}

// tensor reads [element, dims, layout, lod, offset].
func (t pirJSONType) tensor(lim Limits) (pirType, error) {
	if t.Kind != pirTensorType {
		e := malformed("type", "a dense tensor or a list of them", quote(t.Kind))
		if t.Kind != "" {
			e.Kind = ErrUnsupported
		}
		return pirType{}, e
	}
	var parts []json.RawMessage
	if err := json.Unmarshal(t.Data, &parts); err != nil || len(parts) < 2 {
		return pirType{}, malformed("tensor type", "a list of element type and dims", fmt.Sprintf("%d parts", len(parts)))
	}
	var elem pirJSONType
	var out pirType
	if err := json.Unmarshal(parts[0], &elem); err != nil {
		return pirType{}, pirFault(err, -1, "element type")
	}
	d, ok := pirElements[elem.Kind]
	if !ok {
		e := malformed("element type", "one that tensors have", quote(elem.Kind))
		e.Kind = ErrUnsupported
		return pirType{}, e
	}
	out.dtype = d
	if err := json.Unmarshal(parts[1], &out.dims); err != nil {
		return pirType{}, pirFault(err, -1, "dims")
	}
	return out, out.check(lim)
}

// check refuses dims that no tensor has. -1 is unknown.
func (t pirType) check(lim Limits) error {
	if len(t.dims) > lim.Rank {
		return tooLarge("dims", "Rank", int64(lim.Rank), fmt.Sprintf("%d dims", len(t.dims)))
	}
	for _, d := range t.dims {
		if d < -1 {
			return malformed("dims", "no number below -1", fmt.Sprint(d))
		}
		if d > lim.Dim {
			return tooLarge("dims", "Dim", lim.Dim, fmt.Sprint(d))
		}
	}
	return nil
}

// encode is the opposite of decode.
func (t pirType) encode() (pirJSONType, error) {
	switch {
	case t.none:
		return pirJSONType{Kind: pirNoType}, nil
	case t.list != nil:
		elems := make([]pirJSONType, len(t.list))
		for i, e := range t.list {
			var err error
			if elems[i], err = e.encode(); err != nil {
				return pirJSONType{}, err
			}
		}
		data, err := json.Marshal(elems)
		return pirJSONType{Kind: pirVecType, Data: data}, err
	}
	for name, d := range pirElements {
		if d == t.dtype {
			data := []byte(`[{"#":"` + name + `"},[`)
			for i, n := range t.dims {
				if i > 0 {
					data = append(data, ',')
				}
				data = strconv.AppendInt(data, n, 10)
			}
			return pirJSONType{Kind: pirTensorType, Data: append(data, `],"NCHW",[],0]`...)}, nil
		}
	}
	return pirJSONType{}, unsupported("element type", "one that PIR has", t.dtype.String())
}

// unsupported is an ErrUnsupported without a place.
func unsupported(subject, expected, seen string) *FormatError {
	e := malformed(subject, expected, seen)
	e.Kind = ErrUnsupported
	return e
}
