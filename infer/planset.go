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
	m         map[planKey]*plan
}

func (s *planSet) init(p *Predictor) { s.p, s.m = p, map[planKey]*plan{} }

// get returns the plan of k, compiling it first if it must. Plans that exist
// already can be had meanwhile.
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
			pl.Close()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("infer: compile %s for %d images: %w", s.p.graph.Name, k.images, err)
	}
	s.p.weights.cache.save()
	s.report(k, pl)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.m[k] = pl
	return pl, nil
}

func (s *planSet) find(k planKey) *plan {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.m[k]
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
		pl.Close()
	}
	clear(s.m)
}
