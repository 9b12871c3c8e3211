package dataset

import (
	"context"
	"fmt"
	"sync"
)

// A pass is one iteration: a dispatcher gives pictures to workers, which
// write into the slots of batches; the consumer collects them in order.
//
// Memory is bounded by tokens: the dispatcher takes one for every batch it starts,
// and gets it back when that batch is handed over (or emptied, see collect).
type pass struct {
	l      *Loader
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup
	jobs   chan *job // to the workers
	order  chan *job // the same jobs, to the consumer
	tokens chan struct{}
}

// A job is one picture. Its result may be read once done is closed.
type job struct {
	index int // in the list
	batch *Batch
	slot  int
	last  bool // of its batch
	done  chan struct{}
	err   *ImageError
}

func (l *Loader) start(ctx context.Context) *pass {
	ctx, cancel := context.WithCancel(ctx)
	slots := (l.opt.Prefetch + 1) * l.opt.Batch
	p := &pass{
		l: l, ctx: ctx, cancel: cancel,
		jobs: make(chan *job), order: make(chan *job, min(slots, l.Len())),
		tokens: make(chan struct{}, l.opt.Prefetch+1),
	}
	p.wg.Go(p.dispatch)
	for range l.opt.Workers {
		p.wg.Go(p.work)
	}
	return p
}

// stop ends all goroutines of the pass and waits for them.
func (p *pass) stop() {
	p.cancel()
	p.wg.Wait()
}

func (p *pass) dispatch() {
	defer close(p.jobs)
	defer close(p.order)
	var b *Batch
	n := p.l.Len()
	for i := range n {
		slot := i % p.l.opt.Batch
		if slot == 0 {
			select {
			case p.tokens <- struct{}{}:
			case <-p.ctx.Done():
				return
			}
			b = p.l.free.Get().(*Batch)
			b.reset()
		}
		j := &job{index: i, batch: b, slot: slot, last: slot == p.l.opt.Batch-1 || i == n-1, done: make(chan struct{})}
		// order first: a job that a worker took must reach the consumer.
		for _, to := range []chan *job{p.order, p.jobs} {
			select {
			case to <- j:
			case <-p.ctx.Done():
				return
			}
		}
	}
}

func (p *pass) work() {
	l := p.l
	pre, err := NewPreprocessor(l.preset, l.opt.Limits)
	var file []byte
	elems := l.preset.Elems()
	for j := range p.jobs {
		if p.ctx.Err() != nil {
			return
		}
		jobErr := err
		if jobErr == nil {
			file, jobErr = readInto(file, l.list.File(j.index), pre.limits.MaxFileBytes)
		}
		if jobErr == nil {
			at := j.slot * elems
			if l.opt.Raw {
				jobErr = pre.Pixels(j.batch.bytes[at:at+elems], file)
			} else {
				jobErr = pre.Float32(j.batch.floats[at:at+elems], file)
			}
		}
		if jobErr != nil {
			s := l.list.Samples[j.index]
			j.err = &ImageError{Path: s.Path, List: l.list.Name, Line: s.Line, Err: jobErr}
		}
		close(j.done)
	}
}

// collect hands full batches to yield. Pictures normally stand where they
// belong; after a skipped one the following move up, into the batch being
// filled, so that all batches but the last are full. A batch that lost all its
// pictures this way goes back to the pool.
func (p *pass) collect(yield func(*Batch, error) bool) error {
	l := p.l
	var cur *Batch
	delivered := false
	flush := func() (bool, error) {
		b := cur
		cur = nil
		if err := l.deliver(b); err != nil {
			return false, err
		}
		<-p.tokens
		delivered = true
		return yield(b, nil), nil
	}
	for j := range p.order {
		select {
		case <-j.done:
		case <-p.ctx.Done():
			return p.ctx.Err()
		}
		if j.err != nil && l.opt.BadImages == FailOnBad {
			return j.err
		}
		if j.err != nil {
			l.skip(j.err)
		} else {
			if cur == nil {
				cur = j.batch
			}
			cur.move(len(cur.Paths), j.batch, j.slot, l.preset.Elems())
			s := l.list.Samples[j.index]
			cur.Paths = append(cur.Paths, s.Path)
			if s.Label != NoLabel {
				cur.labels = append(cur.labels, int64(s.Label))
			}
		}
		full := cur != nil && len(cur.Paths) == l.opt.Batch
		if full {
			if more, err := flush(); !more || err != nil {
				return err
			}
		}
		if j.last && j.batch != cur && !full {
			<-p.tokens
			l.free.Put(j.batch)
		}
	}
	if err := p.ctx.Err(); err != nil {
		return err
	}
	if cur != nil {
		_, err := flush()
		return err
	}
	if !delivered {
		n, first := l.Skipped()
		return fmt.Errorf("%w: all %d pictures were skipped, the first because: %w", ErrBadImage, n, first[0])
	}
	return nil
}
