package dataset

import (
	"context"
	"fmt"
	"sync"
)

// A pass is one iteration: a dispatcher gives pictures to workers, which
// write into the slots of buffers; the consumer collects them in order.
//
// Memory is bounded by tokens: the dispatcher takes one for every buffer it
// starts and gets it back when that is handed over (or emptied, see collector).
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
	buf   *buffer
	slot  int
	last  bool // of its buffer
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
	var b *buffer
	n := p.l.Len()
	for i := range n {
		slot := i % p.l.opt.Batch
		if slot == 0 {
			select {
			case p.tokens <- struct{}{}:
			case <-p.ctx.Done():
				return
			}
			b = p.l.free.Get().(*buffer)
			b.reset()
		}
		j := &job{index: i, buf: b, slot: slot, last: slot == p.l.opt.Batch-1 || i == n-1, done: make(chan struct{})}
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
				jobErr = pre.Pixels(j.buf.bytes[at:at+elems], file)
			} else {
				jobErr = pre.Float32(j.buf.floats[at:at+elems], file)
			}
		}
		if jobErr != nil {
			s := l.list.Samples[j.index]
			j.err = &ImageError{Path: s.Path, List: l.list.Name, Line: s.Line, Err: jobErr}
		}
		close(j.done)
	}
}

// A collector hands full batches to yield. Pictures normally stand where they
// belong; after a skipped one the following move up, into the buffer being
// filled, so that all batches but the last are full. A buffer that lost all its
// pictures this way goes back to the pool.
type collector struct {
	p         *pass
	yield     func(*Batch, error) bool
	cur       *buffer // being filled; nil after it was handed over
	delivered bool
}

// collect runs until all pictures were seen, the consumer has enough (which is
// no error) or something fails.
func (p *pass) collect(yield func(*Batch, error) bool) error {
	c := collector{p: p, yield: yield}
	for j := range p.order {
		select {
		case <-j.done:
		case <-p.ctx.Done():
			return p.ctx.Err()
		}
		if more, err := c.take(j); !more || err != nil {
			return err
		}
	}
	if err := p.ctx.Err(); err != nil {
		return err
	}
	if c.cur != nil {
		_, err := c.flush()
		return err
	}
	if !c.delivered {
		n, first := p.l.Skipped()
		return fmt.Errorf("%w: all %d pictures were skipped, the first because: %w", ErrBadImage, n, first[0])
	}
	return nil
}

// take adds the picture of a finished job. more is false once the consumer wants no more.
func (c *collector) take(j *job) (more bool, err error) {
	l := c.p.l
	handed := false // whether j's own buffer went to the consumer
	switch {
	case j.err != nil && l.opt.BadImages == FailOnBad:
		return false, j.err
	case j.err != nil:
		l.skip(j.err)
	default:
		if c.cur == nil {
			c.cur = j.buf
		}
		c.cur.move(len(c.cur.paths), j.buf, j.slot, l.preset.Elems())
		s := l.list.Samples[j.index]
		c.cur.paths = append(c.cur.paths, s.Path)
		if s.Label != NoLabel {
			c.cur.labels = append(c.cur.labels, int64(s.Label))
		}
		if len(c.cur.paths) == l.opt.Batch {
			handed = c.cur == j.buf
			if more, err := c.flush(); !more || err != nil {
				return false, err
			}
		}
	}
	if j.last && !handed && c.cur != j.buf {
		<-c.p.tokens
		l.free.Put(j.buf)
	}
	return true, nil
}

// flush hands over the current buffer.
func (c *collector) flush() (more bool, err error) {
	b, err := c.p.l.deliver(c.cur)
	if err != nil {
		return false, err
	}
	<-c.p.tokens
	c.cur, c.delivered = nil, true
	return c.yield(b, nil), nil
}
