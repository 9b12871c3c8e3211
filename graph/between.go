package graph

import "slices"

// Between returns the part of g that computes the values of the names wanted from
// those for which have reports true, and from inputs of g. What it reads becomes
// its inputs, without dims where these were computed before; from are their names in order.
// Constants are shared, g is not changed.
func (g *Graph) Between(want []string, have func(*Value) bool) (part *Graph, from []string) {
	p := g.Clone()
	named := make(map[string]*Value)
	for v := range p.Values() {
		named[v.Name] = v
	}
	need := make(map[*Layer]bool)
	isInput := make(map[*Value]bool)
	var reach func(v *Value)
	reach = func(v *Value) {
		switch {
		case v == nil || v.Const != nil || isInput[v]:
		case have(v) || v.Producer == nil:
			isInput[v] = true
		case !need[v.Producer]:
			need[v.Producer] = true
			for _, in := range v.Producer.In {
				reach(in)
			}
		}
	}
	p.Outputs = nil
	for _, name := range want {
		reach(named[name])
		p.Outputs = append(p.Outputs, Output{Name: name, Value: named[name]})
	}
	for v := range isInput {
		if need[v.Producer] { // another of its outputs is computed, so this one is too
			delete(isInput, v)
		}
	}
	var inputs []*Value
	for v := range p.Values() {
		if !isInput[v] {
			continue
		}
		if v.Producer != nil {
			v.Producer, v.Dims = nil, nil
		}
		inputs, from = append(inputs, v), append(from, v.Name)
	}
	p.Layers = slices.DeleteFunc(p.Layers, func(l *Layer) bool { return !need[l] })
	p.Inputs = inputs
	return p, from
}
