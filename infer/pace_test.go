package infer

import (
	"testing"
	"time"
)

// A town is a market played on a clock of its own: a hog takes one of two CPUs
// while busy says so. It is told after 200 ms, or never.
type town struct {
	start, now time.Time
	busy       func(since time.Duration) bool
	took       func(since time.Duration) [2]time.Duration // a run by each way, unless the hog is there
	untold     bool
	full       bool
	slow, seen time.Time // last slow team, last look
	hogs       int       // milliseconds since the last look with the hog
}

func newTown(busy func(time.Duration) bool) *town {
	start := time.Unix(1e9, 0)
	return &town{now: start, start: start, busy: busy, took: func(time.Duration) [2]time.Duration {
		return [2]time.Duration{byTeam: 10 * time.Millisecond, byStreams: 19 * time.Millisecond}
	}}
}

func (c *town) found(now time.Time) { c.full, c.slow, c.seen, c.hogs = true, now, now, 0 }

func (c *town) crowded(now time.Time) bool {
	switch d := now.Sub(c.seen); {
	case d < lookAgain:
	case c.untold:
		c.full = now.Sub(c.slow) < forget
	default:
		c.full = float64(c.hogs) > slack*float64(d.Milliseconds())
		c.seen, c.hogs = now, 0
	}
	return c.full
}

func (c *town) hogged() bool { return c.busy(c.now.Sub(c.start)) }

// run plays one run by p and returns its way and whether it was starved.
func (c *town) run(p *pace) (w way, starved bool) {
	w = p.choose(c.now, c)
	d := c.took(c.now.Sub(c.start))[w]
	if starved = w == byTeam && c.hogged(); starved {
		d = 300 * time.Millisecond
	}
	for end := c.now.Add(d); c.now.Before(end); c.now = c.now.Add(time.Millisecond) {
		if c.hogged() {
			c.hogs++
		}
	}
	p.record(w, d, c.now, c)
	return w, starved
}

// until plays runs up to a time and counts them.
func (c *town) until(p *pace, end time.Duration) (runs, team, starved int) {
	for c.now.Sub(c.start) < end {
		w, bad := c.run(p)
		runs++
		if w == byTeam {
			team++
		}
		if bad {
			starved++
		}
	}
	return
}

func TestPace(t *testing.T) {
	const minute = time.Minute
	for _, c := range []struct {
		name   string
		busy   func(time.Duration) bool
		untold bool
		// Bounds for minutes 2 … 10, in parts of the runs.
		teamLeast, starvedMost float64
	}{
		{name: "quiet", busy: func(time.Duration) bool { return false }, teamLeast: 0.99},
		{name: "quiet and untold", untold: true, busy: func(time.Duration) bool { return false }, teamLeast: 0.99},
		{name: "always a hog", busy: func(time.Duration) bool { return true }, starvedMost: 0.001},
		{name: "always a hog and untold", untold: true, busy: func(time.Duration) bool { return true }, starvedMost: 0.005},
		{name: "a hog from minute 2", busy: func(d time.Duration) bool { return d > 2*minute }, starvedMost: 0.001},
		{name: "a hog till minute 2", busy: func(d time.Duration) bool { return d < 2*minute }, teamLeast: 0.99},
		{name: "a hog till minute 2, untold", untold: true, busy: func(d time.Duration) bool { return d < 2*minute }, teamLeast: 0.5},
		{name: "a hog every other second", busy: func(d time.Duration) bool { return d/time.Second%2 == 1 }, starvedMost: 0.01},
		{name: "a hog every other 50 ms", busy: func(d time.Duration) bool { return d/(50*time.Millisecond)%2 == 1 }, starvedMost: 0.01},
	} {
		t.Run(c.name, func(t *testing.T) {
			town := newTown(c.busy)
			town.untold = c.untold
			var p pace
			town.until(&p, 2*minute)
			runs, team, starved := town.until(&p, 10*minute)
			if part := float64(team) / float64(runs); part < c.teamLeast {
				t.Errorf("%d of %d runs by the team, want %v of them", team, runs, c.teamLeast)
			}
			if part := float64(starved) / float64(runs); part > c.starvedMost {
				t.Errorf("%d of %d runs starved, want at most %v of them", starved, runs, c.starvedMost)
			}
		})
	}
}

