package infer

import (
	"context"
	"fmt"
	"sync"

	"github.com/octet-dnn/octet/dnnl"
)

// theTeam is the one thread of the process that runs many-thread plans: a second
// OpenMP team would slow both down. The first predictor that needs it starts it,
// the last one ends it. Requests of all predictors take turns on it.
var theTeam struct {
	mu   sync.Mutex
	team *dnnl.Team
	uses int // predictors
	breather
}

// teamTurn is full while a request computes on the team.
var teamTurn = make(chan struct{}, 1)

func joinTeam() (*dnnl.Team, error) {
	t := &theTeam
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.uses == 0 {
		var err error
		if t.team, err = dnnl.NewTeam(); err != nil {
			return nil, err
		}
	}
	t.uses++
	return t.team, nil
}

func leaveTeam() {
	t := &theTeam
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.uses--; t.uses == 0 {
		t.team.Close()
		t.team = nil
	}
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

// A team is a predictor's share of theTeam.
type team struct {
	mu sync.Mutex
	w  *worker // nil until it is needed
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

// run has r done by the team. If ctx ends first, it waits only for what is being
// computed.
func (l *team) run(ctx context.Context, r *request) error {
	w, err := l.worker(r.p)
	if err != nil {
		return err
	}
	for first := 0; first < r.g.batch; {
		theTeam.breathe()
		select {
		case teamTurn <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		n := teamChunk(r.p, r.g.batch-first)
		err := w.runPiece(r, first, n)
		<-teamTurn
		if err != nil {
			return err
		}
		first += n
	}
	return nil
}

func (l *team) worker(p *Predictor) (*worker, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.w == nil {
		t, err := joinTeam()
		if err != nil {
			return nil, fmt.Errorf("infer: %s: %w", p.graph.Name, err)
		}
		l.w = newMember(p, t)
	}
	return l.w, nil
}

// member returns the team's worker, nil where none has been needed.
func (l *team) member() *worker {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w
}

// teamChunk returns how many of left images a team computes at once: as many
// as the streams together would.
func teamChunk(p *Predictor, left int) int {
	if !p.body.separable {
		return 1
	}
	return min(left, p.opts.Threads*p.opts.MicroBatch)
}

// close frees the team's memory. No request may be under way.
func (l *team) close() {
	if l.w != nil {
		l.w.close()
		leaveTeam()
	}
}
