package calibrate

import (
	"runtime"
	"sync/atomic"
)

// A tail tells when the first processor has nothing left to do in a batch: images are run side
// by side, and the last one or few leave the others idle. What else is to be done with
// a batch had better fill that gap. Done at the beginning it would only put the images
// out of step and the gap at the end would be wider.
type tail struct {
	begins chan struct{}  // is closed then
	images atomic.Int32   // until then
	values []atomic.Int32 // that an image has still to show
}

// newTail is for n images of so many watched values each.
func newTail(n, values int) *tail {
	t := &tail{begins: make(chan struct{}), values: make([]atomic.Int32, n)}
	for i := range t.values {
		t.values[i].Store(int32(values))
	}
	t.images.Store(int32(max(n-runtime.GOMAXPROCS(0)+1, 1)))
	return t
}

// shown counts a value of an image. Values of whole batches do not count: then the
// tail does not begin before the batch has been run.
func (t *tail) shown(image int) {
	if image != AllImages && t.values[image].Add(-1) == 0 && t.images.Add(-1) == 0 {
		close(t.begins)
	}
}
