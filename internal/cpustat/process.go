package cpustat

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"
)

// OfProcess returns the CPU time that a process has had, without its children.
func OfProcess(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	return parseProcess(text)
}

// parseProcess adds user and system time, fields 14 and 15 of proc(5). The
// second field is the name in parentheses, which may hold anything.
func parseProcess(text []byte) (sum time.Duration, err error) {
	const user, system = 14 - 3, 15 - 3 // counted from the first field after the name
	f := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	if len(f) <= system {
		return 0, fmt.Errorf("%w: process %q", ErrFormat, text)
	}
	for _, s := range f[user : system+1] {
		n, err := strconv.ParseInt(string(s), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%w: %w", ErrFormat, err)
		}
		sum += time.Duration(n) * tick
	}
	return sum, nil
}
