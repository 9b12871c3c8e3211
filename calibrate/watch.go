package calibrate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// A watched is a tensor that gets an entry in the table.
type watched struct {
	name     string
	layer    string // kind and name of the layer that computes it, "" for an input
	unsigned bool
	input    int // index among the graph's inputs, or -1
}

func (w watched) dtype() model.DType {
	if w.unsigned {
		return model.UInt8
	}
	return model.Int8
}

// watchList returns the tensors to observe, sorted by name: the owners of the
// scales of what convolutions and fully connected layers read and give, and
// global averages. It does not depend on which of them an option keeps FP32, so
// that one table serves all options. For Paddle13 the outputs of the layers that pass
// integers on are there too, as Paddle sampled them; Quantize ignores those.
func watchList(g *graph.Graph, compat Compat) []watched {
	s := newGroups(g, false, nil)
	seen := make(map[*graph.Value]bool)
	var list []watched
	add := func(v *graph.Value, unsigned bool) {
		if !seen[v] {
			seen[v] = true
			w := watched{name: v.Name, unsigned: unsigned, input: slices.Index(g.Inputs, v)}
			if l := v.Producer; l != nil {
				w.layer = fmt.Sprintf("%s %q", l.Op.Kind(), l.Name)
			}
			list = append(list, w)
		}
	}
	addOwners := func(v *graph.Value) {
		if group := s.find(v); group != nil {
			for _, o := range group.owners {
				add(o, group.unsigned)
			}
		}
	}
	for _, l := range g.Layers {
		if quantisable(l) {
			addOwners(l.In[0])
			addOwners(residualOf(l))
			addOwners(l.Out[0])
		}
		if s.layer[l] && (globalAverage(l.Op) || compat == Paddle13) {
			add(l.Out[0], s.find(l.Out[0]).unsigned)
		}
	}
	slices.SortFunc(list, func(a, b watched) int { return strings.Compare(a.name, b.name) })
	return list
}
