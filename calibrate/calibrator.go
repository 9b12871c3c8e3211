package calibrate

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/internal/parallel"
	"github.com/octet-dnn/octet/model"
)

// A Calibrator watches an FP32 model run on samples, and makes the INT8 model
// from what it saw. Its memory does not grow with the number of samples. It is
// safe for concurrent use, but runs one batch at a time (which uses all processors).
type Calibrator struct {
	o           Options
	method      method
	fingerprint string
	graph       *graph.Graph
	tensors     []watched
	inputs      []watched // those of tensors that are inputs of the graph

	stop   context.CancelFunc // ends a second pass
	alive  context.Context
	mu     sync.Mutex // guards what follows
	closed bool
	runner Runner
	pass   *pass
	spool  *spool // nil unless the samples are needed again
	count  int    // batches
	table  *Table // of the batches so far, or nil
}

// New builds the graph of the FP32 model m and a Runner for it. A model that is
// INT8 already is an ErrMismatch. The Calibrator keeps m's parameters, and has
// to be closed.
func New(m *model.Model, o Options) (*Calibrator, error) {
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("calibrate: %w", err)
	}
	if o.Runner == nil {
		return nil, fmt.Errorf("calibrate: no Runner (want infer.NewRunner): %w", ErrOptions)
	}
	if err := model.Check(m); err != nil {
		return nil, fmt.Errorf("calibrate: %w", err)
	}
	g, err := graph.Build(m)
	if err != nil {
		return nil, fmt.Errorf("calibrate %s: %w", m.Name, err)
	}
	for _, l := range g.Layers {
		if err := refuseQuantized(g, l); err != nil {
			return nil, fmt.Errorf("calibrate %s: %w", m.Name, err)
		}
	}
	return newCalibrator(g, model.Fingerprint(m), o)
}

func newCalibrator(g *graph.Graph, fingerprint string, o Options) (*Calibrator, error) {
	c := &Calibrator{o: o, fingerprint: fingerprint, graph: g, tensors: watchList(g, o.Compat)}
	var err error
	if c.o.Algorithm, err = o.Algorithm.normal(); err != nil {
		return nil, err
	}
	if c.method, err = methodFor(o.Algorithm, o.Compat); err != nil {
		return nil, err
	}
	if len(c.tensors) == 0 {
		return nil, fmt.Errorf("calibrate %s: no convolution or fully connected layer: %w", g.Name, graph.ErrUnsupported)
	}
	var watch []string
	for _, w := range c.tensors {
		if w.input >= 0 {
			c.inputs = append(c.inputs, w)
		} else {
			watch = append(watch, w.name)
		}
	}
	c.pass = newPass(c.tensors, func(string) Observer { return c.method.observe() })
	if c.method.again != nil {
		if c.spool, err = newSpool(o.TempDir); err != nil {
			return nil, fmt.Errorf("calibrate: %w", err)
		}
	}
	if c.runner, err = o.Runner(g, watch); err != nil {
		if c.spool != nil {
			err = errors.Join(err, c.spool.close())
		}
		return nil, fmt.Errorf("calibrate %s: %w", g.Name, err)
	}
	c.alive, c.stop = context.WithCancel(context.Background())
	return c, nil
}

// Sample runs a batch through the FP32 model, observes its activations and
// returns the fetches. A batch that fails, be it by ctx or by a NaN in an
// activation (a *NotFiniteError), does not count and leaves no trace.
func (c *Calibrator) Sample(ctx context.Context, in []*model.Tensor) ([]*model.Tensor, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, ErrClosed
	}
	out, err := c.run(ctx, c.pass, in)
	if err == nil && c.spool != nil {
		err = c.spool.append(in)
	}
	if err == nil {
		err = c.pass.commit()
	}
	if err != nil {
		c.pass.abandon()
		return nil, fmt.Errorf("sample batch %d: %w", c.count, err)
	}
	c.count++
	c.table = nil
	return out, nil
}

// run runs a batch and shows it to p.
func (c *Calibrator) run(ctx context.Context, p *pass, in []*model.Tensor) ([]*model.Tensor, error) {
	if len(in) != len(c.graph.Inputs) {
		return nil, fmt.Errorf("%d inputs given, the model has %d: %w", len(in), len(c.graph.Inputs), graph.ErrShape)
	}
	for _, w := range c.inputs {
		if in[w.input] == nil || in[w.input].DType != model.FP32 {
			return nil, fmt.Errorf("input %q: want a float32 tensor: %w", w.name, graph.ErrShape)
		}
		if err := p.observe(w.name, in[w.input].Float32s()); err != nil {
			return nil, err
		}
	}
	out, err := c.runner.Run(ctx, in, p.observe)
	if err != nil {
		return nil, err
	}
	return out, p.complete()
}

// Table computes the thresholds of the samples so far, ErrNoSamples without any.
// Paddle13's KL runs all samples again for it, which Close ends. The Table is
// the caller's.
func (c *Calibrator) Table() (*Table, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t, err := c.currentTable()
	if err != nil {
		return nil, err
	}
	owned := *t
	owned.Entries = append([]Entry(nil), t.Entries...)
	return &owned, nil
}

func (c *Calibrator) currentTable() (*Table, error) {
	switch {
	case c.closed:
		return nil, ErrClosed
	case c.table != nil:
		return c.table, nil
	case c.count == 0:
		return nil, fmt.Errorf("calibration table: %w", ErrNoSamples)
	}
	p, err := c.lastPass()
	if err != nil {
		return nil, fmt.Errorf("calibration table: %w", err)
	}
	t := &Table{Model: c.fingerprint, Algorithm: c.o.Algorithm, Compat: c.o.Compat, Batches: c.count}
	t.Entries = make([]Entry, len(c.tensors))
	parallel.Each(len(c.tensors), func(i int) {
		w := c.tensors[i]
		d := w.dtype()
		t.Entries[i] = Entry{w.name, d, c.method.threshold(p.total[w.name], Levels(d), c.count)}
	})
	c.table = t
	return t, nil
}

// lastPass returns the pass that thresholds come from.
func (c *Calibrator) lastPass() (*pass, error) {
	if c.method.again == nil {
		return c.pass, nil
	}
	c.o.logger().Info("second pass over the samples", "batches", c.count)
	p := newPass(c.tensors, func(name string) Observer { return c.method.again(c.pass.total[name]) })
	err := c.spool.each(len(c.graph.Inputs), func(in []*model.Tensor) error {
		if _, err := c.run(c.alive, p, in); err != nil {
			return err
		}
		return p.commit()
	})
	return p, err
}

// INT8Graph returns the quantised graph for the samples so far.
func (c *Calibrator) INT8Graph() (*graph.Graph, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t, err := c.currentTable()
	if err != nil {
		return nil, err
	}
	return Quantize(c.graph, t, c.o)
}

// Close frees the Runner and the samples kept. It ends a second pass that is
// running; later calls of other methods fail with ErrClosed, later ones of Close do nothing.
func (c *Calibrator) Close() error {
	c.stop()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil
	}
	c.closed = true
	err := c.runner.Close()
	if c.spool != nil {
		err = errors.Join(err, c.spool.close())
	}
	return err
}
