package calibrate

import (
	"reflect"
	"slices"

	"github.com/octet-dnn/octet/graph"
)

// copyGraph returns a graph of its own values, layers and ops. The slices
// within ops and the data of constants are shared; neither is modified.
func copyGraph(g *graph.Graph) *graph.Graph {
	values := make(map[*graph.Value]*graph.Value)
	value := func(v *graph.Value) *graph.Value {
		if v == nil {
			return nil
		}
		if values[v] == nil {
			c := *v
			values[v] = &c
		}
		return values[v]
	}
	list := func(vs []*graph.Value) []*graph.Value {
		vs = slices.Clone(vs)
		for i, v := range vs {
			vs[i] = value(v)
		}
		return vs
	}
	c := &graph.Graph{Name: g.Name, Inputs: list(g.Inputs), Outputs: slices.Clone(g.Outputs)}
	for i := range c.Outputs {
		c.Outputs[i].Value = value(c.Outputs[i].Value)
	}
	for _, l := range g.Layers {
		n := &graph.Layer{Name: l.Name, Op: copyOp(l.Op), In: list(l.In), Out: list(l.Out)}
		for _, v := range n.Out {
			if v != nil {
				v.Producer = n
			}
		}
		c.Layers = append(c.Layers, n)
	}
	return c
}

// copyOp copies the struct that op, always a pointer, points to.
func copyOp(op graph.Op) graph.Op {
	c := reflect.New(reflect.TypeOf(op).Elem())
	c.Elem().Set(reflect.ValueOf(op).Elem())
	return c.Interface().(graph.Op)
}
