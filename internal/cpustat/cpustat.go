// Package cpustat reads from /proc/stat how the CPUs of the machine spend
// their time. In a container that is what the kernel shows of the host.
package cpustat

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"
)

// Times are what CPUs have spent since the machine started.
type Times struct {
	// Busy is work of any kind, and time that a hypervisor took.
	Busy time.Duration
	// Nice is the part of Busy that processes of lowered priority had.
	Nice time.Duration
	// Stolen is the part of Busy that a hypervisor took.
	Stolen time.Duration
	// Idle includes waiting for disks.
	Idle time.Duration
}

// tick is the unit of /proc/stat: 1/100 s on every Linux that Go runs on
// (USER_HZ, see proc(5)).
const tick = 10 * time.Millisecond

// ErrFormat is returned where /proc/stat is not what proc(5) says.
var ErrFormat = errors.New("cpustat: /proc/stat has no times of a CPU")

// Read adds up the times of the CPUs that want accepts.
func Read(want func(cpu int) bool) (Times, error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return Times{}, err
	}
	return parse(text, want)
}

// parse reads lines such as "cpu3 10 20 30 40 50 60 70 80 0 0": user, nice,
// system, idle, iowait, irq, softirq, steal; what follows is part of user and
// nice. The line "cpu", the sum of all, is not needed.
func parse(text []byte, want func(cpu int) bool) (Times, error) {
	var sum Times
	found := false
	for line := range bytes.Lines(text) {
		rest, ok := bytes.CutPrefix(line, []byte("cpu"))
		if !ok {
			continue
		}
		name, rest, _ := bytes.Cut(rest, []byte(" "))
		cpu, err := strconv.Atoi(string(name))
		if err != nil || !want(cpu) {
			continue
		}
		if err := sum.add(rest); err != nil {
			return Times{}, err
		}
		found = true
	}
	if !found {
		return Times{}, ErrFormat
	}
	return sum, nil
}

func (t *Times) add(fields []byte) error {
	const nice, idle, iowait, steal, count = 1, 3, 4, 7, 8
	i := 0
	for f := range bytes.FieldsSeq(fields) {
		if i == count {
			break
		}
		n, err := strconv.ParseInt(string(f), 10, 64)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrFormat, err)
		}
		d := time.Duration(n) * tick
		switch i {
		case idle, iowait:
			t.Idle += d
		case nice:
			t.Nice += d
			t.Busy += d
		case steal:
			t.Stolen += d
			t.Busy += d
		default:
			t.Busy += d
		}
		i++
	}
	if i < count {
		return ErrFormat
	}
	return nil
}