// TestPaceBesideHog checks that one bad run is enough, that a geometry that
// is new learns from another's, and that the team is back soon after.
func TestPaceBesideHog(t *testing.T) {
	const from, to = 10 * time.Second, 20 * time.Second
	c := newTown(func(d time.Duration) bool { return d > from && d < to })
	var p, other pace
	c.until(&p, from)
	if _, _, starved := c.until(&p, to-time.Second); starved > 1 {
		t.Errorf("%d runs starved, want 1", starved)
	}
	if _, _, starved := c.until(&other, to); starved > 0 {
		t.Errorf("another geometry: %d runs starved, want none", starved)
	}
	c.until(&p, to+500*time.Millisecond)
	if runs, team, _ := c.until(&p, to+5*time.Second); team < runs-4 {
		t.Errorf("half a second after the hog: %d of %d runs by the team, want all but a few that look at the other way", team, runs)
	}
}

// TestPaceFollows has the ways change places every few seconds, as they do where
// CPUs have a core each and then share one: the faster one is found each time, and
// what is spent on the other is little.
func TestPaceFollows(t *testing.T) {
	const minutes = 5 * time.Minute
	for _, c := range []struct {
		name    string
		phase   time.Duration
		streams time.Duration // that a run by streams takes in every other phase, 19 ms in those between
		most    float64       // of the runs, by the slower way
	}{
		{"each second", time.Second, 7 * time.Millisecond, 0.4},
		{"every three seconds", 3 * time.Second, 7 * time.Millisecond, 0.2},
		{"every minute", time.Minute, 7 * time.Millisecond, 0.05},
		{"never", time.Hour, 7 * time.Millisecond, 0.01},
		{"never, by little", time.Hour, 9 * time.Millisecond, 0.01},
	} {
		t.Run(c.name, func(t *testing.T) {
			town := newTown(func(time.Duration) bool { return false })
			town.took = func(since time.Duration) [2]time.Duration {
				took := [2]time.Duration{byTeam: 10 * time.Millisecond, byStreams: 19 * time.Millisecond}
				if since/c.phase%2 == 0 {
					took[byStreams] = c.streams
				}
				return took
			}
			var p pace
			runs, slower := 0, 0
			for town.now.Sub(town.start) < minutes {
				took := town.took(town.now.Sub(town.start))
				w, _ := town.run(&p)
				runs++
				if took[w] > took[w.other()] {
					slower++
				}
			}
			if part := float64(slower) / float64(runs); part > c.most {
				t.Errorf("%d of %d runs by the slower way, want at most %v of them", slower, runs, c.most)
			} else {
				t.Logf("%.3f of the runs by the slower way", part)
			}
		})
	}
}

// TestPaceAtFirst checks that the first answers do not wait for the team's plan,
// and that it is not held against the team that its first run compiled it.
func TestPaceAtFirst(t *testing.T) {
	c := newTown(func(time.Duration) bool { return false })
	var p pace
	for i, want := range []way{byStreams, byStreams, byTeam, byTeam, byTeam} {
		got := p.choose(c.now, c)
		if got != want {
			t.Errorf("run %d: way %d, want %d", i, got, want)
		}
		d := 20 * time.Millisecond
		switch {
		case got == byTeam && p.runs[byTeam] == 0:
			d = 100 * time.Millisecond
		case got == byTeam:
			d = 10 * time.Millisecond
		}
		c.now = c.now.Add(d)
		p.record(got, d, c.now, c)
	}
}
