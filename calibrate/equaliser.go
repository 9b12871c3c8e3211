package calibrate

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// DefaultEqualise is an exponent for Equaliser.Model that brought ResNet-50
// nearer to FP32 (docs/calibration.md); 0.5 does less, 1 harm.
const DefaultEqualise = 0.25

// maxEqualise bounds the factor of a channel, against that of the largest one.
// Channels of zeros would have none.
const maxEqualise = 16

// An Equaliser rewrites an FP32 model so that the channels of its activations
// differ less in size, which leaves small channels more of the integers that one
// scale a tensor gives (M. Nagel et al., "Data-free quantization through weight
// equalization and bias correction", 2019, section 4.1, here with activations
// that were seen instead of ranges of weights, for those have a scale a channel). What
// the rewritten model answers is the same but for the rounding of FP32.
//
// It is used before a Calibrator, which then is given the rewritten model, as is
// all else that compares FP32 with INT8. An Equaliser is safe for concurrent use, but runs one batch at a time.
type Equaliser struct {
	graph *graph.Graph
	ties  ties

	mu     sync.Mutex
	runner Runner // nil when closed
	// most is the largest absolute value of each channel of what convolutions give.
	most map[string][]float64
}

// NewEqualiser builds the graph of the FP32 model m and a Runner for it. A model
// that is INT8 already is an ErrMismatch. The Equaliser keeps m's parameters,
// and has to be closed.
func NewEqualiser(m *model.Model, newRunner NewRunner) (*Equaliser, error) {
	if err := model.Check(m); err != nil {
		return nil, fmt.Errorf("equalise: %w", err)
	}
	g, err := graph.Build(m)
	if err != nil {
		return nil, fmt.Errorf("equalise %s: %w", m.Name, err)
	}
	e := &Equaliser{graph: g, ties: newTies(g), most: make(map[string][]float64)}
	var watch []string
	for _, l := range g.Layers {
		if err := refuseQuantized(g, l); err != nil {
			return nil, fmt.Errorf("equalise %s: %w", m.Name, err)
		}
		if e.measured(l) {
			watch = append(watch, l.Out[0].Name)
		}
	}
	if e.runner, err = newRunner(g, watch); err != nil {
		return nil, fmt.Errorf("equalise %s: %w", m.Name, err)
	}
	return e, nil
}

// measured reports whether factors depend on what l gives.
func (e *Equaliser) measured(l *graph.Layer) bool {
	_, conv := l.Op.(*graph.Conv)
	return conv && !e.ties.find(l.Out[0]).fixed
}

// Sample runs a batch and notes how large each channel gets. Neither the order of
// batches nor their sizes matter. A batch that fails, be it by ctx or by a NaN
// (ErrNotFinite), leaves no trace.
func (e *Equaliser) Sample(ctx context.Context, in []*model.Tensor) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.runner == nil {
		return ErrClosed
	}
	found := make(map[string][]float64)
	var mu sync.Mutex // guards found
	_, err := e.runner.Run(ctx, in, func(a Activation) error {
		most, err := channelMaxima(a)
		mu.Lock()
		defer mu.Unlock()
		found[a.Name] = larger(found[a.Name], most)
		return err
	})
	if err != nil {
		return fmt.Errorf("equalise %s: %w", e.graph.Name, err)
	}
	for name, most := range found {
		e.most[name] = larger(e.most[name], most)
	}
	return nil
}

// channelMaxima returns the largest absolute value of each channel of a map.
func channelMaxima(a Activation) ([]float64, error) {
	channels, run := a.Dims[1], 1 // elements of one channel in a row
	if !a.ChannelsLast {
		for _, d := range a.Dims[2:] {
			run *= d
		}
	}
	most := make([]float64, channels)
	for at := 0; at < len(a.Data); at += run {
		c := at / run % channels
		for i, v := range a.Data[at : at+run] {
			x := math.Abs(float64(v))
			if math.IsNaN(x) || math.IsInf(x, 0) {
				return nil, &NotFiniteError{Tensor: a.Name, Layer: fmt.Sprintf("%q", a.Name), Sample: max(a.Image, 0), Index: at + i, Value: v}
			}
			most[c] = max(most[c], x)
		}
	}
	return most, nil
}

// larger returns the larger of each two, b where a is nil.
func larger(a, b []float64) []float64 {
	if a == nil {
		return b
	}
	for i := range b {
		a[i] = max(a[i], b[i])
	}
	return a
}

