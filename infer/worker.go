package infer

import (
	"fmt"
	"runtime"

	"github.com/octet-dnn/octet/dnnl"
)

// A worker runs plans on one locked OS thread and owns their instances.
type worker struct {
	instances map[planKey]*instance
}

// serve is the goroutine of one one-thread stream.
func (p *Predictor) serve() {
	defer p.done.Done()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	dnnl.SetNumThreads(1)
	w := &worker{instances: map[planKey]*instance{}}
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
	if err := in.run(); err != nil {
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
