package model

import "slices"

// This file builds programs in Go. The names are Paddle's: an operator is a
// type, slots bound to variables, and attributes.
//
//	m := model.New()
//	b := m.Program.Blocks[0]
//	x := b.AddFeed("image", model.FP32, -1, 3, 224, 224)
//	b.AddTensor("y", model.FP32, -1, 3, 224, 224)
//	b.AddOp("relu", model.Slots("X", x), model.Slots("Out", "y"))
//	b.AddFetch("y")

// New returns a model with an empty program and no parameters.
func New() *Model { return &Model{Program: NewProgram(), Params: make(map[string]*Tensor)} }

// NewProgram returns a program of one empty block, of version 0, which every
// Paddle accepts.
func NewProgram() *Program {
	p := &Program{Wire: Wire{Explicit: 1 << 4}} // Paddle wants the version spelled out
	p.AddBlock(-1)
	return p
}

// AddBlock appends an empty block below parent and returns it.
func (p *Program) AddBlock(parent int32) *Block {
	b := &Block{Index: int32(len(p.Blocks)), Parent: parent, ForwardBlock: -1}
	p.Blocks = append(p.Blocks, b)
	return b
}

// explicitNew marks what Paddle's own writer spells out for every variable
// though it be the default: persistable and lod_level.
const explicitNew = 1<<3 | explicitLoDLevel

// AddTensor declares a tensor variable and returns its name. A dim of -1 is
// not known before the run: the batch.
func (b *Block) AddTensor(name string, d DType, dims ...int64) string {
	b.Vars = append(b.Vars, &Var{
		Name: name, Type: VarLoDTensor, DType: d, Dims: dims, Wire: Wire{Explicit: explicitNew},
	})
	return name
}

// AddParam declares a parameter in block 0 with the tensor t, which m keeps,
// and returns its name.
func (m *Model) AddParam(name string, t *Tensor) string {
	b := m.Program.Blocks[0]
	b.AddTensor(name, t.DType, slices.Clone(t.Dims)...)
	b.Vars[len(b.Vars)-1].Persistable = true
	m.Params[name] = t
	return name
}

// AddOp appends an operator and returns it.
func (b *Block) AddOp(typ string, in, out []Slot, attrs ...Attr) *Op {
	o := &Op{Type: typ, Inputs: in, Outputs: out, Attrs: attrs}
	b.Ops = append(b.Ops, o)
	return o
}

// Slots pairs slot names with one variable each: Slots("Input", "x", "Filter",
// "w"). A name left over at the end is a slot without variables. Slots of
// several variables are written as []Slot.
func Slots(pairs ...string) []Slot {
	var out []Slot
	for i := 0; i < len(pairs); i += 2 {
		s := Slot{Name: pairs[i]}
		if i+1 < len(pairs) {
			s.Args = []string{pairs[i+1]}
		}
		out = append(out, s)
	}
	return out
}

// AddFeed declares an input of the program, the next column of the caller's
// list, and returns its name. As in Paddle, feed operators stand first, the
// last column on top.
func (b *Block) AddFeed(name string, d DType, dims ...int64) string {
	b.AddTensor(name, d, dims...)
	b.Vars[len(b.Vars)-1].NeedCheckFeed = true
	b.endpoint(feedOp, VarFeedMinibatch)
	op := &Op{
		Type: feedOp, Inputs: Slots("X", feedOp), Outputs: Slots("Out", name),
		Attrs: []Attr{IntAttr("col", int32(b.count(feedOp)))},
	}
	b.Ops = slices.Insert(b.Ops, 0, op)
	return name
}

// AddFetch makes a declared variable a result of the program, the next column
// of the caller's list.
func (b *Block) AddFetch(name string) {
	b.endpoint(fetchOp, VarFetchList)
	b.AddOp(fetchOp, Slots("X", name), Slots("Out", fetchOp), IntAttr("col", int32(b.count(fetchOp))))
}

// endpoint declares the variable feed or fetch once.
func (b *Block) endpoint(name string, t VarType) {
	if b.Var(name) == nil {
		b.Vars = append(b.Vars, &Var{Name: name, Type: t, Persistable: true})
	}
}

func (b *Block) count(typ string) (n int) {
	for _, o := range b.Ops {
		if o.Type == typ {
			n++
		}
	}
	return n
}

// SetAttr sets an attribute, in place of one of the same name or as the last.
func (o *Op) SetAttr(a Attr) {
	if old := o.Attr(a.Name); old != nil {
		*old = a
		return
	}
	o.Attrs = append(o.Attrs, a)
}

// IntAttr makes an INT attribute.
func IntAttr(name string, v int32) Attr { return Attr{name, AttrInt, v} }

// FloatAttr makes a FLOAT attribute.
func FloatAttr(name string, v float32) Attr { return Attr{name, AttrFloat, v} }

// StringAttr makes a STRING attribute.
func StringAttr(name, v string) Attr { return Attr{name, AttrString, v} }

// BoolAttr makes a BOOLEAN attribute.
func BoolAttr(name string, v bool) Attr { return Attr{name, AttrBool, v} }

// IntsAttr makes an INTS attribute.
func IntsAttr(name string, v ...int32) Attr { return Attr{name, AttrInts, v} }

// FloatsAttr makes a FLOATS attribute that keeps v.
func FloatsAttr(name string, v ...float32) Attr { return Attr{name, AttrFloats, v} }

// StringsAttr makes a STRINGS attribute that keeps v.
func StringsAttr(name string, v ...string) Attr { return Attr{name, AttrStrings, v} }

// LongAttr makes a LONG attribute.
func LongAttr(name string, v int64) Attr { return Attr{name, AttrLong, v} }

// LongsAttr makes a LONGS attribute that keeps v.
func LongsAttr(name string, v ...int64) Attr { return Attr{name, AttrLongs, v} }
