package calibrate

import "github.com/octet-dnn/octet/graph"

// A tie is a set of values whose channels have to be multiplied by the same
// factors, because layers between them pass factors on: relus, sums and poolings.
type tie struct {
	into   *tie // the tie that this one was joined to, or nil
	fixed  bool // has to stay as it is
	values []*graph.Value
	// factors are those of the channels, nil where they are 1.
	factors []float64
}

// ties has the tie of each value that is computed or an input.
type ties map[*graph.Value]*tie

// find returns the tie of v, nil for a constant or an absent value.
func (t ties) find(v *graph.Value) *tie {
	if v == nil || v.Const != nil {
		return nil
	}
	if t[v] == nil {
		t[v] = &tie{values: []*graph.Value{v}}
	}
	one := t[v]
	for one.into != nil {
		one = one.into
	}
	return one
}

func (t ties) join(a, b *graph.Value) {
	x, y := t.find(a), t.find(b)
	if x == nil || y == nil || x == y {
		return
	}
	y.into = x
	x.fixed = x.fixed || y.fixed
	x.values, y.values = append(x.values, y.values...), nil
}

func (t ties) fix(values ...*graph.Value) {
	for _, v := range values {
		if one := t.find(v); one != nil {
			one.fixed = true
		}
	}
}

// newTies finds what is tied in g, and what cannot be multiplied at all: what
// the network takes and gives, what passes through a function that a factor does
// not pass through (relu6 among them), and what layers read that cannot take the
// factor back.
func newTies(g *graph.Graph) ties {
	t := make(ties)
	t.fix(g.Inputs...)
	for _, o := range g.Outputs {
		t.fix(o.Value)
	}
	uses := g.Consumers()
	for _, l := range g.Layers {
		switch op := l.Op.(type) {
		case *graph.Conv:
			if !scalable(l, uses) {
				t.fix(l.In...)
				t.fix(l.Out...)
				continue
			}
			if !homogeneous(op.Act) {
				t.fix(l.Out...)
			}
			if r := residualOf(l); r != nil {
				t.join(l.Out[0], r)
			}
		case *graph.FC:
			t.fix(l.Out...)
			// Behind a global average, a row of the weights is a channel.
			if p := l.In[0].Producer; !scalable(l, uses) || op.NumColDims != 1 || p == nil || !globalAverage(p.Op) {
				t.fix(l.In[0])
			}
		case *graph.Pool:
			t.join(l.Out[0], l.In[0])
		case *graph.Act:
			t.join(l.Out[0], l.In[0])
			if !homogeneous(op.Activation) {
				t.fix(l.Out...)
			}
		default:
			t.fix(l.In...)
			t.fix(l.Out...)
		}
	}
	return t
}

// homogeneous reports whether a positive factor passes through a.
func homogeneous(a graph.Activation) bool {
	return a.Kind == graph.ActNone || a.Kind == graph.ActReLU
}

// scalable reports whether the weights of l can be multiplied: constants that no
// other layer reads.
func scalable(l *graph.Layer, uses map[*graph.Value][]graph.Use) bool {
	if !quantisable(l) || len(uses[l.In[1]]) > 1 {
		return false
	}
	if len(l.In) < 3 || l.In[2] == nil {
		return true
	}
	return l.In[2].Const != nil && len(uses[l.In[2]]) == 1
}
