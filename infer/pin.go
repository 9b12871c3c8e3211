package infer

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// ErrPin is the reason of errors about Options.Pin.
var ErrPin = errors.New("CPUs to pin to")

// checkPin compares o.Pin with the CPUs that this process may use, and with what
// the options ask for that is to run there.
func (o Options) checkPin() error {
	if len(o.Pin) == 0 {
		return nil
	}
	refuse := func(format string, args ...any) error {
		return fmt.Errorf("infer: option Pin is %v: %w: %s", o.Pin, ErrPin, fmt.Sprintf(format, args...))
	}
	var allowed unix.CPUSet
	if err := unix.SchedGetaffinity(0, &allowed); err != nil {
		return refuse("the system does not tell which there are: %v", err)
	}
	for i, cpu := range o.Pin {
		switch {
		case cpu < 0 || !allowed.IsSet(cpu):
			return refuse("CPU %d is none of those that this process may use: want some of %s", cpu, cpuList(&allowed))
		case slices.Contains(o.Pin[:i], cpu):
			return refuse("CPU %d stands there twice", cpu)
		}
	}
	for _, f := range []struct {
		name  string
		value int
	}{{"Streams", o.Streams}, {"Threads", o.Threads}} {
		if f.value > len(o.Pin) {
			return refuse("%d for option %s, which is %d: want one for each", len(o.Pin), f.name, f.value)
		}
	}
	return nil
}

// cpuList writes a set as the system does: "0-3,8".
func cpuList(set *unix.CPUSet) string {
	var parts []string
	for cpu, left := 0, set.Count(); left > 0; cpu++ {
		first := cpu
		for set.IsSet(cpu) {
			cpu, left = cpu+1, left-1
		}
		switch last := cpu - 1; {
		case last == first:
			parts = append(parts, fmt.Sprint(first))
		case last > first:
			parts = append(parts, fmt.Sprintf("%d-%d", first, last))
		}
	}
	return strings.Join(parts, ",")
}

// pinOf returns the CPU of stream i, none without pinning.
func (o *Options) pinOf(i int) []int {
	if len(o.Pin) == 0 {
		return nil
	}
	return o.Pin[i : i+1]
}

// pinOfTeam returns the CPUs of the threads of a team, none without pinning.
func (o *Options) pinOfTeam() []int { return o.Pin[:min(o.Threads, len(o.Pin))] }
