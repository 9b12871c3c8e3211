package model

import (
	"runtime"
	"sync"
)

// largeData is the least data that is worth handing to another goroutine, or
// leaving in its file.
const largeData = 64 << 10

// fetchers bounds the goroutines that read: more do not copy faster.
const fetchers = 4

// A fetcher reads the data of large tensors while the headers behind them are
// being read already. The files of a model mostly lie in the page cache, and
// then what takes the time is the kernel's clearing and filling of pages, which
// several CPUs do faster.
//
// The data is read once, to the place where it stays, and not mapped: streams
// are not aligned, so that most tensors could not be used where they lie in a
// file, and a mapped file that somebody truncates kills the process.
type fetcher struct {
	jobs chan func() error
	work sync.WaitGroup
	mu   sync.Mutex
	err  error
}

func newFetcher() *fetcher {
	f := &fetcher{jobs: make(chan func() error)}
	for range min(runtime.GOMAXPROCS(0), fetchers) {
		f.work.Go(func() {
			for j := range f.jobs {
				f.keep(j())
			}
		})
	}
	return f
}

// wait returns when all jobs are done, with the first error. No more jobs may
// come.
func (f *fetcher) wait() error {
	close(f.jobs)
	f.work.Wait()
	return f.err
}

func (f *fetcher) keep(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.err = err
	}
}
