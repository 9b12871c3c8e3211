package calibrate

import (
	"errors"
	"math"
	"slices"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/internal/parallel"
	"github.com/octet-dnn/octet/model"
)

// maxRefineImages bounds the images that refinement looks at, and so the file
// that keeps them (see album): what it needs of them are means and covariances.
const maxRefineImages = 512

// momentBudget bounds the memory of moments: layers beyond it wait for another
// pass over the images.
const momentBudget = 512 << 20

// refine returns the INT8 graph for the thresholds of t, with weights and biases
// that make its layers
// give on the samples what those of the FP32 graph give: weights are rounded up
// or down so that their errors cancel (see quadratic.descend), and what is left
// on average goes into the bias (M. Nagel et al., "Data-free quantization
// through weight equalization and bias correction", 2019, section 4.2, here
// with the means that were seen). Scales and thresholds stay as they are.
func (c *Calibrator) refine(t *Table) (*graph.Graph, error) {
	if err := c.offered.complete(); err != nil {
		return nil, err
	}
	o := c.refining()
	o.FP32Layers = nil
	q, err := Quantize(c.graph, t, o)
	if err != nil {
		return nil, err
	}
	c.o.logger().Info("refine the weights", "images", c.album.images())
	return q, c.refineWeights(q)
}

// settle settles the biases of the refined graph q.
func (c *Calibrator) settle(q *graph.Graph) error {
	if c.settler == nil {
		real, err := c.readingPixels()
		if err != nil {
			return err
		}
		if c.settler, err = newSettler(c.alive, c.o.Runner, real, q, c.album); err != nil {
			return err
		}
	}
	return c.settler.settle(q)
}

func (c *Calibrator) refineWeights(q *graph.Graph) error {
	real, err := c.readingPixels()
	if err != nil {
		return err
	}
	pairs := refinable(real, q)
	products := &gramian{c.alive, c.o.Runner, make(map[int]Runner)}
	names := namesOf(q)
	for len(pairs) > 0 && err == nil {
		n, bytes := 1, momentBytes(pairs[0].real)
		for n < len(pairs) && bytes+momentBytes(pairs[n].real) <= momentBudget {
			bytes += momentBytes(pairs[n].real)
			n++
		}
		var found []*moments
		if found, err = c.moments(real, pairs[:n], products); err != nil {
			break
		}
		for i, p := range pairs[:n] {
			if err := p.refine(found[i], names, c.o.Protect); err != nil {
				return errors.Join(err, products.Close())
			}
			found[i] = nil
		}
		pairs = pairs[n:]
	}
	return errors.Join(err, products.Close())
}

// readingPixels returns the FP32 graph whose layers are those that Quantize makes INT8.
func (c *Calibrator) readingPixels() (*graph.Graph, error) {
	if c.o.Pixels == nil {
		return c.graph, nil
	}
	g := copyGraph(c.graph)
	_, _, err := readPixels(g, namesOf(g), c.o.Pixels)
	return g, err
}

// A refinement pairs a layer of the FP32 graph with its INT8 form.
type refinement struct {
	real, int8 *graph.Layer
	q          *graph.Int8
}

// refinable pairs the layers with weights, which both graphs have in the same
// order, and keeps those that are INT8 and share neither weights nor bias.
func refinable(real, quantised *graph.Graph) []refinement {
	uses := quantised.Consumers()
	var pairs []refinement
	reals := weighted(real)
	for i, l := range weighted(quantised) {
		q := annotationOf(l.Op)
		shared := slices.ContainsFunc(l.In[1:], func(v *graph.Value) bool { return v != nil && v.Const != nil && len(uses[v]) > 1 })
		if q != nil && !shared {
			pairs = append(pairs, refinement{reals[i], l, q})
		}
	}
	return pairs
}

// moments runs the samples of the album on g and collects the moments of its layers.
func (c *Calibrator) moments(g *graph.Graph, pairs []refinement, products *gramian) ([]*moments, error) {
	var layers []*graph.Layer
	var found []*moments
	for _, p := range pairs {
		layers = append(layers, p.real)
		found = append(found, newMoments(p.real, c.album.images()))
	}
	probe, order := probeGraph(g, layers)
	r, err := c.o.Runner(probe, nil)
	if err != nil {
		return nil, err
	}
	err = c.album.each(g.Inputs, func(in []*model.Tensor) error {
		out, err := r.Run(c.alive, in, nil)
		if err != nil {
			return err
		}
		for i, m := range found {
			x := layers[i].In[0]
			t := (*model.Tensor)(nil)
			if at := slices.Index(g.Inputs, x); at >= 0 {
				t = in[at]
			} else {
				t = out[order[x.Name]]
			}
			if err := m.add(t, products); err != nil {
				return err
			}
		}
		return nil
	})
	for _, m := range found {
		if err == nil {
			err = m.finish(products)
		}
	}
	return found, errors.Join(err, r.Close())
}

