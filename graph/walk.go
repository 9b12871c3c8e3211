package graph

import (
	"iter"
	"reflect"
	"slices"
)

// A Use is one place where a value is read: Layer.In[Index].
type Use struct {
	Layer *Layer
	Index int
}

// Consumers returns where each value is read, in the order of the layers. A
// value that only leaves the network is not in the map: see Fetched.
func (g *Graph) Consumers() map[*Value][]Use {
	uses := make(map[*Value][]Use, 2*len(g.Layers)) // results and parameters
	for _, l := range g.Layers {
		for i, v := range l.In {
			if v != nil {
				uses[v] = append(uses[v], Use{l, i})
			}
		}
	}
	return uses
}

// Fetched returns the set of values that the network returns.
func (g *Graph) Fetched() map[*Value]bool {
	fetched := make(map[*Value]bool, len(g.Outputs))
	for _, o := range g.Outputs {
		fetched[o.Value] = true
	}
	return fetched
}

// Values yields every value of g once: the inputs, then layer by layer what
// each reads for the first time (constants, in a graph that is in order) and
// what it computes.
func (g *Graph) Values() iter.Seq[*Value] {
	return func(yield func(*Value) bool) {
		seen := make(map[*Value]bool)
		visit := func(values []*Value) bool {
			for _, v := range values {
				if v == nil || seen[v] {
					continue
				}
				seen[v] = true
				if !yield(v) {
					return false
				}
			}
			return true
		}
		if !visit(g.Inputs) {
			return
		}
		for _, l := range g.Layers {
			if !visit(l.In) || !visit(l.Out) {
				return
			}
		}
		for _, o := range g.Outputs {
			if !visit([]*Value{o.Value}) {
				return
			}
		}
	}
}

// Clone returns a copy of g whose layers, ops and values may be changed without
// touching g. The data of constants is shared: nothing may write to it.
func (g *Graph) Clone() *Graph {
	c := &Graph{Name: g.Name}
	layers := make(map[*Layer]*Layer, len(g.Layers))
	for _, l := range g.Layers {
		layers[l] = &Layer{Name: l.Name, Op: cloneOp(l.Op)}
	}
	values := make(map[*Value]*Value)
	for v := range g.Values() {
		values[v] = &Value{
			Name: v.Name, DType: v.DType, Dims: slices.Clone(v.Dims),
			Const: v.Const, Producer: layers[v.Producer],
		}
	}
	pick := func(from []*Value) []*Value {
		to := make([]*Value, len(from))
		for i, v := range from {
			to[i] = values[v]
		}
		return to
	}
	c.Inputs = pick(g.Inputs)
	for _, l := range g.Layers {
		copied := layers[l]
		copied.In, copied.Out = pick(l.In), pick(l.Out)
		c.Layers = append(c.Layers, copied)
	}
	for _, o := range g.Outputs {
		c.Outputs = append(c.Outputs, Output{Name: o.Name, Value: values[o.Value]})
	}
	return c
}

// cloneOp copies an op struct. Slices inside ops are never written to after
// import, scales are.
func cloneOp(op Op) Op {
	p := reflect.New(reflect.TypeOf(op).Elem())
	p.Elem().Set(reflect.ValueOf(op).Elem())
	op = p.Interface().(Op)
	switch o := op.(type) {
	case *Conv:
		o.Int8 = o.Int8.clone()
	case *FC:
		o.Int8 = o.Int8.clone()
	}
	return op
}

func (q *Int8) clone() *Int8 {
	if q == nil {
		return nil
	}
	c := *q
	c.ScaleWeights = slices.Clone(q.ScaleWeights)
	return &c
}
