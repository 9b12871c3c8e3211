package infer

import (
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/octet-dnn/octet/internal/cpustat"
)

// neighbours watch how much of the CPUs everything else leaves to a predictor:
// other processes, and what this one does besides.
type neighbours struct {
	threads int // of a team
	cpus    unix.CPUSet

	mu      sync.Mutex
	streams []int32 // the OS threads of the streams
	full    bool    // a team was too slow, and there has been no room since
	slow    time.Time
	from    roomMark // since when room is measured
}

const (
	// lookAgain is ten ticks of the clock that counts idle time.
	lookAgain = 100 * time.Millisecond
	// forget is when a slow team is no longer news, where room is unknown.
	forget = time.Second
	// slack is how much of a CPU may be missing for a team to be worth trying:
	// what a machine does without being busy.
	slack = 0.25
)

func (n *neighbours) init(threads int) {
	n.threads = threads
	// Without a mask no CPU is counted, and room is unknown.
	_ = unix.SchedGetaffinity(0, &n.cpus)
}

// join adds the calling OS thread, one of a stream.
func (n *neighbours) join() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.streams = append(n.streams, int32(unix.Gettid()))
}

// found records that a team was too slow.
func (n *neighbours) found(now time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.full, n.slow, n.from = true, now, n.mark(now)
}

// crowded reports whether a team was too slow and there has been no room for
// one since. It looks every tenth of a second.
func (n *neighbours) crowded(now time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.full || now.Sub(n.from.at) < lookAgain {
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
	free  time.Duration // that CPUs were free or worked for the streams so far
	known bool          // the system tells
}

func (n *neighbours) mark(now time.Time) roomMark {
	t, err := cpustat.Read(n.cpus.IsSet)
	if err != nil {
		return roomMark{at: now}
	}
	free := t.Idle + t.Nice // processes of lowered priority give way
	for _, id := range n.streams {
		d, err := threadTime(id)
		if err != nil {
			return roomMark{at: now}
		}
		free += d
	}
	return roomMark{now, free, true}
}

// threadTime returns the CPU time that a thread of this process has used.
func threadTime(id int32) (time.Duration, error) {
	// The clock of a thread: CPUCLOCK_PERTHREAD | CPUCLOCK_SCHED of the kernel's
	// include/linux/posix-timers_types.h, as pthread_getcpuclockid makes it.
	const perThread, sched = 4, 2
	var t unix.Timespec
	err := unix.ClockGettime(^id<<3|perThread|sched, &t)
	return time.Duration(t.Nano()), err
}
