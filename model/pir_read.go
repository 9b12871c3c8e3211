package model

import (
	"fmt"
	"strings"
)

// translate appends the classical form of n.
func (r *pirReader) translate(n *pirNode) error {
	if special := pirReaders[strings.TrimSuffix(n.name, "_")]; special != nil {
		return special(r, n)
	}
	if base, ok := strings.CutPrefix(n.name, "pd_op."); ok {
		if row := pirRow(base); row != nil {
			return r.byRow(n, row)
		}
	}
	return r.unknown(n)
}

// byRow translates an operator that the tables describe.
func (r *pirReader) byRow(n *pirNode, row *pirOp) error {
	o := &Op{Type: row.op}
	if len(n.in) > len(row.in) {
		return unsupported("operands", fmt.Sprintf("at most %d", len(row.in)), fmt.Sprint(len(n.in)))
	}
	for i, want := range row.in {
		var v *pirValue
		if i < len(n.in) {
			v = n.in[i]
		}
		if err := r.operand(o, want, v); err != nil {
			return inPIROp(err, fmt.Sprintf("operand %d", i), -1)
		}
	}
	if err := n.knownAttrs(row); err != nil {
		return err
	}
	for _, want := range row.attrs {
		if want.kind == pirPlace {
			continue
		}
		if err := n.attribute(o, want); err != nil {
			return err
		}
	}
	for i := range n.results {
		want := pirResult{}
		if i < len(row.out) {
			want = row.out[i]
		}
		if err := r.result(n, i, o, want); err != nil {
			return inPIROp(err, fmt.Sprintf("result %d", i), -1)
		}
	}
	if row.read != nil {
		row.read(r, o)
	}
	r.block.Ops = append(r.block.Ops, o)
	return nil
}

// operand binds v, nil where it is absent, to what it is classically.
func (r *pirReader) operand(o *Op, want pirOperand, v *pirValue) error {
	switch want.kind {
	case operandInts, operandNumber:
		return r.constant(o, want, v)
	case operandList:
		if v == nil && want.def == absentList {
			return nil
		}
		if v == nil || v.typ.list == nil {
			return malformed("", "a list", "none")
		}
		args := make([]string, len(v.elems))
		for i, e := range v.elems {
			var err error
			if args[i], err = r.variable(e); err != nil {
				return err
			}
		}
		o.Inputs = append(o.Inputs, Slot{want.slot, args})
		return nil
	}
	if v == nil {
		if want.kind == operandOptional {
			return nil
		}
		return malformed("", "a value", "none")
	}
	name, err := r.variable(v)
	o.Inputs = append(o.Inputs, Slot{want.slot, []string{name}})
	return err
}

// variable returns the name of the variable that holds v, a tensor.
func (r *pirReader) variable(v *pirValue) (string, error) {
	switch {
	case v.typ.list != nil:
		return "", malformed("", "a tensor", "a list")
	case v.typ.none:
		return "", malformed("", "a tensor", "nothing")
	case v.fixed != nil:
		return r.emitConstant(v)
	}
	return v.name, nil
}

// notes are attributes that say nothing about what is computed.
var notes = map[string]bool{"struct_name": true, "place": true, "op_role": true, "op_dist_attr": true, "op_callstack": true}

// knownAttrs refuses attributes that would be lost, in operators of a Paddle
// that is newer than the tables.
func (n *pirNode) knownAttrs(row *pirOp) error {
	seen := make(map[string]bool, len(n.attrs))
	for _, a := range n.attrs {
		if seen[a.Name] {
			return malformed("attributes", "each once", quote(a.Name)+" twice")
		}
		seen[a.Name] = true
	}
	for _, want := range row.attrs {
		delete(seen, want.name)
	}
	for name := range seen {
		if !notes[name] {
			return unsupported("attributes", "those that Paddle 3.3 writes", quote(name))
		}
	}
	return nil
}

// attribute sets the classical attribute that want describes.
func (n *pirNode) attribute(o *Op, want pirAttr) error {
	v, err := n.attr(want.name)
	if err != nil {
		return err
	}
	x := want.def
	if v != nil {
		if x, err = classical(want.typ, v); err != nil {
			return inPIROp(err, "attribute "+quote(want.name), -1)
		}
	}
	if want.rare && x == want.def {
		return nil
	}
	o.Attrs = append(o.Attrs, Attr{want.attr, want.typ, cloneValue(x)})
	return nil
}

