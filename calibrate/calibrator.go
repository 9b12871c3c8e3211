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
	spool  *spool // of all samples, nil unless there are two passes
	album  *album // of some samples, nil unless they are to refine
	count  int    // batches
	seen   seen   // samples
	probes probes
	// offered is about the samples that came by Restore.
	offered offered
	trend   trend
	table   *Table // of the batches so far, or nil
	// refined is what INT8Graph returns for them with Options.Refine, or nil.
	refined *graph.Graph
	settler *settler // of refined, or nil
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
	if err := checkAlgorithm(o.Algorithm, o.Compat); err != nil {
		return nil, err
	}
	if len(c.tensors) == 0 {
		return nil, fmt.Errorf("calibrate %s: no convolution or fully connected layer: %w", g.Name, graph.ErrUnsupported)
	}
	if err := checkNamed(g, o.FP32Layers); err != nil {
		return nil, err
	}
	if o.Pixels != nil {
		if err := o.Pixels.Check(g); err != nil {
			return nil, fmt.Errorf("calibrate %s: %w", g.Name, err)
		}
	}
	var watch []string
	for _, w := range c.tensors {
		if w.input >= 0 {
			c.inputs = append(c.inputs, w)
		} else {
			watch = append(watch, w.name)
		}
	}
	c.pass = newPass(c.tensors, func(int) Observer {
		if c.twoPasses() {
			return new(AbsMax)
		}
		return NewStatistics()
	})
	if c.twoPasses() {
		c.spool, err = newSpool(o.TempDir)
	} else if o.Refine {
		c.album, err = newAlbum(o.TempDir, maxRefineImages)
	}
	if err != nil {
		return nil, fmt.Errorf("calibrate: %w", err)
	}
	if c.runner, err = o.Runner(g, watch); err != nil {
		return nil, fmt.Errorf("calibrate %s: %w", g.Name, errors.Join(err, c.closeFiles()))
	}
	c.alive, c.stop = context.WithCancel(context.Background())
	return c, nil
}

// twoPasses reports whether the samples are run twice: for the histogram of
// Paddle 1.3, whose range is known only when all have been seen.
func (c *Calibrator) twoPasses() bool { return c.o.Algorithm == KL && c.o.Compat == Paddle13 }

// Sample runs a batch through the FP32 model, observes its activations and
// returns the fetches. A batch that fails, be it by ctx or by a NaN in an
// activation (a *NotFiniteError), does not count and leaves no trace.
func (c *Calibrator) Sample(ctx context.Context, in []*model.Tensor) ([]*model.Tensor, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, ErrClosed
	}
	n, err := c.check(in)
	if err != nil {
		return nil, fmt.Errorf("sample batch %d: %w", c.count, err)
	}
	var digests []digest
	var samples []sketched
	var pages []page
	var keeping error
	var beside sync.WaitGroup
	c.pass.begin(n)
	ran := make(chan struct{})
	beside.Go(func() {
		select {
		case <-c.pass.tail.begins:
		case <-ran:
		}
		digests = digestsOf(in, n)
		samples = c.describe(in, digests)
		pages, keeping = c.keep(in, digests)
	})
	out, err := c.run(ctx, c.pass, in, n)
	close(ran)
	beside.Wait()
	if err == nil {
		err = keeping
	}
	if err == nil {
		c.complete(samples, out)
		err = c.commit(in)
	}
	if err != nil {
		c.pass.abandon()
		if c.album != nil {
			c.album.forget(pages)
		}
		return nil, fmt.Errorf("sample batch %d: %w", c.count, err)
	}
	c.count++
	c.seen.add(samples)
	if c.album != nil {
		c.album.add(pages)
	}
	if c.o.Algorithm == Auto {
		c.probes.offer(c.seen.sketch, in, digests)
	}
	c.table, c.refined, c.settler = nil, nil, nil
	c.watchTrend()
	return out, nil
}

// keep writes down what is to be run again to refine; pages are not yet in the album.
func (c *Calibrator) keep(in []*model.Tensor, digests []digest) (pages []page, err error) {
	if c.album == nil {
		return nil, nil
	}
	return c.album.write(in, digests)
}

// commit counts the batch that has been run.
func (c *Calibrator) commit(in []*model.Tensor) error {
	if c.spool != nil {
		if err := c.spool.append(in); err != nil {
			return err
		}
	}
	return c.pass.commit()
}

// check returns the number of images of a batch.
func (c *Calibrator) check(in []*model.Tensor) (images int, err error) {
	if len(in) != len(c.graph.Inputs) {
		return 0, fmt.Errorf("%d inputs given, the model has %d: %w", len(in), len(c.graph.Inputs), graph.ErrShape)
	}
	for _, w := range c.inputs {
		if in[w.input] == nil || in[w.input].DType != model.FP32 {
			return 0, fmt.Errorf("input %q: want a float32 tensor: %w", w.name, graph.ErrShape)
		}
	}
	return imagesOf(in)
}

