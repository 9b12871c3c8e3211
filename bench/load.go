package bench

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/octet-dnn/octet/internal/cpustat"
)

// A Load watches what other processes do to the machine while something is
// measured: the time that all CPUs were busy, less this process's own. In a
// container that includes what the kernel shows of the host.
type Load struct {
	start     time.Time
	busy, own time.Duration
	err       error
}

// StartLoad starts watching.
func StartLoad() *Load {
	l := &Load{start: time.Now()}
	l.busy, l.own, l.err = cpuTimes()
	return l
}

// Stop returns how many CPUs were busy with other processes since StartLoad,
// on average, or -1 if the system does not tell.
func (l *Load) Stop() float64 {
	wall := time.Since(l.start)
	busy, own, err := cpuTimes()
	if l.err != nil || err != nil || wall <= 0 {
		return -1
	}
	return max(0, float64((busy-l.busy)-(own-l.own))/float64(wall))
}

// cpuTimes returns the CPU time spent by everything, and by this process with
// the children it waited for.
func cpuTimes() (busy, own time.Duration, err error) {
	all, err := cpustat.Read(func(int) bool { return true })
	if err != nil {
		return 0, 0, err
	}
	for _, who := range []int{unix.RUSAGE_SELF, unix.RUSAGE_CHILDREN} {
		var u unix.Rusage
		if err := unix.Getrusage(who, &u); err != nil {
			return 0, 0, err
		}
		own += time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	return all.Busy, own, nil
}
