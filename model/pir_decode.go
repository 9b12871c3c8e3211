package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// decodePIR reads a PIR program in JSON and translates it to the classical
// form. It returns the version of the format that the file names.
func decodePIR(data []byte, lim Limits) (*Program, int64, error) {
	s, err := newPIRScanner(data)
	if err != nil {
		return nil, 0, err
	}
	r := newPIRReader(lim)
	var head struct {
		Magic   string `json:"magic"`
		Version int64  `json:"version"`
	}
	found := false
	err = s.object("file", func(key string) error {
		switch key {
		case "base_code":
			return s.value(key, &head)
		case "program":
			found = true
			return r.program(s)
		}
		return s.skip()
	})
	switch {
	case err != nil:
		return nil, 0, err
	case head.Magic != "pir" || head.Version < 0:
		return nil, 0, unsupported("base_code", "the magic word pir and a version", fmt.Sprintf("%s, version %d", quote(head.Magic), head.Version))
	case !found || !r.begun:
		return nil, 0, malformed("program", "one region with one block of operators", "none")
	}
	return r.finish(), head.Version, nil
}

// A pirReader translates operators of PIR one by one.
type pirReader struct {
	lim    Limits
	block  *Block
	vars   map[string]*Var
	values map[int64]*pirValue
	begun  bool // the list of operators was there
	ops    int
	feeds  []*Op // in the order of their columns, as far as it goes
	// renamed gives variables without a name of their own that of their fetch.
	renamed map[string]string
	own     map[string]bool // variables whose name stands in the file
}

// A pirValue is what a number of PIR stands for.
type pirValue struct {
	id    int64
	typ   pirType
	name  string      // its variable
	given string      // what the file calls it
	elems []*pirValue // of a list
	fixed *pirConst   // of a constant without a variable yet
	// lost is the operator whose classical form has no such output.
	lost string
}

func newPIRReader(lim Limits) *pirReader {
	p := NewProgram()
	return &pirReader{
		lim: lim, block: p.Blocks[0], vars: make(map[string]*Var), values: make(map[int64]*pirValue),
		renamed: make(map[string]string), own: make(map[string]bool),
	}
}

// program walks down to the operators of the only block.
func (r *pirReader) program(s *pirScanner) error {
	only := func(what string, i int, f func(key string) error) error {
		if i > 0 {
			return s.malformed(what, "one", "more")
		}
		return s.object(what, f)
	}
	return s.object("program", func(key string) error {
		if key != "regions" {
			return s.skip()
		}
		return s.array(key, func(i int) error {
			return only("region", i, func(key string) error {
				if key != "blocks" {
					return s.skip()
				}
				return s.array(key, func(i int) error {
					return only("block", i, func(key string) error { return r.inBlock(s, key) })
				})
			})
		})
	})
}

func (r *pirReader) inBlock(s *pirScanner, key string) error {
	switch key {
	case "args", "kwargs":
		return s.array(key, func(int) error { return unsupported("block", "no arguments", "some") })
	case "ops":
		r.begun = true
		var raw json.RawMessage
		return s.array(key, func(i int) error {
			at, err := s.raw("op", &raw)
			if err == nil {
				err = r.op(i, raw, at)
			}
			return err
		})
	}
	return s.skip()
}

// A pirNode is an operator that is being read.
type pirNode struct {
	name    string // with the dialect spelled out: pd_op.relu
	attrs   []pirJSONAttr
	in      []*pirValue // nil where absent
	results []pirJSONResult
	types   []pirType
}

// dialects are the numbers that files put in place of dialects' names.
var dialects = map[string]string{"0": "builtin", "1": "pd_op", "2": "cf", "3": "custom_op", "4": "dist"}

// op reads operator i, whose text starts at offset at.
func (r *pirReader) op(i int, raw []byte, at int64) error {
	if r.ops++; r.ops > r.lim.Ops {
		e := tooLarge("program", "Ops", int64(r.lim.Ops), "more")
		e.Offset = at
		return e
	}
	var o pirJSONOp
	if err := json.Unmarshal(raw, &o); err != nil {
		return pirFault(err, at, fmt.Sprintf("op %d", i))
	}
	name := o.Name
	if number, rest, ok := strings.Cut(o.Name, "."); ok && dialects[number] != "" {
		name = dialects[number] + "." + rest
	}
	err := r.limitName("op", name)
	switch {
	case err != nil:
	case o.Name == "":
		err = malformed("", "a name", "none")
	case name == "p":
		err = r.parameter(o)
	default:
		var n *pirNode
		if n, err = r.node(name, o); err == nil {
			err = r.translate(n)
		}
	}
	return inPIROp(err, fmt.Sprintf("op %d %s", i, quote(name)), at)
}

// inPIROp names the operator in an error about one of its parts.
func inPIROp(err error, subject string, at int64) error {
	var e *FormatError
	if !errors.As(err, &e) {
		return err
	}
	if e.Offset < 0 {
		e.Offset = at
	}
	e.Subject = strings.TrimSuffix(subject+": "+e.Subject, ": ")
	return e
}

