package calibrate

import (
	"math"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// A group is a set of values that share one scale if they are quantised: one or
// more owners, which are computed, and what layers that pool or move elements
// make of them (graph.PassesIntegers).
type group struct {
	owners   []*graph.Value
	unsigned bool
	into     *group // the group this one was joined to, or nil
}

// groups finds the group of each value of a graph.
type groups struct {
	of    map[*graph.Value]*group
	layer map[*graph.Layer]bool // layers that pass integers on
	// threshold of an owner, or nil
	threshold func(*graph.Value) float64
}

// maxSpread is by how much the thresholds of tensors with one scale may differ:
// the smallest keeps five of eight bits.
const maxSpread = 8

// newGroups walks g in order. Averages over whole maps own their results with
// fp32AveragePool, or where something else reads the maps too, as in a
// squeeze-and-excitation block: such an average is compared with others and
// needs its levels. threshold is that of an owner, 0 if it has none; nil joins
// without regard to thresholds.
func newGroups(g *graph.Graph, fp32AveragePool bool, threshold func(*graph.Value) float64) *groups {
	s := &groups{make(map[*graph.Value]*group), make(map[*graph.Layer]bool), threshold}
	uses := g.Consumers()
	for _, v := range g.Inputs {
		s.own(v, false)
	}
	for _, l := range g.Layers {
		owns := globalAverage(l.Op) && (fp32AveragePool || len(uses[l.In[0]]) > 1)
		if graph.PassesIntegers(l.Op) && !windowsVary(l.Op) && !owns && s.pass(l) {
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

// pass puts the outputs of l into the group of its inputs. It refuses a
// concatenation of signed with unsigned values: a Paddle convolution with relu
// gives u8 and nothing else, so those cannot have one integer type; and one of
// values whose thresholds differ too much.
func (s *groups) pass(l *graph.Layer) bool {
	data := graph.DataInputs(l)
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
	if first == nil || s.spread(data) > maxSpread {
		return false
	}
	for _, v := range data {
		if g := s.find(v); g != first {
			first.owners = append(first.owners, g.owners...)
			g.into, g.owners = first, nil
		}
	}
	for _, v := range l.Out {
		s.of[v] = first
	}
	return true
}

// spread is the largest threshold of the owners of values over the smallest.
func (s *groups) spread(values []*graph.Value) float64 {
	if s.threshold == nil {
		return 1
	}
	low, high := math.Inf(1), 0.0
	for _, v := range values {
		for _, o := range s.find(v).owners {
			if t := s.threshold(o); t > 0 {
				low, high = min(low, t), max(high, t)
			}
		}
	}
	return high / low
}
