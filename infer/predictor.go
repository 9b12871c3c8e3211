package infer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/octet-dnn/octet/dnnl"
	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// ErrClosed is returned by runs of a predictor that has been closed.
var ErrClosed = errors.New("infer: predictor is closed")

// A Predictor runs one model. It is safe for use by many goroutines at once;
// they share its streams. It must be closed: its threads and oneDNN memory are
// not garbage collected.
type Predictor struct {
	opts    Options
	graph   *graph.Graph
	body    *body
	tail    []*graph.Layer
	open    map[*graph.Value]bool // outputs whose dims follow from the data
	engine  *dnnl.Engine
	weights *weightStore
	shelf   shelf
	plans   planSet
	arenas  atomic.Int64 // bytes

	use        sync.RWMutex // read side: runs in flight; write side: Close
	closed     bool
	active     atomic.Int32 // runs in flight
	streams    []*worker
	sched      scheduler
	helpers    sync.WaitGroup // goroutines
	team       team
	neighbours neighbours

	mu         sync.Mutex
	geometries []*geometry
}

// NewPredictor compiles m, FP32 or INT8. It reads the program and parameters
// of m but keeps no reference to its program; parameters are copied into packed
// form when the first run needs them, so m's parameter data must not change.
func NewPredictor(m *model.Model, o Options) (*Predictor, error) {
	g, err := graph.Build(m)
	if err != nil {
		return nil, fmt.Errorf("infer: %w", err)
	}
	return Compile(g, o)
}

// Compile makes a predictor of a graph, which must not change afterwards.
func Compile(g *graph.Graph, o Options) (*Predictor, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	if o.Pixels != NoPixels {
		var err error
		if g, err = takePixels(g, o.Pixels); err != nil {
			return nil, err
		}
	}
	b, tail, err := cut(g, o.watch)
	if err != nil {
		return nil, fmt.Errorf("infer: %w", err)
	}
	e, err := dnnl.NewEngine()
	if err != nil {
		return nil, fmt.Errorf("infer: %w", err)
	}
	p := &Predictor{opts: o.withDefaults(), graph: g, body: b, tail: tail, open: openValues(tail), engine: e}
	p.weights = newWeightStore(e, newPackCache(o.PackedCache, g, p.opts.Logger))
	p.shelf.init(p.opts.ShapeBytes)
	p.plans.init(p)
	p.neighbours.init(p.opts.Threads, p.opts.pinOfTeam())
	for i := range p.opts.Streams {
		p.streams = append(p.streams, newStream(p, i))
	}
	p.sched.init(p.chunk, slices.Clone(p.streams))
	for range p.streams {
		p.helpers.Go(p.sched.help)
	}
	return p, nil
}

// A Spec describes one input or output of a model.
type Spec struct {
	Name  string
	DType model.DType
	// Dims has -1 where the model leaves a size open, such as the batch.
	// It is nil for outputs.
	Dims []int64
}

// Inputs describes what Run wants, in order.
func (p *Predictor) Inputs() []Spec {
	var s []Spec
	for _, v := range p.graph.Inputs {
		s = append(s, Spec{v.Name, v.DType, append([]int64(nil), v.Dims...)})
	}
	return s
}

// Outputs describes what Run returns, in order.
func (p *Predictor) Outputs() []Spec {
	var s []Spec
	for _, o := range p.graph.Outputs {
		s = append(s, Spec{Name: o.Name, DType: o.Value.DType})
	}
	return s
}

// Run executes the model on one batch and returns its outputs, in new memory.
// The inputs stand in the order of the model's feeds and share their first dim,
// the batch, which may differ from run to run. They are only read.
//
// Run waits for a free stream until ctx ends; images already handed to oneDNN
// are always finished before Run returns.
func (p *Predictor) Run(ctx context.Context, in []*model.Tensor) ([]*model.Tensor, error) {
	g, err := p.geometry(in)
	if err != nil {
		return nil, err
	}
	out := g.newOutputs()
	if err := p.run(ctx, g, in, out); err != nil {
		return nil, err
	}
	return out, nil
}

// RunInto is Run with outputs in memory of the caller: tensors of the right
// type and dims. It allocates nothing once every stream has served the shape.
//
// Where the dims of an output follow from the data, as those of detections do,
// RunInto sets its Dims, its LoD and the length of its Data, and replaces Data
// where its capacity is too small.
func (p *Predictor) RunInto(ctx context.Context, in, out []*model.Tensor) error {
	g, err := p.geometry(in)
	if err != nil {
		return err
	}
	if err := g.checkOutputs(out); err != nil {
		return err
	}
	return p.run(ctx, g, in, out)
}

func (p *Predictor) run(ctx context.Context, g *geometry, in, out []*model.Tensor) error {
	return p.runWith(ctx, g, in, out, extras{})
}

func (p *Predictor) runWith(ctx context.Context, g *geometry, in, out []*model.Tensor, x extras) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	p.use.RLock()
	defer p.use.RUnlock()
	if p.closed {
		return ErrClosed
	}
	alone := p.active.Add(1) == 1
	defer p.active.Add(-1)

	s, err := g.session(p)
	if err != nil {
		return err
	}
	s.req.p, s.req.g, s.req.extras = p, g, x
	s.bind(in, out)
	if err := p.execute(ctx, &s.req, alone); err != nil {
		g.put(s)
		return err
	}
	err = s.tail.run()
	g.put(s)
	return err
}

// sweep has the workers forget the plans that have gone.
func (p *Predictor) sweep() {
	for _, w := range p.streams {
		w.forgetGone()
	}
	if w := p.team.member(); w != nil {
		w.forgetGone()
	}
}

// Close waits for the runs in flight, then frees threads and memory. Runs that
// come later get ErrClosed. It may be called twice.
func (p *Predictor) Close() error {
	p.use.Lock()
	defer p.use.Unlock()
	if p.closed {
		return nil
	}
	p.closed = true
	p.sched.close()
	p.helpers.Wait()
	for _, w := range p.streams {
		w.close()
	}
	p.team.close()
	p.plans.close()
	p.shelf.clear()
	p.weights.Close()
	return p.engine.Close()
}

// Kernels tells which implementation oneDNN chose for every step, for a batch
// of inputs shaped as given. It compiles the plan if no run has.
func (p *Predictor) Kernels(in []*model.Tensor) ([]Kernel, error) {
	g, err := p.geometry(in)
	if err != nil {
		return nil, err
	}
	p.use.RLock()
	defer p.use.RUnlock()
	if p.closed {
		return nil, ErrClosed
	}
	pl, err := p.plans.get(planKey{g.family, p.chunk(g.batch, g.batch), 1})
	if err != nil {
		return nil, err
	}
	defer pl.release()
	return pl.kernels(), nil
}
