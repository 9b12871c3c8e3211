package model

import (
	"fmt"
	"slices"
)

// pirReaders are the operators of PIR that are more than another spelling of a
// classical one. Their names have lost the "_" of operators in place.
var pirReaders = map[string]func(*pirReader, *pirNode) error{
	"builtin.combine":                  (*pirReader).combine,
	"builtin.split":                    (*pirReader).takeApart,
	"builtin.slice":                    (*pirReader).takeOne,
	"pd_op.data":                       (*pirReader).feed,
	"pd_op.feed":                       (*pirReader).feed,
	"pd_op.fetch":                      (*pirReader).fetch,
	"pd_op.full":                       (*pirReader).full,
	"pd_op.full_int_array":             (*pirReader).fullIntArray,
	"pd_op.assign_value":               (*pirReader).assignValue,
	"pd_op.shape64":                    (*pirReader).shape64,
	"pd_op.cross_entropy_with_softmax": (*pirReader).crossEntropy,
}

// only returns the one operand that n has.
func (n *pirNode) only() (*pirValue, error) {
	if len(n.in) != 1 || n.in[0] == nil {
		return nil, malformed("operands", "one", fmt.Sprint(len(n.in)))
	}
	return n.in[0], nil
}

// outcome returns the only result of n, which has no name yet.
func (n *pirNode) outcome() (*pirValue, error) {
	if len(n.results) != 1 || n.types[0].none {
		return nil, malformed("results", "one", fmt.Sprint(len(n.results)))
	}
	return &pirValue{id: n.results[0].ID, typ: n.types[0], given: n.results[0].Name}, nil
}

// combine makes a list of values.
func (r *pirReader) combine(n *pirNode) error {
	v, err := n.outcome()
	if err != nil {
		return err
	}
	v.typ.list = make([]pirType, len(n.in))
	for i, e := range n.in {
		if e == nil || e.typ.list != nil || e.typ.none {
			return malformed(fmt.Sprintf("operand %d", i), "a tensor", "something else")
		}
		v.typ.list[i] = e.typ
	}
	v.elems = n.in
	return r.define(v)
}

// takeApart gives the elements of a list numbers of their own.
func (r *pirReader) takeApart(n *pirNode) error {
	l, err := n.only()
	if err != nil {
		return err
	}
	if len(l.elems) != len(n.results) {
		return malformed("results", fmt.Sprintf("%d, one an element", len(l.elems)), fmt.Sprint(len(n.results)))
	}
	for i, res := range n.results {
		if err := r.alias(l.elems[i], res); err != nil {
			return err
		}
	}
	return nil
}

// takeOne gives one element of a list a number of its own.
func (r *pirReader) takeOne(n *pirNode) error {
	l, err := n.only()
	if err != nil {
		return err
	}
	if _, err := n.outcome(); err != nil {
		return err
	}
	i, err := n.attrAs("index", AttrInt)
	if err != nil {
		return err
	}
	if k := int(i.(int32)); k < 0 || k >= len(l.elems) {
		return malformed("attribute index", fmt.Sprintf("below %d", len(l.elems)), fmt.Sprint(k))
	}
	return r.alias(l.elems[i.(int32)], n.results[0])
}

// alias makes res another number of v, and its name that of the variable.
func (r *pirReader) alias(v *pirValue, res pirJSONResult) error {
	r.rename(v, res.Name)
	same := *v
	same.id = res.ID
	return r.define(&same)
}

// rename gives the variable of v, if it was named by Octet, a name that is
// free.
func (r *pirReader) rename(v *pirValue, name string) {
	if name == "" || v.name == "" || r.own[v.name] || r.renamed[v.name] != "" || name != r.free(name) {
		return
	}
	r.vars[name] = r.vars[v.name]
	r.renamed[v.name] = name
}

