package infer

import (
	"context"
	"slices"
	"sync"
)

// A scheduler has the images of all requests computed by the workers, which
// are the one-thread streams. A worker has no goroutine of its own. The caller
// of a request that finds one free works with it, at once and on the OS thread
// that it is on; helpers work with those that no caller does: where a request is
// enough for several, or others wait when a caller has its answer. All of them
// take the next micro-batch of whatever waits.
type scheduler struct {
	// chunk returns how many of the images that wait make a micro-batch, where
	// those of a request of batch images come first.
	chunk func(waiting, batch int) int

	mu     sync.Mutex
	wake   sync.Cond  // helpers wait for work and a worker
	ring   []*request // requests with images left, the next to serve first
	free   []*worker  // the last used last: its caches are warm
	closed bool
}

func (s *scheduler) init(chunk func(waiting, batch int) int, workers []*worker) {
	s.wake.L, s.chunk, s.free = &s.mu, chunk, workers
}

// run has r done and waits for the end. If ctx ends first, it waits for the
// micro-batches at work only.
func (s *scheduler) run(ctx context.Context, r *request) error {
	if w := s.submit(r); w != nil {
		s.work(ctx, w, r)
	}
	select {
	case <-r.done:
	case <-ctx.Done():
		s.cancel(r, ctx.Err())
		<-r.done
	}
	return r.err
}

// submit queues r, whose done is signalled when it has finished, and returns a
// worker for the caller if there is one free.
func (s *scheduler) submit(r *request) *worker {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.next, r.running, r.err = 0, 0, nil
	s.ring = append(s.ring, r)
	return s.hire()
}

// help works until s is closed. There must be a helper for each worker.
func (s *scheduler) help() {
	for w := s.await(); w != nil; w = s.await() {
		s.work(context.Background(), w, nil)
	}
}

// await waits until there is work and a worker free. Nil means that s is closed.
func (s *scheduler) await() *worker {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.closed {
		if len(s.ring) > 0 && len(s.free) > 0 {
			return s.hire()
		}
		s.wake.Wait()
	}
	return nil
}

// hire takes a free worker, or nil.
func (s *scheduler) hire() (w *worker) {
	if n := len(s.free); n > 0 {
		w, s.free = s.free[n-1], s.free[:n-1]
	}
	return w
}

// work has w compute as long as there is something to take, and frees it. A
// caller leaves as soon as nothing of its own request, mine, is left to take.
func (s *scheduler) work(ctx context.Context, w *worker, mine *request) {
	for s.take(w, mine) {
		s.finish(w, w.run())
		if mine != nil && ctx.Err() != nil {
			s.cancel(mine, ctx.Err())
		}
	}
}

// take gives w a micro-batch, or frees it, and calls a helper where there is
// more to do.
func (s *scheduler) take(w *worker, mine *request) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	more := len(s.ring) > 0 && (mine == nil || mine.left() > 0)
	if more {
		s.gather(w)
	} else {
		s.free = append(s.free, w)
	}
	if len(s.ring) > 0 && len(s.free) > 0 {
		s.wake.Signal()
	}
	return more
}

// gather fills a micro-batch of w: with images of the first request, and, as
// far as there is room, of those behind it that the same plan can compute. One
// that is not served whole goes to the end, so that a small request never waits
// for a large one.
func (s *scheduler) gather(w *worker) {
	first, waiting := s.ring[0], 0
	for _, r := range s.ring {
		if first.joins(r) {
			waiting += r.left()
		}
	}
	room := s.chunk(waiting, first.g.batch)
	var partly *request
	ring := s.ring[:0]
	for _, r := range s.ring {
		if room == 0 || !first.joins(r) {
			ring = append(ring, r)
			continue
		}
		n := min(room, r.left())
		w.pieces = append(w.pieces, piece{r, r.next, n})
		r.next += n
		r.running++
		room -= n
		if r.left() > 0 {
			partly = r
		}
	}
	if partly != nil {
		ring = append(ring, partly)
	}
	clear(s.ring[len(ring):])
	s.ring = ring
}

// finish ends the micro-batch of w. An error is one of the plan, and all who
// took part get it.
func (s *scheduler) finish(w *worker, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range w.pieces {
		p.r.running--
		if err != nil {
			s.drop(p.r, err)
		}
		if p.r.finished() {
			p.r.done <- struct{}{}
		}
	}
	w.forget()
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
	if i := slices.Index(s.ring, r); i >= 0 {
		s.ring = slices.Delete(s.ring, i, i+1)
	}
}

// close ends the helpers. No request may be under way.
func (s *scheduler) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.wake.Broadcast()
}
