package infer

import (
	"context"
	"sync"
	"time"
)

// A request is the body of one run on its way through the streams. Its mutable
// part is guarded by the scheduler that holds it.
type request struct {
	p       *Predictor
	g       *geometry
	s       *session
	observe func(name string, data []float32) error

	next    int // first image not yet taken
	running int // micro-batches at work
	err     error
	done    chan struct{} // capacity 1: signalled when all is finished
	watchMu sync.Mutex
}

// finished reports whether no micro-batch is at work and none will be taken.
func (r *request) finished() bool {
	return r.running == 0 && (r.err != nil || r.next >= r.g.batch)
}

// A scheduler hands the micro-batches of all requests to the streams, one of
// each request in turn, so that a small request does not wait for a large one.
type scheduler struct {
	mu     sync.Mutex
	wake   sync.Cond
	ring   []*request // requests with images left, the next to serve first
	closed bool
}

func (s *scheduler) init() { s.wake.L = &s.mu }

// submit queues r. Its done is signalled when it has finished.
func (s *scheduler) submit(r *request) {
	s.mu.Lock()
	r.next, r.running, r.err = 0, 0, nil
	s.ring = append(s.ring, r)
	s.mu.Unlock()
	s.wake.Broadcast()
}

// take waits for a micro-batch: n images of r from first on. A nil request
// means that the scheduler is closed.
func (s *scheduler) take() (r *request, first, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.ring) == 0 {
		if s.closed {
			return nil, 0, 0
		}
		s.wake.Wait()
	}
	r = s.ring[0]
	first, n = r.next, r.p.chunk(r.g, r.g.batch-r.next)
	r.next += n
	r.running++
	s.rotate(r.next < r.g.batch)
	return r, first, n
}

// rotate moves the first request to the end, or out.
func (s *scheduler) rotate(again bool) {
	r := s.ring[0]
	copy(s.ring, s.ring[1:])
	if again {
		s.ring[len(s.ring)-1] = r
		return
	}
	s.ring[len(s.ring)-1] = nil
	s.ring = s.ring[:len(s.ring)-1]
}

// finish ends a micro-batch of r.
func (s *scheduler) finish(r *request, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.running--
	if err != nil {
		s.drop(r, err)
	}
	if r.finished() {
		r.done <- struct{}{}
	}
}

// cancel stops r from being served further; done is signalled still.
func (s *scheduler) cancel(r *request, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.finished() {
		return // and signalled
	}
	s.drop(r, err)
	if r.finished() {
		r.done <- struct{}{}
	}
}

// drop records the first error of r and takes it off the ring.
func (s *scheduler) drop(r *request, err error) {
	if r.err == nil {
		r.err = err
	}
	for i, q := range s.ring {
		if q == r {
			copy(s.ring[i:], s.ring[i+1:])
			s.ring[len(s.ring)-1] = nil
			s.ring = s.ring[:len(s.ring)-1]
			return
		}
	}
}

func (s *scheduler) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.wake.Broadcast()
}

// chunk returns the micro-batch to cut from left images: a power of two, so
// that few plans serve every batch, no larger than MicroBatch and small enough
// to give every stream a share.
func (p *Predictor) chunk(g *geometry, left int) int {
	if !p.body.separable {
		return 1
	}
	share := (left + p.opts.Streams - 1) / p.opts.Streams
	n := 1
	for 2*n <= p.opts.MicroBatch && 2*n <= share {
		n *= 2
	}
	return n
}

// execute runs the body: where the batch would leave streams idle and nothing
// else runs, by the way that has been faster lately, else on the streams.
func (p *Predictor) execute(ctx context.Context, r *request, alone bool) error {
	if len(p.body.graph.Layers) == 0 {
		return nil
	}
	if !alone || !p.team.suits(p, r.g) {
		return p.stream(ctx, r)
	}
	w, start := r.g.pace.choose(), time.Now()
	var err error
	if w == byTeam {
		err = p.team.run(ctx, r)
	} else {
		err = p.stream(ctx, r)
	}
	if err == nil {
		r.g.pace.record(w, time.Since(start))
	}
	return err
}

// stream runs r on the one-thread streams.
func (p *Predictor) stream(ctx context.Context, r *request) error {
	p.sched.submit(r)
	select {
	case <-r.done:
	case <-ctx.Done():
		p.sched.cancel(r, ctx.Err())
		<-r.done
	}
	return r.err
}
