package dataset

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// settled waits until no more goroutines run than before; those of a pass
// have ended when the loop is over, but the runtime may count them a little longer.
func settled(t *testing.T, before int) {
	t.Helper()
	for range 100 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	stacks := make([]byte, 1<<16)
	t.Errorf("%d goroutines, %d before\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
}

func TestLoaderBreak(t *testing.T) {
	l := newLoader(t, numbered(t, 40, nil), LoaderOptions{Batch: 4, Workers: 3})
	before := runtime.NumGoroutine()
	for stop := range 10 {
		n := 0
		for b, err := range l.Batches(context.Background()) {
			if err != nil {
				t.Fatal(err)
			}
			checkPicture(t, b, 0, 4*n)
			if n++; n > stop {
				break
			}
		}
	}
	settled(t, before)
}

// TestStopWaits has a slow goroutine in the pass: stop must not return before it ended.
func TestStopWaits(t *testing.T) {
	p := newLoader(t, numbered(t, 4, nil), LoaderOptions{}).start(context.Background())
	var ended atomic.Bool
	p.wg.Go(func() {
		<-p.ctx.Done()
		time.Sleep(50 * time.Millisecond)
		ended.Store(true)
	})
	if p.stop(); !ended.Load() {
		t.Error("stop returned while a goroutine of the pass was running")
	}
}

func TestLoaderCancel(t *testing.T) {
	l := newLoader(t, numbered(t, 40, nil), LoaderOptions{Batch: 4, Workers: 3})
	before := runtime.NumGoroutine()
	for stop := range 5 {
		ctx, cancel := context.WithCancelCause(context.Background())
		n := 0
		var last error
		if stop == 0 {
			cancel(nil)
		}
		for b, err := range l.Batches(ctx) {
			if last = err; err != nil {
				continue
			}
			b.Release()
			if n++; n == stop {
				cancel(nil)
			}
		}
		if !errors.Is(last, context.Canceled) {
			t.Errorf("cancelled after %d batches: error %v", stop, last)
		}
		// What was ready when the context ended may still come, never all of it.
		if n > stop+3 {
			t.Errorf("cancelled after %d batches, %d came", stop, n)
		}
		cancel(nil)
	}
	settled(t, before)
}

func TestLoaderLeavesNothingAfterErrors(t *testing.T) {
	before := runtime.NumGoroutine()
	l := newLoader(t, numbered(t, 40, func(i int) bool { return i == 5 }), LoaderOptions{Batch: 4, Workers: 3})
	for range 5 {
		if _, err := drain(t, l); err == nil {
			t.Fatal("no error")
		}
	}
	settled(t, before)
}

// TestLoaderPanicInLoop: the consumer's panic must not leave goroutines behind.
func TestLoaderPanicInLoop(t *testing.T) {
	l := newLoader(t, numbered(t, 40, nil), LoaderOptions{Batch: 4, Workers: 3})
	before := runtime.NumGoroutine()
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		for range l.Batches(context.Background()) {
			panic("consumer")
		}
	}()
	settled(t, before)
}

func TestLoaderPassesAtOnce(t *testing.T) {
	l := newLoader(t, numbered(t, 40, nil), LoaderOptions{Batch: 3})
	errs := make(chan error)
	for range 4 {
		go func() {
			got, err := drain(t, l)
			if err == nil && !cmp.Equal(got, chunks(40, 3, nil)) {
				err = fmt.Errorf("batches %v", got)
			}
			errs <- err
		}()
	}
	for range 4 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

// TestBatchOwnership: a batch that is kept stays as it is, and one released
// twice does not hand the memory of a later batch away.
func TestBatchOwnership(t *testing.T) {
	l := newLoader(t, numbered(t, 60, nil), LoaderOptions{Batch: 2, Prefetch: 1})
	var kept []*Batch
	var stale *Batch
	n := 0
	for b, err := range l.Batches(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		if stale != nil {
			stale.Release()
		}
		if n%3 == 0 {
			kept = append(kept, b)
		} else {
			stale = b
			b.Release()
			b.Release()
			if b.Images != nil || b.Labels != nil || b.Len() != 0 {
				t.Error("a released batch can still be used")
			}
		}
		n++
	}
	for i, b := range kept {
		checkPicture(t, b, 0, 6*i)
		checkPicture(t, b, 1, 6*i+1)
	}
}

// TestLoaderRecycles: with Release, a long pass costs no more image memory
// than the batches under way.
func TestLoaderRecycles(t *testing.T) {
	preset := tiny().Size(400, 400)
	l, err := NewLoader(numbered(t, 60, nil), preset, LoaderOptions{Batch: 2, Prefetch: 2, Raw: true, Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[*byte]bool{}
	batches := 0
	for b, err := range l.Batches(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		seen[&b.Images.Data[0]] = true
		batches++
		b.Release()
	}
	// The pool may drop a buffer at a garbage collection (and does so at
	// random under the race detector), so this asks for some reuse only.
	if len(seen) == batches {
		t.Errorf("%d batches, each in memory of its own", batches)
	}
}
