package model

import "slices"

// Clone returns a copy of p that shares nothing with it.
func (p *Program) Clone() *Program {
	c := *p
	c.Blocks = make([]*Block, len(p.Blocks))
	for i, b := range p.Blocks {
		c.Blocks[i] = b.clone()
	}
	c.OpVersions = slices.Clone(p.OpVersions)
	c.Wire = p.Wire.clone()
	return &c
}

func (w Wire) clone() Wire {
	w.Rest = slices.Clone(w.Rest)
	return w
}

func (b *Block) clone() *Block {
	c := *b
	c.Vars = make([]*Var, len(b.Vars))
	for i, v := range b.Vars {
		w := *v
		w.Dims = slices.Clone(v.Dims)
		w.Wire = v.Wire.clone()
		c.Vars[i] = &w
	}
	c.Ops = make([]*Op, len(b.Ops))
	for i, o := range b.Ops {
		c.Ops[i] = o.Clone()
	}
	c.Wire = b.Wire.clone()
	return &c
}

// Clone returns a copy of o that shares nothing with it.
func (o *Op) Clone() *Op {
	c := *o
	c.Inputs, c.Outputs = cloneSlots(o.Inputs), cloneSlots(o.Outputs)
	c.Attrs = slices.Clone(o.Attrs)
	for i := range c.Attrs {
		c.Attrs[i].Value = cloneValue(c.Attrs[i].Value)
	}
	c.Wire = o.Wire.clone()
	return &c
}

func cloneSlots(in []Slot) []Slot {
	out := slices.Clone(in)
	for i := range out {
		out[i].Args = slices.Clone(out[i].Args)
	}
	return out
}

func cloneValue(v any) any {
	switch v := v.(type) {
	case []int32:
		return slices.Clone(v)
	case []int64:
		return slices.Clone(v)
	case []float32:
		return slices.Clone(v)
	case []float64:
		return slices.Clone(v)
	case []string:
		return slices.Clone(v)
	case []bool:
		return slices.Clone(v)
	case []Scalar:
		return slices.Clone(v)
	}
	return v // the other values are immutable
}
