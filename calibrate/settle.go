package calibrate

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

const (
	// settleImages bounds the images by which biases are settled, and settleMemory
	// the bytes of the activations kept for them, so also their number.
	settleImages = 128
	settleMemory = 256 << 20
	// judgeImages bounds the other images that show whether that was for the better.
	judgeImages = 128
)

// A settler corrects the biases of INT8 layers so that each channel of what a layer
// gives is on the samples what it is in FP32, on average: not for the inputs that the
// FP32 layer reads, as refinement.refine does, but for those of the INT8 network, which all
// layers before have rounded and clipped. It goes from front to back, so that no layer
// makes up for what an earlier one has made up for (M. Nagel et al., "Data-free
// quantization through weight equalization and bias correction", 2019, appendix D:
// empirical bias correction).
//
// It looks behind activation functions: those turn noise into a shift, as a relu cuts one half of
// it off, and where only the sums before them were put right these shifts grew from layer
// to layer, in ResNet-50 to a tenth of the logits. Making up for noise costs signal, though, so
// what comes of it is kept only where it is for the better.
type settler struct {
	ctx     context.Context
	run     NewRunner
	graph   *graph.Graph // in FP32
	batches [][]*model.Tensor
	real    map[string]*channels // what its layers with weights give for batches
	judge   [][]*model.Tensor    // other batches
	given   [][]*model.Tensor    // what the graph gives for those
}

// errEnough ends a loop over images.
var errEnough = errors.New("enough images")