// probeGraph returns a copy of g that computes what the layers read and nothing
// beyond, and where each of these values is among its outputs.
func probeGraph(g *graph.Graph, layers []*graph.Layer) (*graph.Graph, map[string]int) {
	want := make(map[string]bool)
	for _, l := range layers {
		want[l.In[0].Name] = true
	}
	probe := copyGraph(g)
	order := make(map[string]int)
	probe.Outputs = nil
	need := make(map[*graph.Value]bool)
	for _, l := range slices.Backward(probe.Layers) {
		for _, v := range l.Out {
			if v != nil && want[v.Name] {
				order[v.Name] = len(probe.Outputs)
				probe.Outputs = append(probe.Outputs, graph.Output{Name: v.Name, Value: v})
				need[v] = true
			}
		}
		if slices.ContainsFunc(l.Out, func(v *graph.Value) bool { return need[v] }) {
			for _, v := range l.In {
				need[v] = true
			}
		}
	}
	probe.Layers = slices.DeleteFunc(probe.Layers, func(l *graph.Layer) bool {
		return !slices.ContainsFunc(l.Out, func(v *graph.Value) bool { return need[v] })
	})
	return probe, order
}

// refine gives the INT8 layer weights that are already whole numbers of steps,
// and a bias that makes up for the mean of what they err. A layer of such large
// values that float32 cannot hold their products stays as it is.
func (p refinement) refine(m *moments, names nameSet, protected bool) error {
	if !m.finite() {
		return nil
	}
	w := p.int8.In[1]
	axis, _ := channelAxis(p.int8.Op)
	channels := int(w.Const.Dims[axis])
	from, to := w.Const.Float32s(), make([]float32, w.Const.Len())
	bias := make([]float32, channels)
	if b := p.real.In[2]; b != nil {
		copy(bias, b.Const.Float32s())
	}
	step, limits := 1.0, anyInt8
	if protected {
		switch pairingOf(p.int8.Op, w.Const.Dims, p.int8.In[0].DType) {
		case pairsAdd:
			limits = pairBounds(partners(p.int8.Op, w.Const.Dims))
		case pairsHalved:
			step, limits = 2, evenInt8
		}
	}
	parallel.Each(channels, func(c int) {
		at := func(k int) int { return c*m.k + k }
		if axis == 1 {
			at = func(k int) int { return k*channels + c }
		}
		group := c * m.groups / channels
		scale := float64(p.q.ScaleWeights[c%len(p.q.ScaleWeights)]) / step
		x, q := make([]float64, m.k), make([]float64, m.k)
		for k := range x {
			x[k] = float64(from[at(k)]) * scale
			q[k] = min(max(math.RoundToEven(x[k]), math.Ceil(math.MinInt8/step)), math.Floor(math.MaxInt8/step))
		}
		if m.full {
			newQuadratic(m.k, m.second[group]).descend(x, q, limits)
		}
		shift := 0.0
		for k, mean := range m.mean[group] {
			to[at(k)] = float32(q[k] / scale)
			shift += (x[k] - q[k]) / scale * mean
		}
		bias[c] = float32(float64(bias[c]) + shift)
	})
	if firstNotFinite(to) != nil || firstNotFinite(bias) != nil {
		return nil
	}
	var name string
	if b := p.int8.In[2]; b != nil {
		name = b.Name
	} else {
		name = names.take(w.Name + ".bias")
	}
	weights, err := constant(w.Name, to, w.Const.Dims...)
	biases, failed := constant(name, bias, int64(channels))
	p.int8.In = slices.Clone(p.int8.In)
	p.int8.In[1], p.int8.In[2] = weights, biases
	return errors.Join(err, failed)
}

// anyInt8 are the limits of a weight that may be any integer of Scale's range.
func anyInt8([]float64, int) (least, most float64) { return -math.MaxInt8, math.MaxInt8 }

// evenInt8 are the limits of half a weight that has to be even.
func evenInt8([]float64, int) (least, most float64) { return -(math.MaxInt8 / 2), math.MaxInt8 / 2 }

// constant makes an FP32 parameter.
func constant(name string, x []float32, dims ...int64) (*graph.Value, error) {
	t, err := model.Float32Tensor(x, dims...)
	return &graph.Value{Name: name, DType: model.FP32, Dims: dims, Const: t}, err
}
