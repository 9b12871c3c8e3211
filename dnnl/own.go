package dnnl

import (
	"runtime"
	"sync/atomic"
)

// live counts the objects of oneDNN, and the buffers, that are not freed yet.
var live atomic.Int64

// Live returns how many oneDNN objects and buffers are alive, of all kinds. A
// test that closes everything it made sees the same number at its end as at
// its start.
func Live() int64 { return live.Load() }

// resource is something that is kept by counting its users.
type resource interface {
	acquire() bool
	drop()
}

// owned is the inner half of every object: it owns the C handle and never
// points back at the outer half, which the program holds. The handle is freed
// when the last user lets go of it; the outer half is one user until it is
// closed or collected, a call in flight is another, and so is every object
// that needs this one, as a chain needs its primitives. That is why Close may
// run at any time, and why no call can see a freed handle.
type owned[H any] struct {
	handle H
	free   func(H)
	needs  []resource // acquired by whoever made this; dropped after free
	users  atomic.Int64
	closed atomic.Bool
}

// own takes over a handle and the resources it needs, already acquired.
func own[H any](handle H, free func(H), needs ...resource) *owned[H] {
	o := &owned[H]{handle: handle, free: free, needs: needs}
	o.users.Store(1)
	live.Add(1)
	return o
}

// acquire adds a user. It fails once the object is closed, and on the zero
// object, which never was open.
func (o *owned[H]) acquire() bool {
	if o == nil || o.closed.Load() {
		return false
	}
	for {
		n := o.users.Load()
		if n == 0 {
			return false
		}
		if o.users.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// drop takes a user away again and frees the handle after the last one.
func (o *owned[H]) drop() {
	if o.users.Add(-1) != 0 {
		return
	}
	o.free(o.handle)
	live.Add(-1)
	for _, r := range o.needs {
		r.drop()
	}
}

// close takes the outer half away as a user, once.
func (o *owned[H]) close() {
	if o.closed.CompareAndSwap(false, true) {
		o.drop()
	}
}

// handleOf is the outer half that every object embeds.
type handleOf[H any] struct {
	own     *owned[H]
	cleanup runtime.Cleanup
}

// hold makes the collector close the object if the program forgets to. outer
// is the object that embeds h.
func hold[H, T any](outer *T, h *handleOf[H], o *owned[H]) {
	h.own = o
	h.cleanup = runtime.AddCleanup(outer, (*owned[H]).close, o)
}

// Close frees the object, or leaves that to the last call or object that still
// uses it. It may be called many times, at any time, from any goroutine; what
// is called on the object afterwards fails with [ErrClosed].
func (h *handleOf[H]) Close() error {
	if h == nil || h.own == nil {
		return nil
	}
	h.cleanup.Stop()
	h.own.close()
	return nil
}

// borrowed collects acquired resources, to be dropped or handed over together.
type borrowed []resource

func (b *borrowed) add(r resource) bool {
	if !r.acquire() {
		return false
	}
	*b = append(*b, r)
	return true
}

func (b *borrowed) drop() {
	for _, r := range *b {
		r.drop()
	}
	*b = nil
}
