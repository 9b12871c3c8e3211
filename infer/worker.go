package infer

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/octet-dnn/octet/calibrate"
	"github.com/octet-dnn/octet/dnnl"
)

// A worker runs plans, one at a time, and owns their instances and the arena
// that these share. One goroutine at a time may use it, but for forgetGone.
type worker struct {
	p         *Predictor
	mu        sync.Mutex  // held while a plan runs, for instances and arena
	stale     atomic.Bool // a plan has gone that instances may be of
	instances map[planKey]*instance
	arena     *dnnl.Buffer
	gate      sync.Locker // held while a plan runs
	team      *dnnl.Team  // that runs the plans, or nil for the goroutine itself
	threads   int
	pin       []int   // the CPUs of its threads, or none
	pieces    []piece // the micro-batch
}

// newStream makes the worker of stream i.
func newStream(p *Predictor, i int) *worker {
	return &worker{p: p, instances: map[planKey]*instance{}, gate: computing.RLocker(), threads: 1, pin: p.opts.pinOf(i)}
}

// newMember makes the worker that is the predictor's share of t.
func newMember(p *Predictor, t *dnnl.Team) *worker {
	return &worker{p: p, instances: map[planKey]*instance{}, gate: &computing, team: t, threads: p.opts.Threads, pin: p.opts.pinOfTeam()}
}

// run executes the micro-batch in w.pieces.
func (w *worker) run() error {
	w.mu.Lock()
	err := w.compute()
	w.mu.Unlock()
	w.forgetStale()
	return err
}

func (w *worker) compute() error {
	r, n := w.pieces[0].r, 0
	for _, p := range w.pieces {
		n += p.n
	}
	in, err := w.instance(planKey{r.g.family, n, w.threads})
	if err != nil {
		return err
	}
	w.gate.Lock()
	in.place(w.pieces)
	err = r.compute(in, w.pieces[0].first)
	in.deliver(w.pieces)
	w.gate.Unlock()
	clear(in.ptrs)
	return err
}

// runPiece executes n images of r from first on.
func (w *worker) runPiece(r *request, first, n int) error {
	w.pieces = append(w.pieces, piece{r, first, n})
	defer w.forget()
	return w.run()
}

// forget empties the micro-batch.
func (w *worker) forget() {
	clear(w.pieces)
	w.pieces = w.pieces[:0]
}

// compute executes in for r, whose images from first on it takes. An error of the
// observer is returned as it is.
func (r *request) compute(in *instance, first int) (err error) {
	var refused error
	switch {
	case r.observe != nil:
		err = in.watch(func(w watched) error {
			refused = r.show(w, in.floats(w.t), first)
			return refused
		})
	case r.times != nil:
		err = in.repeat(r.times)
	default:
		err = in.run()
	}
	if err != nil && refused == nil {
		err = fmt.Errorf("infer: %s: %w", r.p.graph.Name, err)
	}
	return err
}

// show shows a watched value of an image to the observer.
// Plans that are watched take single images, see NewRunner.
func (r *request) show(w watched, data []float32, image int) error {
	if !r.p.body.separable {
		image = calibrate.AllImages
	}
	return r.observe(calibrate.Activation{
		Name: w.name, Image: image, Dims: w.t.dims, ChannelsLast: w.t.layout == channelsLast, Data: data,
	})
}

func (w *worker) instance(k planKey) (*instance, error) {
	if in, ok := w.instances[k]; ok {
		w.p.shelf.touch(&in.plan.book)
		return in, nil
	}
	pl, err := w.p.plans.get(k)
	if err != nil {
		return nil, err
	}
	in, err := w.newInstance(pl)
	if err != nil {
		return nil, fmt.Errorf("infer: %s: %w", w.p.graph.Name, err)
	}
	w.instances[k] = in
	return in, nil
}

// newInstance makes an instance that takes over a reference to pl.
func (w *worker) newInstance(pl *plan) (*instance, error) {
	if err := w.reserve(pl.arena); err != nil {
		pl.release()
		return nil, err
	}
	s, err := w.stream()
	if err != nil {
		pl.release()
		return nil, err
	}
	return newInstance(w.p.engine, pl, s, w.arena)
}

// forgetGone closes the instances of plans that have gone: now, or as soon as the
// plan is done that is running.
func (w *worker) forgetGone() {
	w.stale.Store(true)
	w.forgetStale()
}

// forgetStale does what forgetGone says unless the worker runs. Whoever runs it
// calls forgetStale afterwards.
func (w *worker) forgetStale() {
	for w.stale.Load() && w.mu.TryLock() {
		w.stale.Store(false)
		w.shed()
		w.mu.Unlock()
	}
}

// shed closes the instances of plans that have gone, and everything if those
// that are left would do with half the arena: they are made again when their
// turn comes.
func (w *worker) shed() {
	largest := 0
	for k, in := range w.instances {
		if in.plan.gone.Load() {
			in.Close()
			delete(w.instances, k)
			continue
		}
		largest = max(largest, in.plan.arena)
	}
	if w.arena != nil && largest < w.arena.Size()/2 {
		w.close()
	}
}

// reserve makes the arena n bytes large at least. The instances that there are
// point into the old one: they go, and are made again when their turn comes.
func (w *worker) reserve(n int) error {
	if w.arena != nil && w.arena.Size() >= n {
		return nil
	}
	larger, err := dnnl.NewBuffer(max(n, arenaAlign))
	if err != nil {
		return err
	}
	w.close()
	w.arena = larger
	w.p.arenas.Add(int64(larger.Size()))
	return nil
}

// stream makes a stream whose chains run where this worker's plans should.
func (w *worker) stream() (s *dnnl.Stream, err error) {
	if w.team != nil {
		s, err = w.team.NewStream(w.p.engine, w.threads)
	} else {
		s, err = dnnl.NewStreamThreads(w.p.engine, w.threads)
	}
	if err != nil {
		return nil, err
	}
	if err := s.Pin(w.pin...); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// close frees the instances and the arena.
func (w *worker) close() {
	for _, in := range w.instances {
		in.Close()
	}
	clear(w.instances)
	if w.arena != nil {
		w.p.arenas.Add(-int64(w.arena.Size()))
		w.arena.Close()
		w.arena = nil
	}
}
