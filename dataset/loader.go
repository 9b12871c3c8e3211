package dataset

import (
	"context"
	"fmt"
	"iter"
	"runtime"
	"sync"
)

// A BadImagePolicy says what a Loader does about a picture that cannot be read.
type BadImagePolicy int

// The policies.
const (
	// FailOnBad ends the iteration with an *ImageError.
	FailOnBad BadImagePolicy = iota
	// SkipBad leaves the picture out and counts it.
	SkipBad
)

// ParseBadImagePolicy reads the policy's name, "fail" or "skip".
func ParseBadImagePolicy(s string) (BadImagePolicy, error) {
	switch s {
	case "fail":
		return FailOnBad, nil
	case "skip":
		return SkipBad, nil
	}
	return 0, fmt.Errorf("bad-image policy is %q, want fail or skip", s)
}

// An ImageError is a picture that could not be read or decoded.
type ImageError struct {
	Path string // as in the list
	List string
	Line int32 // 0 for image folders
	Err  error // wraps ErrBadImage or comes from the file system
}

// Error names the picture, where it is listed, and the reason.
func (e *ImageError) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("picture %s in %s: %v", e.Path, e.List, e.Err)
	}
	return fmt.Sprintf("picture %s (%s:%d): %v", e.Path, e.List, e.Line, e.Err)
}

// Unwrap returns the reason.
func (e *ImageError) Unwrap() error { return e.Err }

// LoaderOptions configure a Loader. The zero value is usable.
type LoaderOptions struct {
	// Batch is the number of pictures in a batch, default 1. The last may be shorter.
	Batch int
	// Workers is the number of decoding goroutines, default GOMAXPROCS.
	Workers int
	// Prefetch is the number of batches decoded ahead of the one in use (one
	// more may have been begun), default 2, or as many as keep all workers
	// busy if batches are smaller than Workers.
	Prefetch int
	// Raw gives Images as UInt8 [n,Crop,Crop,3] instead of FP32.
	Raw bool
	// BadImages is what to do about pictures that cannot be read.
	BadImages BadImagePolicy
	// Limits bound single pictures.
	Limits Limits
}

// maxBatchBytes bounds one batch's images.
const maxBatchBytes = 8 << 30

func (o LoaderOptions) withDefaults() LoaderOptions {
	if o.Batch == 0 {
		o.Batch = 1
	}
	if o.Workers == 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Prefetch == 0 {
		o.Prefetch = max(2, (2*o.Workers+o.Batch-1)/max(1, o.Batch))
	}
	return o
}

// A Loader decodes the pictures of a list in batches, ahead of their use and in
// order. It may be used for several passes, also at the same time.
type Loader struct {
	list   *List
	preset Preset
	opt    LoaderOptions
	free   sync.Pool // of *buffer

	mu      sync.Mutex
	skipped int
	first   []*ImageError
}

// NewLoader checks the preset and options; nothing is read yet.
func NewLoader(list *List, preset Preset, opt LoaderOptions) (*Loader, error) {
	if err := preset.Validate(); err != nil {
		return nil, err
	}
	opt = opt.withDefaults()
	if opt.Batch < 0 || opt.Workers < 0 || opt.Prefetch < 0 {
		return nil, fmt.Errorf("loader: batch %d, workers %d, prefetch %d: want positive numbers", opt.Batch, opt.Workers, opt.Prefetch)
	}
	// Batch may be any int, so it is compared before it is multiplied.
	if opt.Batch > maxBatchBytes/(4*preset.Elems()) {
		return nil, fmt.Errorf("loader: a batch of %d pictures of %d values is more than %d bytes", opt.Batch, preset.Elems(), int64(maxBatchBytes))
	}
	if list.Len() == 0 {
		return nil, fmt.Errorf("loader: %w: %s names no pictures", ErrList, list.Name)
	}
	opt.Batch = min(opt.Batch, list.Len())
	opt.Workers = min(opt.Workers, list.Len())
	l := &Loader{list: list, preset: preset, opt: opt}
	l.free.New = func() any { return l.newBuffer() }
	return l, nil
}

// Len returns the number of pictures in the list.
func (l *Loader) Len() int { return l.list.Len() }

// Skipped returns how many pictures SkipBad left out, in all passes, and the
// errors of the first ten.
func (l *Loader) Skipped() (int, []*ImageError) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.skipped, append([]*ImageError(nil), l.first...)
}

func (l *Loader) skip(err *ImageError) {
	const kept = 10
	l.mu.Lock()
	defer l.mu.Unlock()
	l.skipped++
	if len(l.first) < kept {
		l.first = append(l.first, err)
	}
}

// Batches iterates once over the list. The iteration ends with the first error:
// an *ImageError (FailOnBad; batches before the bad one were delivered), ctx's
// error, or an ErrBadImage if SkipBad left nothing over. Breaking out of the
// loop is allowed at any time; no goroutine is left behind when it is over.
func (l *Loader) Batches(ctx context.Context) iter.Seq2[*Batch, error] {
	return func(yield func(*Batch, error) bool) {
		p := l.start(ctx)
		defer p.stop()
		if err := p.collect(yield); err != nil {
			yield(nil, err)
		}
	}
}
