package graph

import (
	"fmt"
	"slices"
)

// A rewriter is what a pass works with: the graph, and who reads what, kept up
// to date by its methods.
type rewriter struct {
	g       *Graph
	uses    map[*Value][]Use
	fetched map[*Value]bool
	removed map[*Layer]bool
	names   map[string]bool // of all values; nil until a new one is needed
	serial  map[string]int  // last number put behind a name to make it unique
}

func newRewriter(g *Graph) *rewriter {
	return &rewriter{
		g: g, uses: g.Consumers(), fetched: g.Fetched(),
		removed: make(map[*Layer]bool), serial: make(map[string]int),
	}
}

// layers yields the layers that are left, in order.
func (r *rewriter) layers() func(func(*Layer) bool) {
	return func(yield func(*Layer) bool) {
		for _, l := range r.g.Layers {
			if !r.removed[l] && !yield(l) {
				return
			}
		}
	}
}

// private reports whether v is read in exactly one place and not fetched, so
// that it may disappear into its reader.
func (r *rewriter) private(v *Value) bool { return len(r.uses[v]) == 1 && !r.fetched[v] }

// producer returns the layer that computes v if nothing but its one reader
// needs v, and nil otherwise.
func (r *rewriter) producer(v *Value) *Layer {
	if v == nil || !r.private(v) {
		return nil
	}
	return v.Producer
}

// setIn makes l read v at index i.
func (r *rewriter) setIn(l *Layer, i int, v *Value) {
	r.unuse(l, i)
	l.In[i] = v
	if v != nil {
		r.uses[v] = append(r.uses[v], Use{l, i})
	}
}

func (r *rewriter) unuse(l *Layer, i int) {
	if v := l.In[i]; v != nil {
		r.uses[v] = slices.DeleteFunc(r.uses[v], func(u Use) bool { return u == Use{l, i} })
	}
}

// remove takes l out of the graph.
func (r *rewriter) remove(l *Layer) {
	for i := range l.In {
		r.unuse(l, i)
	}
	r.removed[l] = true
}

// bypass removes l and lets all readers of its output read v instead.
func (r *rewriter) bypass(l *Layer, v *Value) {
	out := l.Out[0]
	r.remove(l)
	for _, u := range slices.Clone(r.uses[out]) {
		r.setIn(u.Layer, u.Index, v)
	}
	for i, o := range r.g.Outputs {
		if o.Value == out {
			r.g.Outputs[i].Value = v
			r.fetched[v] = true
		}
	}
}

// absorb removes last and makes into compute its output: the value keeps the
// name of the last variable fused into it.
func (r *rewriter) absorb(into, last *Layer) {
	r.remove(last)
	into.Out[0] = last.Out[0]
	into.Out[0].Producer = into
	into.Name = into.Out[0].Name
}

// replace puts op in the place of l's, with other inputs.
func (r *rewriter) replace(l *Layer, op Op, in ...*Value) {
	for i := range l.In {
		r.unuse(l, i)
	}
	l.Op, l.In = op, in
	for i, v := range in {
		if v != nil {
			r.uses[v] = append(r.uses[v], Use{l, i})
		}
	}
}

// newName returns the name for a constant that is computed from old: old's own
// if old is then read no more, else a fresh one.
func (r *rewriter) newName(old *Value, suffix string) string {
	if r.private(old) {
		return old.Name
	}
	return r.freshName(old.Name + suffix)
}

// freshName returns base, or base with a number behind it where that is taken.
func (r *rewriter) freshName(base string) string {
	if r.names == nil { // few passes need any, and loading runs them all
		r.names = make(map[string]bool)
		for v := range r.g.Values() {
			r.names[v.Name] = true
		}
	}
	name := base
	for r.names[name] {
		r.serial[base]++
		name = fmt.Sprintf("%s_%d", base, r.serial[base]+1)
	}
	r.names[name] = true
	return name
}

// finish applies the removals and restores the topological order.
func (r *rewriter) finish() {
	r.g.Layers = slices.DeleteFunc(r.g.Layers, func(l *Layer) bool { return r.removed[l] })
	sortLayers(r.g)
}

// sortLayers puts producers before consumers and otherwise keeps the order.
func sortLayers(g *Graph) {
	sorted := make([]*Layer, 0, len(g.Layers))
	done := make(map[*Layer]bool, len(g.Layers))
	var visit func(*Layer)
	visit = func(l *Layer) {
		if l == nil || done[l] {
			return
		}
		done[l] = true
		for _, v := range l.In {
			if v != nil {
				visit(v.Producer)
			}
		}
		sorted = append(sorted, l)
	}
	for _, l := range g.Layers {
		visit(l)
	}
	g.Layers = sorted
}
