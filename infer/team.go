package infer

import (
	"context"
	"runtime"
	"sync"

	"github.com/octet-dnn/octet/dnnl"
)

// teamThread is the one OS thread of the process that runs many-thread plans:
// a second OpenMP team would slow both down. It is started by the first use and
// stays.
var teamThread struct {
	once sync.Once
	jobs chan teamJob
}

type teamJob struct {
	r     *request
	w     *worker
	close chan struct{} // free w's instances and close this instead
}

func startTeam() {
	teamThread.jobs = make(chan teamJob)
	go func() {
		runtime.LockOSThread()
		for j := range teamThread.jobs {
			if j.close != nil {
				j.w.close()
				close(j.close)
				continue
			}
			threads := j.r.p.opts.Threads
			dnnl.SetNumThreads(threads)
			j.r.err = j.w.run(j.r, 0, j.r.g.batch, threads)
			j.r.done <- struct{}{}
		}
	}()
}

// A team is a predictor's share of the team thread.
type team struct {
	mu sync.Mutex
	w  *worker
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
	teamThread.once.Do(startTeam)
	l.mu.Lock()
	if l.w == nil {
		l.w = &worker{instances: map[planKey]*instance{}}
	}
	l.mu.Unlock()
	select {
	case teamThread.jobs <- teamJob{r: r, w: l.w}:
	case <-ctx.Done():
		return ctx.Err()
	}
	<-r.done
	return r.err
}

func (l *team) close() {
	if l.w == nil {
		return
	}
	done := make(chan struct{})
	teamThread.jobs <- teamJob{w: l.w, close: done}
	<-done
}
