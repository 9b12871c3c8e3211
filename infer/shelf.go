package infer

import (
	"sync"
	"sync/atomic"
)

// shelfDefault is what Options.ShapeBytes is by default: some thirty plans of a
// network like ResNet-50.
const shelfDefault = 256 << 20

// A shelf holds what a predictor has made for the shapes it has met, plans and
// geometries, up to so many bytes: what was used longest ago goes first. Its
// methods may be called from many goroutines.
type shelf struct {
	most  int
	clock atomic.Int64

	mu    sync.Mutex
	books map[*book]bool
	bytes int
}

// A book is one thing on a shelf.
type book struct {
	used  atomic.Int64 // when it was, last, by the shelf's clock
	bytes int
	// drop has the owner forget it. What is using it may go on doing so.
	drop func()
}

func (s *shelf) init(most int) { s.most, s.books = most, map[*book]bool{} }

// touch says that b is being used.
func (s *shelf) touch(b *book) { b.used.Store(s.clock.Add(1)) }

// add puts b on the shelf. b itself stays, however large it is. No lock may be
// held that a drop takes.
func (s *shelf) add(b *book, bytes int) {
	s.touch(b)
	s.mu.Lock()
	s.books[b] = true
	s.grown(b, bytes)
}

// grow says that b has become larger; it does nothing once b is gone.
func (s *shelf) grow(b *book, bytes int) {
	s.mu.Lock()
	if !s.books[b] {
		s.mu.Unlock()
		return
	}
	s.grown(b, bytes)
}

// grown counts bytes of b and makes room for them. It unlocks s.mu.
func (s *shelf) grown(b *book, bytes int) {
	b.bytes += bytes
	s.bytes += bytes
	var gone []*book
	for s.bytes > s.most && len(s.books) > 1 {
		old := s.oldest(b)
		s.remove(old)
		gone = append(gone, old)
	}
	s.mu.Unlock()
	for _, g := range gone {
		g.drop()
	}
}

// oldest returns the book used longest ago but for one.
func (s *shelf) oldest(but *book) (old *book) {
	for b := range s.books {
		if b != but && (old == nil || b.used.Load() < old.used.Load()) {
			old = b
		}
	}
	return old
}

func (s *shelf) remove(b *book) {
	delete(s.books, b)
	s.bytes -= b.bytes
}

// size returns the bytes on the shelf.
func (s *shelf) size() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bytes
}

// clear takes everything off the shelf, without a word to the owners.
func (s *shelf) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.books)
	s.bytes = 0
}
