package bench

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/octet-dnn/octet/internal/cpustat"
)

// A Load watches what other processes do to the machine while something is
// measured: the time that all CPUs were busy, less that of this process and of
// chosen others. In a container that includes what the kernel shows of the
// host.
type Load struct {
	pids   []int
	start  time.Time
	before cpustat.Times
	own    time.Duration
	err    error
	stolen float64
}

// StartLoad starts watching. This process, the children it has waited for and
// the processes with the given ids are not others.
func StartLoad(pids ...int) *Load {
	l := &Load{pids: pids, start: time.Now()}
	l.before, l.own, l.err = cpuTimes(pids)
	return l
}

// Stop returns how many CPUs were busy with other processes since StartLoad,
// on average, or -1 if the system does not tell. What a hypervisor took counts
// as busy.
func (l *Load) Stop() float64 {
	wall := time.Since(l.start)
	now, own, err := cpuTimes(l.pids)
	if l.err != nil || err != nil || wall <= 0 {
		return -1
	}
	l.stolen = float64(now.Stolen-l.before.Stolen) / float64(wall)
	return max(0, float64((now.Busy-l.before.Busy)-(own-l.own))/float64(wall))
}

// Stolen returns how many CPUs a hypervisor took from StartLoad to Stop, on
// average.
func (l *Load) Stolen() float64 { return l.stolen }

// cpuTimes returns the CPU time spent by everything, and by this process, the
// children it waited for and the processes with these ids.
func cpuTimes(pids []int) (all cpustat.Times, own time.Duration, err error) {
	if all, err = cpustat.Read(func(int) bool { return true }); err != nil {
		return all, 0, err
	}
	for _, who := range []int{unix.RUSAGE_SELF, unix.RUSAGE_CHILDREN} {
		var u unix.Rusage
		if err := unix.Getrusage(who, &u); err != nil {
			return all, 0, err
		}
		own += time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	for _, pid := range pids {
		d, err := cpustat.OfProcess(pid)
		if err != nil {
			return all, 0, err
		}
		own += d
	}
	return all, own, nil
}
