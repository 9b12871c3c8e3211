package infer

import (
	"unsafe"

	"github.com/octet-dnn/octet/dnnl"
)

// slabPiece is what a slab takes from the system at once.
const slabPiece = 16 << 20

// A slab is memory that is given out in small parts and freed as a whole. It
// takes few large pieces, so that it can lie in huge pages.
type slab struct {
	pieces []*dnnl.Buffer
	left   int // of the last piece
	used   int
}

// alloc returns size zero bytes, aligned to a cache line.
func (s *slab) alloc(size int) (unsafe.Pointer, error) {
	size = alignUp(max(size, 1))
	if s.left < size {
		b, err := dnnl.NewBuffer(max(size, slabPiece))
		if err != nil {
			return nil, err
		}
		s.pieces, s.left = append(s.pieces, b), b.Size()
	}
	last := s.pieces[len(s.pieces)-1]
	at := last.At(last.Size() - s.left)
	s.left -= size
	s.used += size
	return at, nil
}

// Close frees the memory.
func (s *slab) Close() error {
	for _, b := range s.pieces {
		b.Close()
	}
	*s = slab{}
	return nil
}
