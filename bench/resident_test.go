package bench

import (
	"os"
	"testing"
)

// TestResidentBytes touches memory and sees it counted.
func TestResidentBytes(t *testing.T) {
	if _, err := os.Stat("/proc/self/statm"); err != nil {
		t.Skipf("SKIP-HARDWARE: no /proc: %v", err)
	}
	const more = 64 << 20
	before := residentBytes()
	b := make([]byte, more)
	for i := 0; i < more; i += 4096 {
		b[i] = 1
	}
	// What the collector gives back meanwhile may be a good part of it.
	if after := residentBytes(); before <= 0 || after-before < more/2 {
		t.Errorf("%d bytes, and %d after touching %d more", before, after, more)
	}
	_ = b[more-1]
}
