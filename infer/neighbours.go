package infer

import (
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/octet-dnn/octet/internal/cpustat"
)

// neighbours watch how much of the CPUs other processes leave to this one. What
// this one does besides running networks counts as room: where that starves a
// team, pace bounds how often one is tried.
type neighbours struct {
	threads int // of a team
	cpus    unix.CPUSet

	mu   sync.Mutex
	full bool      // there is no room for a team
	slow time.Time // when one was too slow, last
	from roomMark  // since when room is measured
}

const (
	// lookAgain is twenty ticks of the clock that counts idle time.
	lookAgain = 200 * time.Millisecond
	// forget is when a slow team is no longer news, where room is unknown.
	forget = time.Second
	// slack is how much of a CPU may be missing for a team to be worth trying:
	// what a machine does without being busy.
	slack = 0.25
)

// init says how many threads a team has, and on which CPUs if not on all.
func (n *neighbours) init(threads int, pin []int) {
	n.threads = threads
	if len(pin) > 0 {
		for _, cpu := range pin {
			n.cpus.Set(cpu)
		}
		return
	}
	// Without a mask no CPU is counted, and room is unknown.
	_ = unix.SchedGetaffinity(0, &n.cpus)
}

// found records that a team was too slow.
func (n *neighbours) found(now time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.full, n.slow, n.from = true, now, n.mark(now)
}

// crowded reports whether there was no room for a team lately. It looks every
// fifth of a second.
func (n *neighbours) crowded(now time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if now.Sub(n.from.at) < lookAgain {
		return n.full
	}
	to := n.mark(now)
	if n.from.known && to.known {
		room := float64(to.free-n.from.free) / float64(now.Sub(n.from.at))
		n.full = room < float64(n.threads)-slack
	} else {
		n.full = now.Sub(n.slow) < forget
	}
	n.from = to
	return n.full
}

// A roomMark is a moment from which room is measured.
type roomMark struct {
	at    time.Time
	free  time.Duration // that CPUs were free or worked for this process so far
	known bool          // the system tells
}

func (n *neighbours) mark(now time.Time) roomMark {
	t, err := cpustat.Read(n.cpus.IsSet)
	if err != nil {
		return roomMark{at: now}
	}
	free := t.Idle + t.Nice // processes of lowered priority give way
	var own unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &own); err != nil {
		return roomMark{at: now}
	}
	return roomMark{now, free + time.Duration(own.Nano()), true}
}
