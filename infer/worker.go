package infer

import (
	"fmt"
	"runtime"
	"sync"

	"github.com/octet-dnn/octet/dnnl"
)

// A worker runs plans, one at a time, and owns their instances and the arena
// that these share. One goroutine at a time may use it.
type worker struct {
	p         *Predictor
	instances map[planKey]*instance
	arena     *dnnl.Buffer
	gate      sync.Locker // held while a plan runs
	team      *dnnl.Team  // that runs the plans, or nil for the goroutine itself
	threads   int
}

func newWorker(p *Predictor, gate sync.Locker, t *dnnl.Team, threads int) *worker {
	return &worker{p: p, instances: map[planKey]*instance{}, gate: gate, team: t, threads: threads}
}

// serve is the goroutine of one one-thread stream.
func (p *Predictor) serve() {
	defer p.done.Done()
	// Never unlocked: what is set for this OS thread ends with it.
	runtime.LockOSThread()
	p.neighbours.join()
	w := newWorker(p, computing.RLocker(), nil, 1)
	defer w.close()
	for {
		r, first, n := p.sched.take()
		if r == nil {
			return
		}
		p.sched.finish(r, w.run(r, first, n))
	}
}

// run executes images first … first+n-1 of r.
func (w *worker) run(r *request, first, n int) error {
	in, err := w.instance(planKey{r.g.family, n, w.threads})
	if err != nil {
		return err
	}
	r.s.place(in, first)
	defer clear(in.ptrs)
	w.gate.Lock()
	err = r.compute(in)
	w.gate.Unlock()
	if err != nil {
		return fmt.Errorf("infer: %s: %w", r.p.graph.Name, err)
	}
	if r.observe != nil {
		return r.watch(in)
	}
	return nil
}

// watch shows the watched values to the observer, one call at a time.
func (r *request) watch(in *instance) error {
	r.watchMu.Lock()
	defer r.watchMu.Unlock()
	for i, t := range in.plan.watched {
		if err := r.observe(r.p.body.watchList[i].Name, in.floats(t)); err != nil {
			return err
		}
	}
	return nil
}

func (w *worker) instance(k planKey) (*instance, error) {
	if in, ok := w.instances[k]; ok {
		return in, nil
	}
	pl, err := w.p.plans.get(k)
	if err != nil {
		return nil, err
	}
	if err := w.reserve(pl.arena); err != nil {
		return nil, fmt.Errorf("infer: %s: %w", w.p.graph.Name, err)
	}
	var in *instance
	s, err := w.stream()
	if err == nil {
		in, err = newInstance(w.p.engine, pl, s, w.arena)
	}
	if err != nil {
		return nil, fmt.Errorf("infer: %s: %w", w.p.graph.Name, err)
	}
	w.instances[k] = in
	return in, nil
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
func (w *worker) stream() (*dnnl.Stream, error) {
	if w.team != nil {
		return w.team.NewStream(w.p.engine, w.threads)
	}
	return dnnl.NewStreamThreads(w.p.engine, w.threads)
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
