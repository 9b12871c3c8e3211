package calibrate

import (
	"slices"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// splitResiduals takes those residual sums out of the quantised convolutions
// that have no good fused INT8 form, and reports for the others whether they
// saturate as s8.
//
// A fused sum has the type of its residual. That is right when the result has
// it too. A relu after a signed residual is what o.Residual decides about; a
// signed result over an unsigned residual would lose its negative half.
func (q *quantizer) splitResiduals() {
	s := newGroups(q.g, q.o.fp32AveragePool(), q.threshold)
	var layers []*graph.Layer
	for _, l := range q.g.Layers {
		layers = append(layers, l)
		r := residualOf(l)
		if r == nil || !q.chosen[l] {
			continue
		}
		from, to := s.find(r), s.find(l.Out[0])
		switch {
		case from == nil || !graph.GivesIntegers(l.Op), !to.unsigned && from.unsigned,
			to.unsigned && !from.unsigned && q.o.Residual == ResidualFP32:
			layers = append(layers, q.splitResidual(l))
			q.log.Debug("residual sum in FP32", "layer", l.Name, "residual", r.Name)
		case to.unsigned && !from.unsigned:
			q.saturated[l] = true
			q.log.Debug("residual sum saturates as s8", "layer", l.Name, "residual", r.Name)
		}
	}
	q.g.Layers = layers
}

// splitResidual turns y = act(conv(x) + residual) into c = conv(x) and the
// layer y = act(c + residual), which it returns.
func (q *quantizer) splitResidual(l *graph.Layer) *graph.Layer {
	conv := l.Op.(*graph.Conv)
	y, r := l.Out[0], l.In[residualInput]
	c := q.newValue(y.Name+".conv", model.FP32)
	add := &graph.Layer{
		Name: y.Name,
		Op:   &graph.Binary{Type: graph.Add, Axis: -1, Act: conv.Act},
		In:   []*graph.Value{c, r},
		Out:  []*graph.Value{y},
	}
	y.Producer = add
	conv.Act = graph.Activation{}
	l.In = slices.Clone(l.In)
	l.In[residualInput] = nil
	l.Out = []*graph.Value{c}
	l.Name, c.Producer = c.Name, l
	return add
}
