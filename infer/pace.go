package infer

import (
	"sync"
	"time"
)

// A way is how a small request is run.
type way int

const (
	byTeam    way = iota // all threads together on one plan
	byStreams            // one-thread streams
)

// A pace chooses the faster way for one geometry, by what runs took lately. On
// a quiet machine threads together are nearly as many times faster; but they
// wait for each other at every layer, so that a busy neighbour on one CPU can
// make them 30 to 100 times slower, and then one thread is faster.
type pace struct {
	mu    sync.Mutex
	runs  [2]int
	took  [2]time.Duration // smoothed
	count int              // runs since the slower way was last tried
	wait  int              // runs before it is tried again
}

const (
	paceWait    = 256  // runs between trials of the slower way
	paceWaitMax = 8192 // the same, after trials that did not pay
)

// choose returns the way of the next run.
func (p *pace) choose() way {
	p.mu.Lock()
	defer p.mu.Unlock()
	for w, n := range p.runs {
		if n < 2 { // the first run of each compiles or warms up and does not count
			return way(w)
		}
	}
	fast, slow := byTeam, byStreams
	if p.took[slow] < p.took[fast] {
		fast, slow = slow, fast
	}
	p.wait = max(p.wait, paceWait)
	if p.count++; p.count >= p.wait {
		p.count, p.wait = 0, min(2*p.wait, paceWaitMax)
		return slow
	}
	return fast
}

// record notes what a run took.
func (p *pace) record(w way, d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.runs[w]++
	if p.runs[w] <= 2 {
		p.took[w] = d
		return
	}
	faster := p.took[w] > p.took[1-w]
	p.took[w] += (d - p.took[w]) / 4
	if now := p.took[w] > p.took[1-w]; now != faster {
		p.wait = paceWait // the machine has changed: look again soon
	}
}
