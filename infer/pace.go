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
// make them 30 to 100 times slower, and then one thread is faster. So the team
// is let be while the CPUs have no room for it, and one slow run is enough to
// leave it in any case. It is tried again when the CPUs have had room for it,
// and rarely when they seem to have none.
type pace struct {
	mu   sync.Mutex
	runs [2]int
	took [2]time.Duration // smoothed

	apart bool          // the team was too slow
	left  time.Time     // when it was, last
	wait  time.Duration // before it is tried again
	blind bool          // it is being tried without room
	back  time.Time     // when it was last good again
}

const (
	waitMin = 100 * time.Millisecond
	waitMax = 10 * time.Second
	// A team that holds out for this many waits is not in trouble again, but anew.
	heldOut = 10
	// waitBlind bounds the harm of a system that wrongly tells of no room. One
	// slow run in so long a time does not show in the 99th percentile.
	waitBlind = 30 * time.Second
)

// A market knows of the room on the machine, see neighbours.
type market interface {
	crowded(now time.Time) bool
	found(now time.Time) // a team was too slow
}

// choose returns the way of the next run.
func (p *pace) choose(now time.Time, m market) way {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.apart {
		return p.again(now, m)
	}
	if m.crowded(now) {
		return byStreams
	}
	// The first run of each compiles or warms up and does not count. The plan of a
	// stream comes first: it has fewer primitives, and it does not matter to it
	// who else is on the machine when a program starts.
	if p.runs[byStreams] < 2 {
		return byStreams
	}
	return byTeam
}

// again decides about trying the team again.
func (p *pace) again(now time.Time, m market) way {
	since := now.Sub(p.left)
	if since < p.wait {
		return byStreams
	}
	p.blind = m.crowded(now)
	if p.blind && since < waitBlind {
		return byStreams
	}
	return byTeam
}

// record notes what a run took that ended now.
func (p *pace) record(w way, d time.Duration, now time.Time, m market) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.runs[w]++; p.runs[w] <= 2 || p.apart && w == byTeam {
		p.took[w] = d
	} else {
		p.took[w] += (d - p.took[w]) / 4
	}
	if min(p.runs[byTeam], p.runs[byStreams]) < 2 || p.apart && w == byStreams {
		return
	}
	switch slow := p.took[byTeam] > p.took[byStreams]; {
	case slow:
		p.leave(now, m)
	case p.apart:
		p.apart, p.back = false, now
	}
}

// leave goes over to the streams, for longer where the team has failed lately.
func (p *pace) leave(now time.Time, m market) {
	switch {
	case p.apart && p.blind: // as was to be expected
	case p.apart || now.Sub(p.back) < heldOut*p.wait:
		p.wait = min(2*p.wait, waitMax)
	default:
		p.wait = waitMin
	}
	p.apart, p.left = true, now
	m.found(now)
}
