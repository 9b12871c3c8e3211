package calibrate

import (
	"fmt"
	"slices"

	"github.com/octet-dnn/octet/graph"
)

// eligible returns the layers of g, in order, that become INT8 but for Options.FP32Layers.
func eligible(g *graph.Graph, o Options) (list []*graph.Layer) {
	first := firstConv(g)
	for _, l := range g.Layers {
		_, conv := l.Op.(*graph.Conv)
		if quantisable(l) && (conv && (l != first || o.FirstConvINT8 || o.Pixels != nil) || !conv && !o.FP32FullyConnected) {
			list = append(list, l)
		}
	}
	return list
}

// firstConv returns the first convolution of g, nil if there is none.
func firstConv(g *graph.Graph) *graph.Layer {
	for _, l := range g.Layers {
		if _, ok := l.Op.(*graph.Conv); ok {
			return l
		}
	}
	return nil
}

// choose notes the layers to run in INT8.
func (q *quantizer) choose() error {
	for _, l := range eligible(q.g, q.o) {
		q.chosen[l] = true
	}
	for _, name := range q.o.FP32Layers {
		l, err := layerNamed(q.g, name)
		if err != nil {
			return fmt.Errorf("quantize graph %q: %w", q.g.Name, err)
		}
		delete(q.chosen, l)
	}
	return nil
}

// layerNamed returns the layer of g that is to be kept FP32.
func layerNamed(g *graph.Graph, name string) (*graph.Layer, error) {
	i := slices.IndexFunc(g.Layers, func(l *graph.Layer) bool { return l.Name == name })
	if i < 0 {
		return nil, fmt.Errorf("no layer %q to keep FP32, the layers are called by what they give: %w", name, ErrOptions)
	}
	return g.Layers[i], nil
}

// checkNamed fails unless g has a layer of each of these names.
func checkNamed(g *graph.Graph, names []string) error {
	for _, name := range names {
		if _, err := layerNamed(g, name); err != nil {
			return fmt.Errorf("calibrate %s: %w", g.Name, err)
		}
	}
	return nil
}

// Layers returns the names of the layers that become INT8 but for
// Options.FP32Layers, in the order of the network.
func (c *Calibrator) Layers() []string {
	var names []string
	for _, l := range eligible(c.graph, c.o) {
		names = append(names, l.Name)
	}
	return names
}

// LeaveFP32 replaces Options.FP32Layers from now on: INT8Graph and
// SaveINT8Model leave the layers of these names FP32, and no others but those
// of other options. Nothing is sampled or refined again for it.
func (c *Calibrator) LeaveFP32(layers ...string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return ErrClosed
	}
	if err := checkNamed(c.graph, layers); err != nil {
		return err
	}
	c.o.FP32Layers = slices.Clone(layers)
	return nil
}

// refining returns the options by which refined graphs are quantised.
func (c *Calibrator) refining() Options {
	o := c.o
	o.INT8AveragePool = false
	return o
}

// leaving returns the refined graph in which Options.FP32Layers are left FP32. What
// refinement finds for a layer follows from the FP32 network and the layer's own
// scales, so that it holds whatever the other layers are.
func (c *Calibrator) leaving(t *Table) (*graph.Graph, error) {
	if len(c.o.FP32Layers) == 0 {
		return copyGraph(c.refined), nil
	}
	q, err := Quantize(c.graph, t, c.refining())
	if err != nil {
		return nil, err
	}
	// Every graph that comes of this one has its layers with weights in the same order.
	all := weighted(copyGraph(c.refined))
	for i, l := range weighted(q) {
		if annotationOf(l.Op) != nil && all[i].In[1].Const != l.In[1].Const { // refined
			l.In = slices.Clone(l.In)
			copy(l.In[1:residualInput], all[i].In[1:residualInput])
		}
	}
	return q, nil
}

// weighted returns the layers with weights.
func weighted(g *graph.Graph) (list []*graph.Layer) {
	for _, l := range g.Layers {
		if _, rank := channelAxis(l.Op); rank > 0 {
			list = append(list, l)
		}
	}
	return list
}

// annotationOf returns the INT8 form of a layer with weights, nil while it is FP32.
func annotationOf(op graph.Op) *graph.Int8 {
	switch op := op.(type) {
	case *graph.Conv:
		return op.Int8
	case *graph.FC:
		return op.Int8
	}
	return nil
}
