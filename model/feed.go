package model

import (
	"cmp"
	"slices"
)

// The operators that carry values in and out of a program, and the variables
// that stand for the caller's lists.
const (
	feedOp  = "feed"
	fetchOp = "fetch"
)

// Feeds returns the names of the variables that the program's caller feeds, in
// the order of the caller's list (attribute col, not the order in the file).
func (p *Program) Feeds() []string { return p.byColumn(feedOp) }

// Fetches returns the names of the variables that the program gives back, in
// the order of the caller's list.
func (p *Program) Fetches() []string { return p.byColumn(fetchOp) }

func (p *Program) byColumn(typ string) []string {
	type column struct {
		col  int64
		name string
	}
	var cols []column
	if len(p.Blocks) == 0 {
		return nil
	}
	for _, o := range p.Blocks[0].Ops {
		if args := columnArgs(o); o.Type == typ && len(args) > 0 {
			cols = append(cols, column{o.Int("col", 0), args[0]})
		}
	}
	slices.SortStableFunc(cols, func(a, b column) int { return cmp.Compare(a.col, b.col) })
	names := make([]string, len(cols))
	for i, c := range cols {
		names[i] = c.name
	}
	return names
}

// columnArgs returns the variable that a feed fills or a fetch gives back.
func columnArgs(o *Op) []string {
	if o.Type == feedOp {
		return o.Out("Out")
	}
	return o.In("X")
}
