package model

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
)

// fetchBytes is the least data that is worth handing to another goroutine.
const fetchBytes = 64 << 10

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
	jobs chan fetch
	work sync.WaitGroup
	mu   sync.Mutex
	err  error
}

// A fetch is data that lies at an offset of a file.
type fetch struct {
	file  io.ReaderAt
	at    int64
	to    []byte
	name  func(error) error // names parameter and file in an error
	after func()            // called at the end; may be nil
}

func newFetcher() *fetcher {
	f := &fetcher{jobs: make(chan fetch)}
	for range min(runtime.GOMAXPROCS(0), fetchers) {
		f.work.Go(func() {
			for j := range f.jobs {
				f.keep(j.run())
			}
		})
	}
	return f
}

// wait returns when all is read, with the first error. No jobs may come
// afterwards.
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

func (j fetch) run() error {
	if j.after != nil {
		defer j.after()
	}
	n, err := j.file.ReadAt(j.to, j.at)
	if n == len(j.to) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = shrank("tensor data", len(j.to), n, j.at)
	}
	return j.name(err)
}

// shrank says that a file ended earlier than its size had promised.
func shrank(what string, want, got int, at int64) *FormatError {
	e := malformed(what, fmt.Sprintf("%d bytes", want), fmt.Sprintf("the end of the file after %d: it shrank while it was read", got))
	e.Offset, e.Err = at, io.ErrUnexpectedEOF
	return e
}
