package bench

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
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
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, 0, err
	}
	if busy, err = parseStat(string(text)); err != nil {
		return 0, 0, err
	}
	for _, who := range []int{unix.RUSAGE_SELF, unix.RUSAGE_CHILDREN} {
		var u unix.Rusage
		if err := unix.Getrusage(who, &u); err != nil {
			return 0, 0, err
		}
		own += time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	return busy, own, nil
}

// tick is the unit of /proc/stat: 1/100 s on every Linux that Go runs on
// (USER_HZ, see proc(5)).
const tick = 10 * time.Millisecond

var errStat = errors.New("/proc/stat has no line of CPU times")

// parseStat adds up the first line of /proc/stat: user, nice, system, idle,
// iowait, irq, softirq, steal; what follows is part of user and nice.
func parseStat(text string) (time.Duration, error) {
	line, _, _ := strings.Cut(text, "\n")
	f := strings.Fields(line)
	if len(f) < 9 || f[0] != "cpu" {
		return 0, errStat
	}
	var ticks int64
	for i, s := range f[1:9] {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%w: %w", errStat, err)
		}
		if idle := i == 3 || i == 4; !idle {
			ticks += n
		}
	}
	return time.Duration(ticks) * tick, nil
}