// node resolves the operands and reads the types of the results.
func (r *pirReader) node(name string, o pirJSONOp) (*pirNode, error) {
	n := &pirNode{name: name}
	if err := decodeList(o.Attrs, &n.attrs, "attributes"); err != nil {
		return nil, err
	}
	if err := decodeList(o.Results, &n.results, "results"); err != nil {
		return nil, err
	}
	for i, ref := range o.Operands {
		v := r.values[ref.ID]
		switch {
		case ref.ID == 0:
		case v == nil:
			return nil, malformed(fmt.Sprintf("operand %d", i), "a value defined before", fmt.Sprint(ref.ID))
		case v.lost != "":
			return nil, unsupported(fmt.Sprintf("operand %d", i), "a value that the classical form has", "an inner result of "+v.lost)
		}
		n.in = append(n.in, v)
	}
	for i, res := range n.results {
		t, err := res.Type.decode(r.lim)
		if err != nil {
			return nil, inPIROp(err, fmt.Sprintf("result %d", i), -1)
		}
		n.types = append(n.types, t)
	}
	return n, nil
}

// decodeList reads a list that may be missing.
func decodeList(raw json.RawMessage, into any, what string) error {
	if len(raw) == 0 {
		return nil
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return pirFault(err, -1, what)
	}
	return nil
}

// attr returns the decoded attribute of that name, nil where there is none.
func (n *pirNode) attr(name string) (any, error) {
	for _, a := range n.attrs {
		if a.Name == name {
			v, err := a.Value.decode()
			return v, inPIROp(err, "attribute "+quote(name), -1)
		}
	}
	return nil, nil
}

// attrAs is attr for a value of type t, which must be there.
func (n *pirNode) attrAs(name string, t AttrType) (any, error) {
	v, err := n.attr(name)
	if err != nil {
		return nil, err
	}
	x, err := classical(t, v)
	return x, inPIROp(err, "attribute "+quote(name), -1)
}

func (r *pirReader) limitName(what, name string) error {
	if len(name) > r.lim.NameBytes {
		return tooLarge(what, "NameBytes", int64(r.lim.NameBytes), fmt.Sprintf("%d bytes", len(name)))
	}
	return nil
}

// parameter reads the short form of builtin.parameter.
func (r *pirReader) parameter(o pirJSONOp) error {
	var attrs []any // is_distributed, is_parameter, need_clip, the name
	if err := json.Unmarshal(o.Attrs, &attrs); err != nil {
		return pirFault(err, -1, "attributes")
	}
	var res pirJSONResult
	if err := json.Unmarshal(o.Results, &res); err != nil {
		return pirFault(err, -1, "result")
	}
	if len(attrs) != 4 {
		return malformed("attributes", "three flags and a name", fmt.Sprintf("%d values", len(attrs)))
	}
	name, _ := attrs[3].(string)
	if name == "" {
		return malformed("attributes", "a name", "none")
	}
	t, err := res.Type.decode(r.lim)
	switch {
	case err != nil:
		return err
	case t.none || t.list != nil:
		return malformed("parameter "+quote(name), "a tensor", "another type")
	case r.vars[name] != nil:
		return malformed("parameter "+quote(name), "a name of its own", "one that is taken")
	}
	v := &pirValue{id: res.ID, typ: t}
	if err := r.declare(v, name); err != nil {
		return err
	}
	r.vars[name].Persistable = true
	r.own[name] = true
	return r.define(v)
}

// declare makes a variable for v, of that name, which is free.
func (r *pirReader) declare(v *pirValue, name string) error {
	if err := r.limitName("variable", name); err != nil {
		return err
	}
	if len(r.block.Vars) >= r.lim.Vars {
		return tooLarge("program", "Vars", int64(r.lim.Vars), "more")
	}
	v.name = r.block.AddTensor(name, v.typ.dtype, v.typ.dims...)
	r.vars[name] = r.block.Vars[len(r.block.Vars)-1]
	return nil
}

// define makes a value known to the operators that follow. Nobody can ask for
// number 0.
func (r *pirReader) define(v *pirValue) error {
	if v.id == 0 {
		return nil
	}
	if r.values[v.id] != nil {
		return malformed(fmt.Sprintf("value %d", v.id), "one definition", "two")
	}
	r.values[v.id] = v
	return nil
}

// finish puts the feeds in front, the last column on top, as Paddle does, and
// gives fetched variables the names of their fetches.
func (r *pirReader) finish() *Program {
	b := r.block
	slices.Reverse(r.feeds)
	b.Ops = append(r.feeds, b.Ops...)
	for _, v := range b.Vars {
		if to, ok := r.renamed[v.Name]; ok {
			v.Name = to
		}
	}
	for _, o := range b.Ops {
		for _, slots := range [][]Slot{o.Inputs, o.Outputs} {
			for _, s := range slots {
				for i, arg := range s.Args {
					if to, ok := r.renamed[arg]; ok {
						s.Args[i] = to
					}
				}
			}
		}
	}
	p := &Program{Blocks: []*Block{b}, Wire: Wire{Explicit: 1 << 4}}
	return p
}
