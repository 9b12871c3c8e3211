package infer

import (
	"fmt"
	"sync"
)

// A planKey names a plan: input shapes, images at once, OpenMP threads.
type planKey struct {
	family  *family
	images  int
	threads int
}

// A planSet compiles every plan once, one after the other: a compilation uses
// all CPUs.
type planSet struct {
	p         *Predictor
	compiling sync.Mutex
	mu        sync.Mutex
	m         map[planKey]*plan // with a reference each
}

func (s *planSet) init(p *Predictor) { s.p, s.m = p, map[planKey]*plan{} }

// get returns the plan of k, compiling it first if it must. Plans that exist
// already can be had meanwhile. The caller must release the plan.
func (s *planSet) get(k planKey) (*plan, error) {
	if pl := s.find(k); pl != nil {
		return pl, nil
	}
	s.compiling.Lock()
	defer s.compiling.Unlock()
	if pl := s.find(k); pl != nil {
		return pl, nil
	}
	o := s.p.opts
	pl, err := compile(s.p.engine, s.p.weights, s.p.body, k.family, k.images, o.CacheBytes*k.threads,
		chooser{table: o.Kernels, learn: o.LearnKernels, threads: k.threads})
	if err == nil {
		if err = o.RefKernels.judge(pl); err != nil {
			pl.release()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("infer: compile %s for %d images: %w", s.p.graph.Name, k.images, err)
	}
	s.p.weights.cache.save()
	s.report(k, pl)
	s.keep(k, pl)
	return pl, nil
}

// find returns the plan of k if it is there. The caller must release it.
func (s *planSet) find(k planKey) *plan {
	s.mu.Lock()
	defer s.mu.Unlock()
	pl := s.m[k]
	if pl != nil {
		pl.retain()
		s.p.shelf.touch(&pl.book)
	}
	return pl
}

// keep has others find a plan, until it is the one that was used longest ago and
// its place is needed.
func (s *planSet) keep(k planKey, pl *plan) {
	pl.retain()
	pl.drop = func() { s.forget(k, pl) }
	s.mu.Lock()
	s.m[k] = pl
	s.mu.Unlock()
	s.p.shelf.add(&pl.book, pl.size())
}

// forget gives up a plan. Workers that are running it keep it so long.
func (s *planSet) forget(k planKey, pl *plan) {
	s.mu.Lock()
	delete(s.m, k)
	s.mu.Unlock()
	pl.gone.Store(true)
	s.p.sweep()
	pl.release()
}

// family returns the family of a plan for which match holds, or nil.
func (s *planSet) family(match func(*family) bool) *family {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k := range s.m {
		if match(k.family) {
			return k.family
		}
	}
	return nil
}

func (s *planSet) report(k planKey, pl *plan) {
	log := s.p.opts.Logger
	log.Debug("compiled", "model", s.p.graph.Name, "images", k.images, "threads", k.threads, "steps", len(pl.steps), "arena_bytes", pl.arena, "weights_bytes", s.p.weights.bytes())
	for _, kn := range pl.kernels() {
		if kn.Reference {
			log.Warn("oneDNN chose a slow reference kernel", "model", s.p.graph.Name, "layer", kn.Layer, "kind", kn.Kind, "kernel", kn.Impl)
		}
	}
}

func (s *planSet) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, pl := range s.m {
		pl.release()
	}
	clear(s.m)
}
