package bench

import (
	"fmt"
	"os"
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
