// Package parallel spreads loops over the CPUs that Go may use.
package parallel

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// Grain is the least number of elements worth a goroutine of its own.
const Grain = 1 << 16

// Ranges calls f for consecutive ranges that cover [0, n), at the same time
// where n is large, and waits for all.
func Ranges(n int, f func(from, to int)) {
	workers := min(runtime.GOMAXPROCS(0), (n+Grain-1)/Grain)
	if workers <= 1 {
		f(0, n)
		return
	}
	var wg sync.WaitGroup
	for i := range workers {
		wg.Go(func() { f(n*i/workers, n*(i+1)/workers) })
	}
	wg.Wait()
}

// Each calls f for 0 … n-1, several at the same time, and waits for all.
func Each(n int, f func(i int)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), n) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				f(i)
			}
		})
	}
	wg.Wait()
}