// run runs a batch of n images and shows it to p, which has begun it.
func (c *Calibrator) run(ctx context.Context, p *pass, in []*model.Tensor, n int) (out []*model.Tensor, err error) {
	for _, w := range c.inputs {
		x := in[w.input].Float32s()
		for i := range n { // in order, so that the first image that is not finite is the one named
			if err := p.observe(Activation{Name: w.name, Image: i, Data: x[i*len(x)/n : (i+1)*len(x)/n]}); err != nil {
				return nil, err
			}
		}
	}
	if out, err = c.runner.Run(ctx, in, p.observe); err != nil {
		return nil, err
	}
	return out, p.complete()
}

// Table computes the thresholds of the samples so far, ErrNoSamples without any.
// Paddle13's KL runs all samples again for it and Auto a few, which Close ends.
// The Table is the caller's.
func (c *Calibrator) Table() (*Table, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t, err := c.currentTable()
	if err != nil {
		return nil, err
	}
	return t.clone(), nil
}

func (c *Calibrator) currentTable() (*Table, error) {
	switch {
	case c.closed:
		return nil, ErrClosed
	case c.table != nil:
		return c.table, nil
	case c.seen.count == 0:
		return nil, fmt.Errorf("calibration table: %w", ErrNoSamples)
	}
	t := c.newTable()
	if err := c.choose(t); err != nil {
		return nil, fmt.Errorf("calibration table: %w", err)
	}
	c.table = t
	return t, nil
}

// newTable returns the table of what has been seen, without thresholds.
func (c *Calibrator) newTable() *Table {
	t := &Table{
		Model: c.fingerprint, Data: c.seen.data.String(), Samples: c.seen.count,
		Algorithm: c.o.Algorithm, Compat: c.o.Compat, Entries: make([]Entry, len(c.tensors)),
	}
	for i, w := range c.tensors {
		t.Entries[i] = Entry{Name: w.name, DType: w.dtype()}
	}
	return t
}

// choose sets the thresholds of t, and what they were chosen from.
func (c *Calibrator) choose(t *Table) error {
	if !c.twoPasses() {
		t.Evidence = c.evidence()
		if c.o.Algorithm == Auto {
			return c.chooseAuto(t)
		}
		t.choose()
		return nil
	}
	p, err := c.secondPass()
	if err != nil {
		return err
	}
	t.Batches = c.count
	parallel.Each(len(c.tensors), func(i int) {
		t.Entries[i].Threshold = paddleKL(p.total[i].(*paddleHistogram), c.count)
	})
	return nil
}

// evidence returns what has been seen, which the Calibrator goes on changing.
func (c *Calibrator) evidence() *Evidence {
	e := &Evidence{samples: c.seen.sketch}
	for i, o := range c.pass.total {
		s := o.(*Statistics)
		s.Tops = c.seen.sketch.tops(i)
		e.Tensors = append(e.Tensors, s)
	}
	return e
}

// secondPass runs all samples again.
func (c *Calibrator) secondPass() (*pass, error) {
	c.o.logger().Info("second pass over the samples", "batches", c.count)
	p := newPass(c.tensors, func(i int) Observer { return newPaddlePass(c.pass.total[i].(*AbsMax)) })
	err := c.spool.each(len(c.graph.Inputs), func(in []*model.Tensor) error {
		n, err := c.check(in)
		if err != nil {
			return err
		}
		p.begin(n)
		if _, err := c.run(c.alive, p, in, n); err != nil {
			return err
		}
		return p.commit()
	})
	return p, err
}

// INT8Graph returns the quantised graph for the samples so far.
func (c *Calibrator) INT8Graph() (*graph.Graph, error) {
	g, err := c.Draft()
	if err != nil {
		return nil, err
	}
	return g, c.Settle(g)
}

// Draft is INT8Graph but for what Settle does.
func (c *Calibrator) Draft() (*graph.Graph, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t, err := c.currentTable()
	if err != nil {
		return nil, err
	}
	if !c.o.Refine {
		return Quantize(c.graph, t, c.o)
	}
	if c.refined == nil {
		if c.refined, err = c.refine(t); err != nil {
			return nil, fmt.Errorf("refine the weights: %w", err)
		}
	}
	return c.leaving(t)
}

// Settle corrects the biases of g, which Draft has returned for the same samples, by what its
// layers give on them; without Options.Refine it does nothing. It takes longer than a draft:
// runs of 256 images in INT8, two of them layer by layer.
func (c *Calibrator) Settle(g *graph.Graph) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return ErrClosed
	}
	if !c.o.Refine {
		return nil
	}
	if err := c.settle(g); err != nil {
		return fmt.Errorf("settle the biases: %w", err)
	}
	return nil
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
	return errors.Join(c.runner.Close(), c.closeFiles())
}

func (c *Calibrator) closeFiles() (err error) {
	if c.spool != nil {
		err = c.spool.close()
	}
	if c.album != nil {
		err = errors.Join(err, c.album.close())
	}
	return err
}
