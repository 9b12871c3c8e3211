package model

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// The JSON of a PIR program, with the keys in the order of Paddle's writer:
//
//	{"base_code": {"magic": "pir", "trainable": true, "version": 4},
//	 "program": {"regions": [{"#": "region_0", "blocks": [{"#": "block_0", "args": [], "ops": […]}]}]}}
//
// A value is called by a number; 0 is none.

// pirVersion is the version of the format that Paddle 3.3 writes, and Octet.
const pirVersion = 4

// A pirJSONOp is one operator. A parameter has the name "p", an object in place
// of the list of results and a list of bare values in place of attributes.
type pirJSONOp struct {
	Name        string          `json:"#"`
	Attrs       json.RawMessage `json:"A"`
	DistAttrs   json.RawMessage `json:"DA,omitempty"` // of parameters only, and empty
	Operands    []pirJSONRef    `json:"I,omitzero"`
	Results     json.RawMessage `json:"O"`
	ResultAttrs json.RawMessage `json:"OA"`
	QuantAttrs  json.RawMessage `json:"QA,omitempty"`      // like DistAttrs
	Regions     json.RawMessage `json:"regions,omitempty"` // bodies of control flow
}

// A pirJSONRef is a use of a value.
type pirJSONRef struct {
	ID int64 `json:"%"`
}

// A pirJSONResult is a value and its type. Name is Octet's: what the variable
// is called classically, which PIR has no place for; Paddle skips it.
type pirJSONResult struct {
	ID   int64       `json:"%"`
	Type pirJSONType `json:"TT"`
	Name string      `json:"octet_name,omitempty"`
}

// A pirJSONType is a type: "0.t_dtensor" with its description, "0.t_vec" with a
// list of types, or "NULL".
type pirJSONType struct {
	Kind string          `json:"#"`
	Data json.RawMessage `json:"D,omitempty"`
}

// A pirJSONAttr is an attribute with its name.
type pirJSONAttr struct {
	Value pirJSONValue `json:"AT"`
	Name  string       `json:"N"`
}

// A pirJSONValue is the value of an attribute. Void spells numbers that JSON
// does not have.
type pirJSONValue struct {
	Kind pirKind         `json:"#"`
	Data json.RawMessage `json:"D,omitempty"`
	Void string          `json:"VD,omitempty"`
}

// maxPIRParts bounds the objects and list elements of one operator; they are
// decoded at once and take up to a hundred bytes each. The largest seen are the
// numbers of a constant, two parts each.
const maxPIRParts = 1 << 19

// A pirScanner walks the JSON of a program that was found to be JSON.
type pirScanner struct {
	dec *json.Decoder
}

func newPIRScanner(data []byte) (*pirScanner, error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	// A decoder does not say where in a stream it fails; this does, once and
	// for all, and builds nothing.
	if err := json.Unmarshal(data, new(skipped)); err != nil {
		return nil, pirFault(err, 0, "")
	}
	return &pirScanner{dec: json.NewDecoder(bytes.NewReader(data))}, nil
}

// skipped is any JSON value, unread.
type skipped struct{}

func (*skipped) UnmarshalJSON([]byte) error { return nil }

// object calls f with each key of the object that comes next; f reads or skips
// the value. No key may come twice.
func (s *pirScanner) object(what string, f func(key string) error) error {
	if err := s.open(what, '{', "an object"); err != nil {
		return err
	}
	seen := make(map[string]bool)
	for s.dec.More() {
		key, err := s.dec.Token()
		if err != nil {
			return s.fault(err, what)
		}
		name, _ := key.(string)
		if seen[name] {
			return s.malformed(what, "each key once", quote(name)+" twice")
		}
		seen[name] = true
		if err := f(name); err != nil {
			return err
		}
	}
	_, err := s.dec.Token()
	return s.fault(err, what)
}

// array calls f for each element of the list that comes next.
func (s *pirScanner) array(what string, f func(i int) error) error {
	if err := s.open(what, '[', "a list"); err != nil {
		return err
	}
	for i := 0; s.dec.More(); i++ {
		if err := f(i); err != nil {
			return err
		}
	}
	_, err := s.dec.Token()
	return s.fault(err, what)
}

func (s *pirScanner) open(what string, delim json.Delim, expected string) error {
	t, err := s.dec.Token()
	if err != nil {
		return s.fault(err, what)
	}
	if t != delim {
		return s.malformed(what, expected, fmt.Sprintf("%.40v", t))
	}
	return nil
}

func (s *pirScanner) skip() error { return s.value("", new(skipped)) }

// value decodes the next value into v.
func (s *pirScanner) value(what string, v any) error { return s.fault(s.dec.Decode(v), what) }

// raw returns the text of the next value, which is good until the next call,
// and its offset.
func (s *pirScanner) raw(what string, into *json.RawMessage) (at int64, err error) {
	if err := s.dec.Decode(into); err != nil {
		return 0, s.fault(err, what)
	}
	at = s.dec.InputOffset() - int64(len(*into))
	if parts := bytes.Count(*into, []byte("{")) + bytes.Count(*into, []byte(",")); parts > maxPIRParts {
		return at, &FormatError{
			Offset: at, Subject: what, Kind: ErrTooLarge,
			Expected: fmt.Sprintf("at most %d parts", maxPIRParts), Seen: fmt.Sprint(parts),
		}
	}
	return at, nil
}

func (s *pirScanner) fault(err error, what string) error {
	if err == nil {
		return nil
	}
	return pirFault(err, s.dec.InputOffset(), what)
}

func (s *pirScanner) malformed(what, expected, seen string) *FormatError {
	e := malformed(what, expected, seen)
	e.Offset = s.dec.InputOffset()
	return e
}

// pirFault explains an error of the JSON decoder about text that starts at
// offset base; -1 leaves the place to whoever knows it.
func pirFault(err error, base int64, what string) error {
	e := malformed(what, "JSON of a PIR program", "")
	e.Offset = max(base, -1)
	var syntax *json.SyntaxError
	var typ *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		e.Offset, e.Err = base+syntax.Offset, syntax
	case errors.As(err, &typ):
		if base >= 0 {
			e.Offset += typ.Offset
		}
		e.Expected, e.Seen = "a value for "+typ.Type.String(), typ.Value
		if typ.Field != "" {
			e.Expected = fmt.Sprintf("another value for %s", quote(typ.Field))
		}
	default:
		e.Err = err
	}
	return e
}
