package model

import (
	"errors"
	"fmt"
	"slices"
)

// Check reports what is wrong with the structure of m: block indices,
// variables that no block declares or that it declares twice, feeds and
// fetches that share a column, parameters that are missing, left over or not
// of the size of their dims. Load has done it; it is for models built or
// changed in Go. It does not look at what operators mean. The error joins
// FormatErrors, the first twenty.
func Check(m *Model) error {
	if m == nil || m.Program == nil || len(m.Program.Blocks) == 0 {
		return malformed("model", "a program of at least one block", "none")
	}
	c := checker{file: m.Name, scopes: make([]map[string]*Var, len(m.Program.Blocks))}
	for i, b := range m.Program.Blocks {
		if !c.block(m.Program, i, b) {
			return errors.Join(c.errs...) // the rest would only echo it
		}
	}
	for i, b := range m.Program.Blocks {
		c.ops(m.Program, i, b)
	}
	c.columns(m.Program, feedOp)
	c.columns(m.Program, fetchOp)
	c.params(m)
	return errors.Join(c.errs...)
}

type checker struct {
	file   string
	scopes []map[string]*Var // per block, the variables that it declares
	errs   []error
}

// maxFaults bounds a report.
const maxFaults = 20

func (c *checker) fault(subject, expected, seen string) {
	if len(c.errs) < maxFaults {
		e := malformed(subject, expected, seen)
		e.File = c.file
		c.errs = append(c.errs, e)
	}
}

// block checks the place of block i in the tree and collects its variables. It
// reports whether the block can be used.
func (c *checker) block(p *Program, i int, b *Block) bool {
	subject := fmt.Sprintf("block %d", i)
	switch {
	case b == nil:
		c.fault(subject, "a block", "nil")
		return false
	case int(b.Index) != i:
		c.fault(subject, fmt.Sprintf("index %d", i), fmt.Sprint(b.Index))
		return false
	case i == 0 && b.Parent != -1, i > 0 && (b.Parent < 0 || int(b.Parent) >= i):
		// Parents come first, so the tree has no cycles.
		c.fault(subject, "a parent before it, or -1 for block 0", fmt.Sprint(b.Parent))
		return false
	case b.ForwardBlock < -1 || int(b.ForwardBlock) >= len(p.Blocks):
		c.fault(subject, "a forward block of the program, or -1", fmt.Sprint(b.ForwardBlock))
	}
	scope := make(map[string]*Var, len(b.Vars))
	for _, v := range b.Vars {
		switch {
		case v == nil || v.Name == "":
			c.fault(subject, "variables with names", "one without")
			return false
		case scope[v.Name] != nil:
			c.fault("variable "+quote(v.Name), "one declaration in "+subject, "two")
		}
		scope[v.Name] = v
	}
	c.scopes[i] = scope
	return true
}

// lookup finds a variable in block i or the blocks around it.
func (c *checker) lookup(p *Program, i int, name string) *Var {
	for ; i >= 0; i = int(p.Blocks[i].Parent) {
		if v := c.scopes[i][name]; v != nil {
			return v
		}
	}
	return nil
}

// emptyVar is the name that Paddle puts where an optional variable is absent.
const emptyVar = "@EMPTY@"

func (c *checker) ops(p *Program, i int, b *Block) {
	seen := make(map[string]bool)
	for n, o := range b.Ops {
		if o == nil || o.Type == "" {
			c.fault(fmt.Sprintf("block %d: op %d", i, n), "a type", "none")
			continue
		}
		subject := fmt.Sprintf("block %d: op %d %s", i, n, quote(o.Type))
		for _, slots := range [][]Slot{o.Inputs, o.Outputs} {
			clear(seen)
			for _, s := range slots {
				if seen[s.Name] {
					c.fault(subject, "each slot once", "slot "+quote(s.Name)+" twice")
				}
				seen[s.Name] = true
				for _, arg := range s.Args {
					if arg != emptyVar && c.lookup(p, i, arg) == nil {
						c.fault(subject, "declared variables", fmt.Sprintf("%s in slot %s", quote(arg), quote(s.Name)))
					}
				}
			}
		}
		clear(seen)
		for k := range o.Attrs {
			a := &o.Attrs[k]
			if seen[a.Name] {
				c.fault(subject, "each attribute once", "attribute "+quote(a.Name)+" twice")
			}
			seen[a.Name] = true
			c.blockAttr(p, subject, a)
		}
	}
}

// blockAttr checks the block numbers in an attribute.
func (c *checker) blockAttr(p *Program, subject string, a *Attr) {
	var blocks []int32
	switch a.Type {
	case AttrBlock:
		if idx, ok := a.Value.(int32); ok {
			blocks = []int32{idx}
		}
	case AttrBlocks:
		blocks, _ = a.Value.([]int32)
	}
	for _, idx := range blocks {
		if idx < 0 || int(idx) >= len(p.Blocks) {
			c.fault(subject, fmt.Sprintf("attribute %s below %d blocks", quote(a.Name), len(p.Blocks)), fmt.Sprint(idx))
		}
	}
}

// columns checks the feed or fetch operators of block 0.
func (c *checker) columns(p *Program, typ string) {
	taken := make(map[int64]string)
	for _, o := range p.Blocks[0].Ops {
		if o == nil || o.Type != typ {
			continue
		}
		arg := columnArgs(o)
		if len(arg) != 1 {
			c.fault(typ+" op", "one variable", fmt.Sprint(len(arg)))
			continue
		}
		col := o.Int("col", 0)
		if other, ok := taken[col]; ok || col < 0 {
			c.fault(fmt.Sprintf("%s of %s", typ, quote(arg[0])), "a column of its own, from 0", fmt.Sprintf("%d, like %s", col, quote(other)))
		}
		taken[col] = arg[0]
		if v := c.lookup(p, 0, arg[0]); typ == feedOp && v != nil && v.IsParam() {
			c.fault("feed of "+quote(arg[0]), "a variable", "a parameter")
		}
	}
}

func (c *checker) params(m *Model) {
	names := m.Program.ParamNames()
	for _, name := range names {
		t := m.Params[name]
		if t == nil {
			c.fault("parameter "+quote(name), "a tensor", "none")
			continue
		}
		if err := checkTensor(t); err != nil {
			c.fault("parameter "+quote(name), "", err.Error())
		}
	}
	if len(m.Params) > len(names) {
		var extra []string
		for name := range m.Params {
			if _, ok := slices.BinarySearch(names, name); !ok {
				extra = append(extra, name)
			}
		}
		slices.Sort(extra)
		if len(extra) > 0 {
			c.fault("parameter "+quote(extra[0]), "a persistable variable of the program", fmt.Sprintf("none, for %d parameters", len(extra)))
		}
	}
}
