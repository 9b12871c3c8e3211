package infer

import (
	"context"
	"time"

	"github.com/octet-dnn/octet/calibrate"
)

// A request is the body of one run on its way through the streams. Its mutable
// part is guarded by the scheduler that holds it.
type request struct {
	p *Predictor
	g *geometry
	s *session
	extras

	next    int // first image not yet taken
	running int // micro-batches at work
	err     error
	done    chan struct{} // capacity 1: signalled when all is finished
}

// extras are what a run may be asked for besides its results.
type extras struct {
	observe func(calibrate.Activation) error // is shown the watched values
	times   []int64                          // see Bare
}

// finished reports whether no micro-batch is at work and none will be taken.
func (r *request) finished() bool {
	return r.running == 0 && (r.err != nil || r.next >= r.g.batch)
}

// left returns how many images are there to take.
func (r *request) left() int {
	if r.err != nil {
		return 0
	}
	return r.g.batch - r.next
}

// joins reports whether one micro-batch may hold images of r and of o.
func (r *request) joins(o *request) bool {
	return r == o || r.g.family == o.g.family && r.plain() && o.plain()
}

// plain reports whether nothing but the results is asked for.
func (x *extras) plain() bool { return x.observe == nil && x.times == nil }

// A piece is images first … first+n-1 of a request, in a micro-batch.
type piece struct {
	r        *request
	first, n int
}

// wholeShare is the share of a batch that is not worth cutting further at its
// end: a stream may wait for another that long. A plan more would cost more than
// that: memory for its primitives and for weights in other layouts.
const wholeShare = 64

// chunk returns the micro-batch that a stream makes of the images that wait, of
// a request of batch images and perhaps others: small enough to give every
// stream a share, but no smaller than is worth it.
func (p *Predictor) chunk(waiting, batch int) int {
	share := max((waiting+p.opts.Streams-1)/p.opts.Streams, batch/wholeShare)
	return p.micro(min(share, waiting))
}

// micro returns the largest micro-batch of at most n images: a power of two, so
// that few plans serve every batch, no larger than MicroBatch.
func (p *Predictor) micro(n int) int {
	if !p.body.separable {
		return 1
	}
	m := 1
	for 2*m <= p.opts.MicroBatch && 2*m <= n {
		m *= 2
	}
	return m
}

// execute runs the body.
func (p *Predictor) execute(ctx context.Context, r *request, alone bool) error {
	switch {
	case len(p.body.graph.Layers) == 0:
		return nil
	case p.opts.Mode == Latency:
		return p.team.run(ctx, r)
	case p.opts.Mode == Throughput || !alone || !p.team.suits(p, r.g) || !idle():
		return p.sched.run(ctx, r)
	}
	start := time.Now()
	w := r.g.pace.choose(start, &p.neighbours)
	var err error
	if w == byTeam {
		err = p.team.run(ctx, r)
	} else {
		err = p.sched.run(ctx, r)
	}
	if err == nil {
		end := time.Now()
		r.g.pace.record(w, end.Sub(start), end, &p.neighbours)
	}
	return err
}