// Tensors returns the number of tensors whose channels are multiplied: 0 where
// nothing lets factors through, as in networks of relu6.
func (e *Equaliser) Tensors() (n int) {
	for _, l := range e.graph.Layers {
		if e.measured(l) {
			n++
		}
	}
	return n
}

// Model returns the rewritten model, in fused layers as graph.FormFused spells
// them. A channel of size s in a tensor whose largest has size S gets the factor
// (S/s)^exponent, 16 at most. It fails with ErrOptions unless exponent is above 0 and at
// most 1, with ErrNoSamples before the first sample.
func (e *Equaliser) Model(exponent float64) (*model.Model, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !(exponent > 0 && exponent <= 1) {
		return nil, fmt.Errorf("equalise %s with exponent %v: want one above 0 and up to 1: %w", e.graph.Name, exponent, ErrOptions)
	}
	for _, l := range e.graph.Layers {
		if !e.measured(l) {
			continue
		}
		if e.most[l.Out[0].Name] == nil {
			return nil, fmt.Errorf("equalise %s: %w", e.graph.Name, ErrNoSamples)
		}
		one := e.ties.find(l.Out[0])
		one.factors = e.factors(one, exponent)
	}
	g := copyGraph(e.graph)
	for i, l := range e.graph.Layers {
		if err := e.multiply(l, g.Layers[i]); err != nil {
			return nil, fmt.Errorf("equalise %s: layer %q: %w", e.graph.Name, l.Name, err)
		}
	}
	return graph.ToModel(g, graph.FormFused)
}

// factors returns those of a tie: of sums, the geometric mean of what each of
// their convolutions asks for.
func (e *Equaliser) factors(one *tie, exponent float64) []float64 {
	var f []float64
	n := 0.0
	for _, v := range one.values {
		most := e.most[v.Name]
		if most == nil {
			continue
		}
		if f == nil {
			f = make([]float64, len(most))
		}
		n++
		if top := slices.Max(most); top > 0 {
			for i, x := range most {
				f[i] += math.Log(top / max(x, top*1e-3))
			}
		}
	}
	for i := range f {
		f[i] = math.Exp(exponent * f[i] / n)
	}
	if least := slices.Min(f); least > 1 { // in sums of which each has another largest channel
		for i := range f {
			f[i] /= least
		}
	}
	for i := range f {
		f[i] = min(f[i], maxEqualise)
	}
	return f
}

// multiply gives to, the copy of l, the weights and the bias of l, multiplied for
// what it gives and divided for what it reads.
func (e *Equaliser) multiply(l, to *graph.Layer) error {
	_, rank := channelAxis(l.Op)
	if rank == 0 || l.In[1].Const == nil {
		return nil
	}
	in, out := e.ties.find(l.In[0]), e.ties.find(l.Out[0])
	if in.factors == nil && out.factors == nil {
		return nil
	}
	dims := l.In[1].Const.Dims
	var input, output func(i int) int // the channels of a weight
	switch op := l.Op.(type) {
	case *graph.Conv: // OIHW
		area, perGroup := int(dims[2]*dims[3]), int(dims[0])/op.Groups
		output = func(i int) int { return i / area / int(dims[1]) }
		input = func(i int) int { return output(i)/perGroup*int(dims[1]) + i/area%int(dims[1]) }
	case *graph.FC: // inputs by outputs
		output = func(i int) int { return i % int(dims[1]) }
		input = func(i int) int { return i / int(dims[1]) }
	}
	var err error
	to.In[1], err = multiplied(l.In[1], func(i int) float64 { return out.factor(output(i)) / in.factor(input(i)) })
	if len(l.In) > 2 && l.In[2] != nil && out.factors != nil && err == nil {
		to.In[2], err = multiplied(l.In[2], out.factor)
	}
	return err
}

func (t *tie) factor(channel int) float64 {
	if t.factors == nil {
		return 1
	}
	return t.factors[channel]
}

// multiplied returns the constant v with its elements multiplied.
func multiplied(v *graph.Value, by func(i int) float64) (*graph.Value, error) {
	x := slices.Clone(v.Const.Float32s())
	for i := range x {
		x[i] = float32(float64(x[i]) * by(i))
	}
	if err := firstNotFinite(x); err != nil {
		return nil, err
	}
	return constant(v.Name, x, v.Const.Dims...)
}

// Close frees the Runner. It may be called twice.
func (e *Equaliser) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.runner == nil {
		return nil
	}
	r := e.runner
	e.runner = nil
	if err := r.Close(); err != nil {
		return errors.Join(fmt.Errorf("equalise %s", e.graph.Name), err)
	}
	return nil
}
