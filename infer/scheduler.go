package infer

import (
	"context"
	"sync"
)

// A scheduler hands the micro-batches of all requests to workers, one of each
// request in turn, so that a small request does not wait for a large one.
type scheduler struct {
	// chunk returns how many of the left images of r a worker takes at once.
	chunk func(r *request, left int) int

	mu     sync.Mutex
	wake   sync.Cond
	ring   []*request // requests with images left, the next to serve first
	closed bool
}

func (s *scheduler) init(chunk func(r *request, left int) int) {
	s.wake.L, s.chunk = &s.mu, chunk
}

// run has r done by the workers of s and waits for the end. If ctx ends first,
// it waits for the micro-batches at work only.
func (s *scheduler) run(ctx context.Context, r *request) error {
	s.submit(r)
	select {
	case <-r.done:
	case <-ctx.Done():
		s.cancel(r, ctx.Err())
		<-r.done
	}
	return r.err
}

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
	first, n = r.next, s.chunk(r, r.g.batch-r.next)
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
