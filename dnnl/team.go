package dnnl

import (
	"sync"

	"github.com/octet-dnn/octet/cgo"
)

// A Team is an OS thread of its own on which chains run with several OpenMP
// threads. OpenMP keeps helpers for every OS thread that ever asked for some,
// and helpers of two threads slow each other down, even if only one works at a
// time; and goroutines come along on any OS thread. So a process wants one team
// for all its work on several threads. Chains of different streams take turns.
//
// The way to the team and back is short, some microseconds: it goes past Go's
// scheduler, by the kernel alone. The caller's OS thread sleeps meanwhile.
type Team struct {
	handleOf[cgo.Team]
	mu sync.Mutex // held while a chain runs
}

// NewTeam starts the thread.
func NewTeam() (*Team, error) {
	h, st := cgo.CreateTeam()
	if err := check("team.create", st, ""); err != nil {
		return nil, err
	}
	t := new(Team)
	hold(t, &t.handleOf, own(h, cgo.Team.Destroy))
	return t, nil
}

// NewStream makes a stream whose chains run on the team with so many threads.
// Their primitives should have been made for that many, see [SetNumThreads].
// Nothing but chains may be run on it.
func (t *Team) NewStream(e *Engine, threads int) (*Stream, error) {
	if threads < 1 {
		return nil, invalid(opStream, "%d threads", threads)
	}
	if t == nil || !t.own.acquire() {
		return nil, closed(opStream, "team")
	}
	s, err := newStream(e, t, threads)
	if err != nil {
		t.own.drop()
	}
	return s, err
}
