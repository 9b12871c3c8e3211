package infer

import (
	"fmt"
	"runtime"
	"sync"

	"github.com/octet-dnn/octet/dnnl"
)

// A worker runs plans on one locked OS thread and owns their instances.
type worker struct {
	instances map[planKey]*instance
	gate      sync.Locker // held while a plan runs
}

func newWorker(gate sync.Locker) *worker {
	return &worker{instances: map[planKey]*instance{}, gate: gate}
}

// serve is the goroutine of one one-thread stream.
func (p *Predictor) serve() {
	defer p.done.Done()
	// Never unlocked: what is set for this OS thread ends with it.
	runtime.LockOSThread()
	dnnl.SetNumThreads(1)
	p.neighbours.join()
	w := newWorker(computing.RLocker())
	defer w.close()
	for {
		r, first, n := p.sched.take()
		if r == nil {
			return
		}
		p.sched.finish(r, w.run(r, first, n, 1))
	}
}

// run executes images first … first+n-1 of r.
func (w *worker) run(r *request, first, n, threads int) error {
	in, err := w.instance(r.p, planKey{r.g.family, n, threads})
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

func (w *worker) instance(p *Predictor, k planKey) (*instance, error) {
	if in, ok := w.instances[k]; ok {
		return in, nil
	}
	pl, err := p.plans.get(k)
	if err != nil {
		return nil, err
	}
	in, err := newInstance(p.engine, pl)
	if err != nil {
		return nil, fmt.Errorf("infer: %s: %w", p.graph.Name, err)
	}
	w.instances[k] = in
	return in, nil
}

func (w *worker) close() {
	for _, in := range w.instances {
		in.Close()
	}
	clear(w.instances)
}