// feed declares an input. Paddle feeds them in the order of the operators, or
// by column.
func (r *pirReader) feed(n *pirNode) error {
	v, err := n.outcome()
	if err != nil {
		return err
	}
	name, err := n.attrAs("name", AttrString)
	if err != nil {
		return err
	}
	col, err := n.attr("col")
	if col == nil {
		col = int64(len(r.feeds))
	}
	x, typeErr := classical(AttrInt, col)
	switch {
	case err != nil:
		return err
	case typeErr != nil:
		return inPIROp(typeErr, "attribute col", -1)
	case name == "" || name != r.free(name.(string)):
		return malformed("attribute name", "a name of its own", quote(name.(string)))
	case v.typ.list != nil:
		return malformed("result", "a tensor", "a list")
	}
	if err := r.declare(v, name.(string)); err != nil {
		return err
	}
	r.own[v.name] = true
	r.vars[v.name].NeedCheckFeed = true
	r.block.endpoint(feedOp, VarFeedMinibatch)
	r.feeds = append(r.feeds, &Op{
		Type: feedOp, Inputs: Slots("X", feedOp), Outputs: Slots("Out", v.name), Attrs: []Attr{IntAttr("col", x.(int32))},
	})
	return r.define(v)
}

// fetch returns a value. Its name becomes that of the variable if that has
// none.
func (r *pirReader) fetch(n *pirNode) error {
	v, err := n.only()
	if err != nil {
		return err
	}
	name, err := n.attrAs("name", AttrString)
	if err != nil {
		return err
	}
	if err := r.limitName("attribute name", name.(string)); err != nil {
		return err
	}
	col, err := n.attrAs("col", AttrInt)
	if err != nil {
		return err
	}
	variable, err := r.variable(v)
	if err != nil {
		return err
	}
	r.block.endpoint(fetchOp, VarFetchList)
	r.block.AddOp(fetchOp, Slots("X", variable), Slots("Out", fetchOp), IntAttr("col", col.(int32)))
	same := *v
	same.name = variable
	r.rename(&same, name.(string))
	return nil
}

// crossEntropy knows the form that starts from probabilities: classically an
// operator of its own, which does not give them back.
func (r *pirReader) crossEntropy(n *pirNode) error {
	row := *pirRows["cross_entropy_with_softmax"]
	use, err := n.attr("use_softmax")
	if err != nil {
		return err
	}
	axis, err := n.attr("axis")
	if err != nil {
		return err
	}
	last := axis == nil || axis == int64(-1) || len(n.in) > 0 && n.in[0] != nil && axis == int64(len(n.in[0].typ.dims)-1)
	if use != false || !last {
		return r.byRow(n, &row) // whoever runs another axis says what is missing
	}
	row.op = "cross_entropy"
	row.in = []pirOperand{argOne("X"), argOne("Label")}
	row.out = []pirResult{out(""), out("Y")}
	if err := r.byRow(n, &row); err != nil {
		return err
	}
	o := r.block.Ops[len(r.block.Ops)-1]
	o.Attrs = slices.DeleteFunc(o.Attrs, func(a Attr) bool { return a.Name != "soft_label" && a.Name != "ignore_index" })
	return nil
}

// shape64 is the classical shape, which counts in 32 bits, and a cast.
func (r *pirReader) shape64(n *pirNode) error {
	x, err := n.only()
	if err != nil {
		return err
	}
	v, err := n.outcome()
	if err != nil {
		return err
	}
	in, err := r.variable(x)
	if err != nil {
		return err
	}
	if err := r.name(v, "shape", n.results[0].Name); err != nil {
		return err
	}
	short := &pirValue{typ: pirType{dtype: Int32, dims: v.typ.dims}}
	if err := r.declare(short, r.free(v.name+"_int32")); err != nil {
		return err
	}
	r.block.AddOp("shape", Slots("Input", in), Slots("Out", short.name))
	r.block.AddOp("cast", Slots("X", short.name), Slots("Out", v.name), IntAttr("out_dtype", int32(Int64)), IntAttr("in_dtype", int32(Int32)))
	return r.define(v)
}
