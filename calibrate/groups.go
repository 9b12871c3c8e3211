package calibrate

import (
	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// A group is a set of values that share one scale if they are quantised: one or
// more owners, which are computed, and what pooling, concatenation, reshape and
// transposition make of them.
type group struct {
	owners   []*graph.Value
	unsigned bool
	into     *group // the group this one was joined to, or nil
}

// groups finds the group of each value of a graph.
type groups struct {
	of    map[*graph.Value]*group
	layer map[*graph.Layer]bool // layers that pass integers on
}

// newGroups walks g in order. With fp32AveragePool, global average poolings own
// their results.
func newGroups(g *graph.Graph, fp32AveragePool bool) *groups {
	s := &groups{make(map[*graph.Value]*group), make(map[*graph.Layer]bool)}
	for _, v := range g.Inputs {
		s.own(v, false)
	}
	for _, l := range g.Layers {
		if passes(l.Op) && !windowsVary(l.Op) && !(fp32AveragePool && globalAverage(l.Op)) && s.pass(l) {
			s.layer[l] = true
			continue
		}
		unsigned := graph.Unsigned(l, func(v *graph.Value) bool { g := s.find(v); return g != nil && g.unsigned })
		for _, v := range l.Out {
			if v != nil {
				s.own(v, unsigned)
			}
		}
	}
	return s
}

// own starts a group. Only FP32 values have one: labels and indices do not.
func (s *groups) own(v *graph.Value, unsigned bool) {
	if v.DType != model.FP32 {
		return
	}
	s.of[v] = &group{owners: []*graph.Value{v}, unsigned: unsigned}
}

// find returns the group of v, or nil for a constant.
func (s *groups) find(v *graph.Value) *group {
	g := s.of[v]
	for g != nil && g.into != nil {
		g = g.into
	}
	return g
}

// pass puts the output of l into the group of its inputs. It refuses a
// concatenation of signed with unsigned values: a Paddle convolution with relu
// gives u8 and nothing else, so those cannot have one integer type.
func (s *groups) pass(l *graph.Layer) bool {
	if len(l.Out) == 0 || l.Out[0] == nil {
		return false
	}
	data := l.In
	if _, ok := l.Op.(*graph.Concat); !ok {
		data = l.In[:min(1, len(l.In))]
	}
	var first *group
	for _, v := range data {
		g := s.find(v)
		if g == nil || first != nil && g.unsigned != first.unsigned {
			return false
		}
		if first == nil {
			first = g
		}
	}
	if first == nil {
		return false
	}
	for _, v := range data {
		if g := s.find(v); g != first {
			first.owners = append(first.owners, g.owners...)
			g.into, g.owners = first, nil
		}
	}
	s.of[l.Out[0]] = first
	return true
}