// newSettler looks at what g, in FP32, gives for some of the images of an album:
// for so many that q, its INT8 copy, can be settled by them, and some others.
func newSettler(ctx context.Context, run NewRunner, g, q *graph.Graph, a *album) (*settler, error) {
	s := &settler{ctx: ctx, run: run, graph: g, real: make(map[string]*channels)}
	var watch []string
	for _, l := range weighted(g) {
		s.real[l.Out[0].Name] = newChannels(l.Op)
		watch = append(watch, l.Out[0].Name)
	}
	r, err := run(g, watch)
	if err != nil {
		return nil, err
	}
	left, judges := -1, judgeImages
	err = a.each(g.Inputs, func(batch []*model.Tensor) error {
		images, err := imagesOf(batch)
		if err != nil {
			return err
		}
		if left < 0 {
			most, err := s.affordable(q, batch)
			if err != nil {
				return err
			}
			left = min(most, a.images()/2)
		}
		switch {
		case left > 0:
			left -= images
			s.batches = append(s.batches, batch)
			return s.look(r, batch, images)
		case judges > 0:
			judges -= images
			s.judge = append(s.judge, batch)
			out, err := r.Run(s.ctx, batch, func(Activation) error { return nil })
			s.given = append(s.given, out)
			return err
		}
		return errEnough
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return s, errors.Join(err, r.Close())
}

// look adds a batch to what is known of the FP32 graph.
func (s *settler) look(r Runner, batch []*model.Tensor, images int) error {
	found := make(map[string][]*channels, len(s.real)) // of each image: they come in any order
	for name, c := range s.real {
		for range images {
			found[name] = append(found[name], c.empty())
		}
	}
	_, err := r.Run(s.ctx, batch, func(a Activation) error {
		found[a.Name][max(a.Image, 0)].add(rowMajor(a), a.Dims)
		return nil
	})
	for name, list := range found {
		for _, c := range list {
			s.real[name].merge(c)
		}
	}
	return err
}

// settle corrects the biases of q, an INT8 copy of the graph, if that brings what it
// gives for other images nearer to FP32.
func (s *settler) settle(q *graph.Graph) error {
	if len(s.batches) == 0 || len(s.judge) == 0 {
		return nil // too few images to tell
	}
	before, err := s.distances(q)
	if err != nil {
		return err
	}
	was := make(map[*graph.Layer]*graph.Value)
	for _, l := range weighted(q) {
		was[l] = l.In[2]
	}
	if err := s.walk(q); err != nil {
		return err
	}
	after, err := s.distances(q)
	if err == nil && !nearer(before, after) {
		for l, bias := range was {
			l.In[2] = bias
		}
	}
	return err
}

// nearer reports whether distances fell, in the geometric mean of by how much: a few
// images that the network is undecided about have most of the sum.
func nearer(before, after []float64) bool {
	sum := 0.0
	for i, b := range before {
		if a := after[i]; a > 0 && b > 0 {
			sum += math.Log(a / b)
		}
	}
	return sum < 0
}

// distances returns the square of how far what q gives is from FP32, for each image.
func (s *settler) distances(q *graph.Graph) (list []float64, err error) {
	r, err := s.run(q, nil)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	for i, batch := range s.judge {
		out, err := r.Run(s.ctx, batch, nil)
		if err != nil {
			return nil, err
		}
		n, err := imagesOf(batch)
		if err != nil {
			return nil, err
		}
		squares := make([]float64, n)
		for j, t := range out {
			want := s.given[i][j]
			if t.DType != model.FP32 || len(t.Dims) < 2 || t.Dims[0] != int64(n) || !slices.Equal(t.Dims, want.Dims) {
				continue // nothing of each image
			}
			x, y, size := want.Float32s(), t.Float32s(), t.Len()/n
			for k := range squares {
				d := deviation(x[k*size:(k+1)*size], y[k*size:(k+1)*size])
				squares[k] += d.Noise
			}
		}
		list = append(list, squares...)
	}
	return list, nil
}

// walk goes through the layers of q from front to back. It keeps what they give where later ones
// read it.
func (s *settler) walk(q *graph.Graph) error {
	stops, err := s.stops(q)
	if err != nil {
		return err
	}
	last := lastReaders(stops)
	kept := make([]map[string]*model.Tensor, len(s.batches))
	for i, batch := range s.batches {
		kept[i] = make(map[string]*model.Tensor)
		for j, v := range s.graph.Inputs {
			kept[i][v.Name] = batch[j]
		}
	}
	for i, at := range stops {
		out, err := s.correct(at, kept)
		if err != nil {
			return fmt.Errorf("layer %q: %w", at.layer.Name, err)
		}
		for j := range kept {
			kept[j][at.row.Copy.Name] = out[j]
			for name := range kept[j] {
				if last[name] <= i {
					delete(kept[j], name)
				}
			}
		}
	}
	return nil
}

// correct corrects the bias of one layer, and returns what it gives then, of each
// batch. A correction that makes it worse, as behind a function that hardly lets anything
// through, is taken back.
func (s *settler) correct(at stop, kept []map[string]*model.Tensor) ([]*model.Tensor, error) {
	want, b := s.real[at.row.Value.Name], at.layer.In[2]
	out, before, err := s.give(at, kept)
	if err != nil || !want.matches(before, b.Const.Len()) {
		return out, err
	}
	bias := want.corrected(b.Const.Float32s(), before)
	if firstNotFinite(bias) != nil {
		return out, nil
	}
	settled, err := constant(b.Name, bias, b.Dims...)
	if err != nil {
		return nil, err
	}
	for _, l := range weighted(at.part) {
		if l.Name == at.layer.Name {
			l.In[2] = settled
		}
	}
	better, after, err := s.give(at, kept)
	if err != nil || !(want.apart(after) < want.apart(before)) {
		return out, err
	}
	at.layer.In[2] = settled
	return better, nil
}

// give runs the part of a stop, and returns what it gives for each batch.
func (s *settler) give(at stop, kept []map[string]*model.Tensor) (list []*model.Tensor, c *channels, err error) {
	for i, name := range at.from {
		at.part.Inputs[i].Dims = commonDims(kept, name)
	}
	r, err := s.run(at.part, nil)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	c = s.real[at.row.Value.Name].empty()
	var buffer []float32
	for _, values := range kept {
		var in []*model.Tensor
		for _, name := range at.from {
			in = append(in, values[name])
		}
		out, err := r.Run(s.ctx, in, nil)
		if err != nil {
			return nil, nil, err
		}
		var dims []int
		for _, d := range out[0].Dims {
			dims = append(dims, int(d))
		}
		buffer = reals(out[0], at.row.Scale, buffer)
		c.add(buffer, dims)
		list = append(list, out[0])
	}
	return list, c, nil
}
