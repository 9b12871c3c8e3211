package infer

import (
	"testing"
	"time"
)

// TestPace plays a machine whose team runs become slow and recover.
func TestPace(t *testing.T) {
	var p pace
	took := [2]time.Duration{byTeam: 10 * time.Millisecond, byStreams: 19 * time.Millisecond}
	play := func(n int) (team int) {
		for range n {
			w := p.choose()
			p.record(w, took[w])
			if w == byTeam {
				team++
			}
		}
		return team
	}
	if n := play(1000); n < 980 {
		t.Errorf("quiet machine: %d of 1000 runs by the team, want nearly all", n)
	}
	took[byTeam] = 400 * time.Millisecond
	if n := play(1000); n > 20 {
		t.Errorf("shared machine: %d of 1000 runs by the team, want few", n)
	}
	took[byTeam] = 10 * time.Millisecond
	play(40 * paceWaitMax)
	if n := play(1000); n < 980 {
		t.Errorf("quiet again: %d of 1000 runs by the team, want nearly all", n)
	}
}
