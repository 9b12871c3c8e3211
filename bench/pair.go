package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/octet-dnn/octet/calibrate"
	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/infer"
	"github.com/octet-dnn/octet/model"
)

// calibrationImages is how many random pictures calibrate an INT8 network
// whose accuracy does not matter.
const calibrationImages = 4

// A Pair is a network in both precisions. It must be closed.
type Pair struct {
	Name       string
	FP32, INT8 *infer.Predictor
}

// NewPair calibrates the FP32 model m on seeded random pictures and compiles
// it in both precisions, each as tuned if it has been, see [Tuned].
func NewPair(ctx context.Context, name string, m *model.Model, o infer.Options) (*Pair, error) {
	q, err := Quantize(ctx, m)
	if err != nil {
		return nil, fmt.Errorf("bench %s: %w", name, err)
	}
	p := &Pair{Name: name}
	if p.FP32, err = infer.NewPredictor(m, Tuned(m, o)); err != nil {
		return nil, fmt.Errorf("bench %s: %w", name, err)
	}
	if p.INT8, err = infer.NewPredictor(q, Tuned(q, o)); err != nil {
		return nil, errors.Join(fmt.Errorf("bench %s: %w", name, err), p.FP32.Close())
	}
	return p, nil
}

// INT8 calibrates the FP32 model m as NewPair does and compiles only that. It
// also returns the multiply-adds with weights of one picture, see [graph.MACs].
func INT8(ctx context.Context, m *model.Model, o infer.Options) (net *infer.Predictor, macs int64, err error) {
	q, err := Quantize(ctx, m)
	if err != nil {
		return nil, 0, err
	}
	if macs, err = pictureMACs(m); err != nil {
		return nil, 0, err
	}
	net, err = infer.NewPredictor(q, Tuned(q, o))
	return net, macs, err
}

func pictureMACs(m *model.Model) (int64, error) {
	g, err := graph.Build(m)
	if err != nil {
		return 0, err
	}
	shapes, err := g.InputShapes(1)
	if err != nil {
		return 0, err
	}
	return graph.MACs(g, shapes)
}

// Close frees both predictors.
func (p *Pair) Close() error { return errors.Join(p.FP32.Close(), p.INT8.Close()) }

// Quantize returns an INT8 copy of m, calibrated on seeded random pictures,
// as the program that would be saved.
func Quantize(ctx context.Context, m *model.Model) (*model.Model, error) {
	var feeds []infer.Spec
	for _, name := range m.Program.Feeds() {
		v := m.Program.Blocks[0].Var(name)
		feeds = append(feeds, infer.Spec{Name: name, DType: v.DType, Dims: v.Dims})
	}
	in, err := Inputs(feeds, calibrationImages)
	if err != nil {
		return nil, err
	}
	return QuantizeOn(ctx, m, in)
}

// QuantizeOn is Quantize with the pictures of the caller. The first convolution
// is INT8 too, as every other library makes it, so that the same work is
// compared.
func QuantizeOn(ctx context.Context, m *model.Model, in []*model.Tensor) (q *model.Model, err error) {
	c, err := calibrate.New(m, calibrate.Options{Runner: infer.NewRunner, FirstConvINT8: true})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	if _, err := c.Sample(ctx, in); err != nil {
		return nil, err
	}
	g, err := c.INT8Graph()
	if err != nil {
		return nil, err
	}
	return graph.ToModel(g, graph.FormFused)
}

// Inputs returns a batch of seeded normal values for float32 inputs and zeros
// (the label of the first class) for others. The first dim of each input is
// the batch; an input with another unknown size is an error.
func Inputs(specs []infer.Spec, batch int) ([]*model.Tensor, error) {
	rng := rand.New(rand.NewPCG(1, 2))
	in := make([]*model.Tensor, len(specs))
	for i, s := range specs {
		if len(s.Dims) == 0 {
			return nil, fmt.Errorf("input %q has no batch dim", s.Name)
		}
		shape := graph.Shape{batch}
		for _, d := range s.Dims[1:] {
			if d <= 0 {
				return nil, fmt.Errorf("input %q has dims %v: the model leaves more than the batch open, so its speed is not one number", s.Name, s.Dims)
			}
			shape = append(shape, int(d))
		}
		n, err := shape.Elems()
		if err != nil {
			return nil, fmt.Errorf("input %q: %w", s.Name, err)
		}
		dims := []int64{int64(batch)}
		dims = append(dims, s.Dims[1:]...)
		in[i] = &model.Tensor{DType: s.DType, Dims: dims, Data: make([]byte, n*s.DType.Size())}
		if s.DType == model.FP32 {
			fill(in[i].Float32s(), n/batch, rng)
		}
	}
	return in, nil
}

// fill makes the first picture random and repeats it: drawing hundreds of
// pictures would take longer than running them.
func fill(x []float32, picture int, rng *rand.Rand) {
	for i := range x[:picture] {
		x[i] = float32(rng.NormFloat64())
	}
	for at := picture; at < len(x); at += picture {
		copy(x[at:], x[:picture])
	}
}
