package budget

import (
	"fmt"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/internal/eval"
	"github.com/octet-dnn/octet/model"
)

// A cutter takes parts out of graphs that come of one FP32 graph.
type cutter struct {
	shapes map[string]graph.Shape // of the FP32 values, for one image
	kept   map[string]bool        // values that can be kept: float32 with a row for each image
	output string                 // the probabilities
}

// newCutter looks at g for inputs of the dims given. out is what g gives for them.
func newCutter(g *graph.Graph, in, out []*model.Tensor) (*cutter, error) {
	c := &cutter{shapes: map[string]graph.Shape{}, kept: map[string]bool{}}
	n := int(in[0].Dims[0])
	for i, t := range out {
		if rows, _ := eval.Probabilities([]*model.Tensor{t}, n); rows != nil {
			c.output = g.Outputs[i].Value.Name
			break
		}
	}
	if c.output == "" {
		return nil, fmt.Errorf("%s: none of its %d outputs: %w", g.Name, len(out), ErrModel)
	}
	var shapes [2]map[*graph.Value]graph.Shape
	for i := range shapes { // for one image and for two
		var dims []graph.Shape
		for _, t := range in {
			s := graph.Shape{i + 1}
			for _, d := range t.Dims[1:] {
				s = append(s, int(d))
			}
			dims = append(dims, s)
		}
		var err error
		if shapes[i], err = graph.InferShapes(g, dims); err != nil {
			return nil, err
		}
	}
	for v := range g.Values() {
		one, two := shapes[0][v], shapes[1][v]
		c.shapes[v.Name] = one
		c.kept[v.Name] = v.Const == nil && v.DType == model.FP32 && len(one) > 0 && len(two) == len(one) && one[0] == 1 && two[0] == 2
	}
	return c, nil
}

// bytes returns the size of a value of one image.
func (c *cutter) bytes(name string) int {
	n := 4
	for _, d := range c.shapes[name] {
		n *= d
	}
	return n
}

// changed returns the values of q that are not what the FP32 graph has under
// their names: all that INT8 layers and conversions give, and all behind them.
func (c *cutter) changed(q *graph.Graph) map[string]bool {
	changed := map[string]bool{}
	for _, l := range q.Layers {
		if !c.asBefore(l, changed) {
			for _, v := range l.Out {
				if v != nil {
					changed[v.Name] = true
				}
			}
		}
	}
	return changed
}

func (c *cutter) asBefore(l *graph.Layer, changed map[string]bool) bool {
	switch op := l.Op.(type) {
	case *graph.Quantize, *graph.Dequantize, *graph.Requantize:
		return false
	case *graph.Conv:
		if op.Int8 != nil {
			return false
		}
	case *graph.FC:
		if op.Int8 != nil {
			return false
		}
	}
	for _, v := range l.In {
		if v != nil && changed[v.Name] {
			return false
		}
	}
	for _, v := range l.Out {
		if _, known := c.shapes[nameOf(v)]; v != nil && !known {
			return false
		}
	}
	return true
}

func nameOf(v *graph.Value) string {
	if v == nil {
		return ""
	}
	return v.Name
}

// part returns the part of g that computes the wanted values from those at
// which have reports true, which become its inputs, and the inputs' names in order.
// g is not changed.
func (c *cutter) part(g *graph.Graph, want []string, have func(name string) bool) (*graph.Graph, []string) {
	p, from := g.Between(want, func(v *graph.Value) bool { return have(v.Name) })
	for _, v := range p.Inputs {
		if v.Dims == nil {
			v.Dims = []int64{-1}
			for _, d := range c.shapes[v.Name][1:] {
				v.Dims = append(v.Dims, int64(d))
			}
		}
	}
	return p, from
}