// result defines result i of n as output want of o.
func (r *pirReader) result(n *pirNode, i int, o *Op, want pirResult) error {
	v := &pirValue{id: n.results[i].ID, typ: n.types[i]}
	if d, ok := want.elem.fixed(); ok {
		v.typ.dtype = d // Paddle itself writes float32 for some
	}
	var err error
	switch {
	case v.typ.none:
		return nil
	case want.slot == "":
		v.lost = n.name
	case want.over != "" && len(o.In(want.over)) == 1:
		v.name = o.In(want.over)[0]
		o.Outputs = append(o.Outputs, Slot{want.slot, []string{v.name}})
	case want.many != (v.typ.list != nil):
		return malformed("", "another type", "a tensor in place of a list, or a list")
	case want.many:
		var args []string
		if args, err = r.elements(v, o.Type); err == nil {
			o.Outputs = append(o.Outputs, Slot{want.slot, args})
		}
	default:
		err = r.name(v, o.Type, n.results[i].Name)
		o.Outputs = append(o.Outputs, Slot{want.slot, []string{v.name}})
	}
	if err != nil {
		return err
	}
	return r.define(v)
}

// elements declares variables for the elements of a list. Their names stand
// with the operator that takes the list apart, so here they get plain ones.
func (r *pirReader) elements(v *pirValue, typ string) ([]string, error) {
	args := make([]string, len(v.typ.list))
	v.elems = make([]*pirValue, len(v.typ.list))
	for i, t := range v.typ.list {
		v.elems[i] = &pirValue{id: v.id, typ: t}
		if err := r.declare(v.elems[i], r.free(fmt.Sprintf("%s_%d_%d", typ, v.id, i))); err != nil {
			return nil, err
		}
		args[i] = v.elems[i].name
	}
	return args, nil
}

// name declares the variable of v: as the file calls it if it does and the
// name is free, else after the operator.
func (r *pirReader) name(v *pirValue, typ, given string) error {
	if given != "" && given == r.free(given) {
		r.own[given] = true
		return r.declare(v, given)
	}
	return r.declare(v, r.free(variableName(typ, v.id)))
}

// variableName is what a variable is called that has no name in the file.
func variableName(typ string, id int64) string { return fmt.Sprintf("%s_%d", typ, id) }

// free returns name, or name with something added, that no variable has.
func (r *pirReader) free(name string) string {
	for r.vars[name] != nil || name == feedOp || name == fetchOp || name == emptyVar {
		name += "_"
	}
	return name
}

// unknown keeps an operator that no row describes under its full name, so that
// whoever cannot run it can name it.
func (r *pirReader) unknown(n *pirNode) error {
	o := &Op{Type: n.name}
	var in []string
	for _, v := range n.in {
		args, err := r.flat(v)
		if err != nil {
			return err
		}
		in = append(in, args...)
	}
	o.Inputs = []Slot{{"X", in}}
	seen := make(map[string]bool, len(n.attrs))
	for _, a := range n.attrs {
		v, err := a.Value.decode()
		if err != nil {
			return inPIROp(err, "attribute "+quote(a.Name), -1)
		}
		if g, ok := guessAttr(a.Name, v); ok && !seen[a.Name] {
			seen[a.Name] = true
			o.Attrs = append(o.Attrs, g)
		}
	}
	var out []string
	for i, res := range n.results {
		v := &pirValue{id: res.ID, typ: n.types[i]}
		if err := r.declareAny(v, n.name, res.Name); err != nil {
			return err
		}
		args, err := r.flat(v)
		if err != nil {
			return err
		}
		out = append(out, args...)
	}
	o.Outputs = []Slot{{"Out", out}}
	r.block.Ops = append(r.block.Ops, o)
	return nil
}

func (r *pirReader) declareAny(v *pirValue, typ, given string) (err error) {
	switch {
	case v.typ.none:
	case v.typ.list != nil:
		_, err = r.elements(v, typ)
	default:
		err = r.name(v, typ, given)
	}
	if err != nil {
		return err
	}
	return r.define(v)
}

// flat returns the variables of a value: one, those of a list, or the mark of
// an absent one.
func (r *pirReader) flat(v *pirValue) ([]string, error) {
	if v == nil || v.typ.none {
		return []string{emptyVar}, nil
	}
	if v.typ.list == nil {
		name, err := r.variable(v)
		return []string{name}, err
	}
	args := make([]string, len(v.elems))
	for i, e := range v.elems {
		var err error
		if args[i], err = r.variable(e); err != nil {
			return nil, err
		}
	}
	return args, nil
}
