package calibrate

import (
	"fmt"
	"log/slog"
	"slices"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// Quantize returns an INT8 copy of the FP32 graph g with the thresholds of t;
// g is not changed. The options other than those of the placement are not used;
// that t belongs to g's model is for the caller to check (Table.CheckModel).
//
// Convolutions (depthwise ones too) and fully connected layers become INT8, but
// for those the options except. Whether a tensor is INT8 is decided for each
// edge: it is where its producer can give integers and some consumer reads
// them. Consumers that need the other kind share one Quantize or Dequantize
// behind the producer; a convolution of which nobody reads integers
// gives FP32 directly. Every reader of a tensor uses the tensor's one scale.
func Quantize(g *graph.Graph, t *Table, o Options) (*graph.Graph, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	q := &quantizer{
		g: copyGraph(g), table: t, o: o, log: o.logger(),
		chosen: make(map[*graph.Layer]bool), saturated: make(map[*graph.Layer]bool),
		want: make(map[*graph.Value]bool), native: make(map[*graph.Value]bool), real: make(map[*graph.Value]bool),
		near:   make(map[*graph.Value]bool),
		scales: make(map[*group]scaled), levels: make(map[*group]int),
	}
	if err := q.collect(); err != nil {
		return nil, err
	}
	if err := q.readPixels(); err != nil {
		return nil, err
	}
	if err := q.plainNorms(); err != nil {
		return nil, err
	}
	q.splitResiduals()
	inf, err := graph.Probe(q.g)
	if err != nil {
		return nil, fmt.Errorf("quantize graph %q: %w", g.Name, err)
	}
	q.uses, q.shapes = q.g.Consumers(), inf.Shapes
	q.groups = newGroups(q.g, o.fp32AveragePool(), q.threshold)
	q.reduceLevels()
	q.propagate()
	if err := q.rewrite(); err != nil {
		return nil, err
	}
	return q.g, nil
}

// A quantizer rewrites its graph in the order of the methods that Quantize calls.
type quantizer struct {
	g     *graph.Graph
	table *Table
	o     Options
	log   *slog.Logger

	names                  nameSet
	chosen                 map[*graph.Layer]bool // layers to run in INT8
	pixels                 *graph.Value          // see readPixels, or nil
	head                   []*graph.Layer        // the layers that make pixels
	saturated              map[*graph.Layer]bool // of those, the ones with SaturateS8
	groups                 *groups               // scales
	want                   map[*graph.Value]bool // some consumer reads integers
	native                 map[*graph.Value]bool // the producer gives integers
	real                   map[*graph.Value]bool // some consumer, or the caller, reads reals
	near                   map[*graph.Value]bool // some light layer reads it: see light
	uses                   map[*graph.Value][]graph.Use
	shapes                 map[*graph.Value]graph.Shape // for some size of the inputs
	scales                 map[*group]scaled            // of the groups used
	levels                 map[*group]int               // where they are fewer than those of the type
	quantizes, dequantizes int                          // inserted
}

// collect checks that the table is of this graph, and chooses the layers.
func (q *quantizer) collect() error {
	q.names = namesOf(q.g)
	for _, l := range q.g.Layers {
		if err := refuseQuantized(q.g, l); err != nil {
			return err
		}
	}
	if err := q.choose(); err != nil {
		return err
	}
	for _, e := range q.table.Entries {
		if !q.names[e.Name] {
			return fmt.Errorf("calibration table: tensor %q is not in graph %q: %w", e.Name, q.g.Name, ErrUnknownTensor)
		}
	}
	return nil
}

// refuseQuantized fails for a layer that computes with integers already.
func refuseQuantized(g *graph.Graph, l *graph.Layer) error {
	quantized := false
	switch op := l.Op.(type) {
	case *graph.Conv:
		quantized = op.Int8 != nil
	case *graph.FC:
		quantized = op.Int8 != nil
	case *graph.Quantize, *graph.Dequantize, *graph.Requantize:
		quantized = true
	}
	if quantized {
		return fmt.Errorf("quantize graph %q: layer %q (%s) is INT8 already: %w", g.Name, l.Name, l.Op.Kind(), ErrMismatch)
	}
	return nil
}

// readPixels has the first convolution read pixels, if it is to run in INT8.
func (q *quantizer) readPixels() error {
	if q.o.Pixels == nil || !q.chosen[firstConv(q.g)] {
		return nil
	}
	var err error
	q.pixels, q.head, err = readPixels(q.g, q.names, q.o.Pixels)
	return err
}

// propagate decides which values are integers, from the last layer to the first.
func (q *quantizer) propagate() {
	for _, out := range q.g.Outputs {
		q.real[out.Value] = true
	}
	for i := len(q.g.Layers) - 1; i >= 0; i-- {
		l := q.g.Layers[i]
		switch {
		case q.chosen[l]:
			q.want[l.In[0]] = true
			if r := residualOf(l); r != nil {
				q.want[r] = true
			}
			// Paddle has no FP32 result of a fused sum with an integer residual.
			if q.wanted(l.Out[0]) && graph.GivesIntegers(l.Op) || residualOf(l) != nil {
				q.giveIntegers(l.Out[0])
			}
		case q.groups.layer[l] && slices.ContainsFunc(l.Out, q.wanted):
			for _, v := range l.Out {
				q.giveIntegers(v)
			}
			for _, v := range graph.DataInputs(l) {
				q.want[v] = true
			}
		case q.light(l):
			q.readByLight(l)
		default:
			for _, v := range l.In {
				if v != nil {
					q.real[v] = true
				}
			}
		}
	}
}

func (q *quantizer) newValue(base string, d model.DType) *graph.Value {
	return &graph.Value{Name: q.names.take(base), DType: d}
}
