package infer

import (
	"context"
	"runtime"
	"sync"

	"github.com/octet-dnn/octet/dnnl"
)

// teamThread is the one OS thread of the process that runs many-thread plans:
// a second OpenMP team would slow both down. It is started by the first use and
// stays. Requests of all predictors take turns on it.
var teamThread struct {
	once  sync.Once
	sched scheduler
}

// computing keeps teams and streams apart, in the whole process: a team whose
// threads share their CPUs with streams would wait for a scheduler's time slice
// at every layer. A stream holds the read side for a micro-batch, the team the
// write side.
var computing sync.RWMutex

// idle reports whether no stream and no team computes at the moment.
func idle() bool {
	if !computing.TryLock() {
		return false
	}
	computing.Unlock()
	return true
}

func serveTeam() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	s := &teamThread.sched
	for {
		r, first, n := s.take()
		threads := r.p.opts.Threads
		dnnl.SetNumThreads(threads)
		s.finish(r, r.p.team.w.run(r, first, n, threads))
	}
}

// A team is a predictor's share of the team thread.
type team struct {
	once sync.Once
	w    *worker
}

// suits reports whether a request is better served by all threads together: it
// is too small to give every stream the same number of images.
func (l *team) suits(p *Predictor, g *geometry) bool {
	if p.opts.Threads < 2 || len(p.opts.watch) > 0 {
		return false
	}
	if !p.body.separable {
		return true
	}
	return g.batch < 2*p.opts.Streams && g.batch%p.opts.Streams != 0
}

func (l *team) run(ctx context.Context, r *request) error {
	teamThread.once.Do(func() {
		teamThread.sched.init(teamChunk)
		go serveTeam()
	})
	l.once.Do(func() { l.w = newWorker(r.p, &computing) })
	return teamThread.sched.run(ctx, r)
}

// teamChunk returns how many of left images a team computes at once: as many
// as the streams together would.
func teamChunk(r *request, left int) int {
	if !r.p.body.separable {
		return 1
	}
	return min(left, r.p.opts.Threads*r.p.opts.MicroBatch)
}

// close frees the team's memory. No request may be under way.
func (l *team) close() {
	if l.w != nil {
		l.w.close()
	}
}
