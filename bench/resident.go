package bench

import (
	"fmt"
	"os"
	"strings"
)

// residentBytes returns the resident memory of this process, 0 if the system
// does not tell: the second field of /proc/self/statm, see proc(5).
func residentBytes() int64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	var size, resident int64
	if _, err := fmt.Sscan(string(text), &size, &resident); err != nil {
		return 0
	}
	return resident * int64(os.Getpagesize())
}

// Resident reads the resident memory of this process and its peak so far, in
// bytes.
func Resident() (now, peak int64, err error) {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(text)) {
		for key, to := range map[string]*int64{"VmRSS:": &now, "VmHWM:": &peak} {
			if rest, ok := strings.CutPrefix(line, key); ok {
				if _, err := fmt.Sscanf(rest, "%d kB", to); err != nil {
					return 0, 0, fmt.Errorf("/proc/self/status: %q: %w", line, err)
				}
				*to <<= 10
			}
		}
	}
	if now == 0 || peak == 0 {
		return 0, 0, fmt.Errorf("/proc/self/status names no VmRSS or VmHWM")
	}
	return now, peak, nil
}
