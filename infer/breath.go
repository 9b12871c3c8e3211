package infer

import (
	"runtime"
	"sync/atomic"
	"time"
)

// A breather has callers of the team let Go's scheduler have a look now and
// then. A goroutine that runs a network in a loop never does of its own accord, it only
// goes into C and comes back. After 10 ms the runtime takes that for a loop
// that should not go on, and takes its processor away while it is in C; as often as it comes back, the
// runtime's monitor thread then looks every 20 µs again what it is doing: 2000
// times a second in all, each time on a CPU that the team needs (sysmon and
// retake in Go's runtime/proc.go). Runs that take longer than the 10 ms still meet it.
type breather struct {
	last atomic.Int64 // nanoseconds after epoch
}

// breath is how long callers may go on: runs that take as long themselves
// are still done within the 10 ms.
const breath = 5 * time.Millisecond

var epoch = time.Now()

// breathe lets the scheduler have a look if it has had none for some time.
func (b *breather) breathe() {
	if b.due(time.Since(epoch)) {
		runtime.Gosched()
	}
}

// due reports whether it is time again, now after epoch, to one caller.
func (b *breather) due(now time.Duration) bool {
	last := b.last.Load()
	return now-time.Duration(last) >= breath && b.last.CompareAndSwap(last, int64(now))
}
