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

// A pace chooses the faster way for one geometry, by what runs took lately.
//
// Threads together are nearly as many times faster where each has a core of its own.
// Where a virtual machine's CPUs are threads of one core for a while, or one of them
// has to share its core with another machine, one thread may be faster than both
// together. That changes every few seconds, so the way that is not used is tried
// now and then, more rarely the longer it has been the slower one.
//
// And threads together wait for each other at every layer, so that a busy neighbour on
// one CPU can make them 30 to 100 times slower. So the team is let be while the CPUs
// have no room for it, and one run as slow as that is enough to leave it in any
// case. It is tried again when the CPUs have had room for it, and rarely when they
// seem to have none.
type pace struct {
	mu   sync.Mutex
	runs [2]int
	took [2]time.Duration // smoothed
	used way              // the faster one

	tried    time.Time // when the other way was, last
	since    int       // runs since then
	patience int       // it is tried again after intervalMin << patience of them
	trying   bool      // it is being tried

	apart bool          // the team was starved
	left  time.Time     // when it was, last
	wait  time.Duration // before it is tried again
	blind bool          // it is being tried without room
	back  time.Time     // when it was last good again
}

const (
	// The other way is tried once in so many runs, doubled each time up to
	// patienceMax that it has stayed the slower one, and not more often than lookAgain
	// says: where that takes the 99th percentile of latencies to the slower way, the
	// two have just changed places.
	intervalMin = 32
	patienceMax = 2
	// A team is starved when it is so many times slower than a stream.
	starvedFactor = 2
	waitMin       = 100 * time.Millisecond
	waitMax       = 10 * time.Second
	// A team that holds out for this many waits is not in trouble again, but anew.
	heldOut = 10
	// waitBlind bounds the harm of a system that wrongly tells of no room. One
	// slow run in so long a time does not show in the 99th percentile.
	waitBlind = 30 * time.Second
)

// A market knows of the room on the machine, see neighbours.
type market interface {
	crowded(now time.Time) bool
	found(now time.Time) // a team was starved
}

// choose returns the way of the next run.
func (p *pace) choose(now time.Time, m market) way {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.apart:
		return p.again(now, m)
	case m.crowded(now):
		return byStreams
	// The first run of each compiles or warms up and does not count. The plan of a
	// stream comes first: it has fewer primitives, and it does not matter to it
	// who else is on the machine when a program starts.
	case p.runs[byStreams] < 2:
		return byStreams
	case p.runs[byTeam] < 2:
		return byTeam
	case p.since >= intervalMin<<p.patience && now.Sub(p.tried) >= lookAgain:
		p.trying = true
		return p.used.other()
	}
	return p.used
}

func (w way) other() way { return byTeam + byStreams - w }

// again decides about trying a team again that was starved.
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
	trying := p.trying
	p.trying = false
	if p.runs[w]++; p.runs[w] <= 2 || w != p.used || p.apart && w == byTeam {
		p.took[w] = d // what it took before is long ago
	} else {
		p.took[w] += (d - p.took[w]) / 4
	}
	if min(p.runs[byTeam], p.runs[byStreams]) < 2 || p.apart && w == byStreams {
		return
	}
	switch starved := w == byTeam && d > starvedFactor*p.took[byStreams]; {
	case starved:
		p.leave(now, m)
	case p.apart:
		p.apart, p.back = false, now
		p.use(p.faster(), now)
	default:
		p.compare(trying, now)
	}
}

func (p *pace) faster() way {
	if p.took[byTeam] < p.took[byStreams] {
		return byTeam
	}
	return byStreams
}

// use goes over to a way that is faster now.
func (p *pace) use(w way, now time.Time) {
	p.used, p.tried, p.since, p.patience = w, now, 0, 0
}

// compare decides, after a run, which way to use, or when to try the other one,
// which that run may have done.
func (p *pace) compare(trying bool, now time.Time) {
	w := p.faster()
	switch {
	case trying && w == p.used:
		p.tried, p.since, p.patience = now, 0, min(p.patience+1, patienceMax)
	case trying:
		p.use(w, now)
	case w != p.used: // unless that has become slower too
		p.since, p.patience = intervalMin, 0
	default:
		p.since++
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
