package calibrate

import (
	"encoding/binary"
	"fmt"
	"slices"
	"sync"

	"github.com/octet-dnn/octet/internal/parallel"
)

// paddleBins is the number of bins of Paddle 1.3's calibrator.
const paddleBins = 2048

// A paddleHistogram counts |x| in 2048 equal bins on [lo, hi] as numpy.histogram
// does for float32 data: bins are half open, the last one closed, the edges
// rounded to float32. It is the second pass of Paddle13's KL, with lo and hi
// from the first.
type paddleHistogram struct {
	lo, hi uint32 // bits of the range that was asked for
	first  float32
	span   float32
	edges  [paddleBins + 1]float32
	counts [paddleBins]uint64
}

func newPaddleHistogram(lo, hi float32, loBits, hiBits uint32) *paddleHistogram {
	h := &paddleHistogram{lo: loBits, hi: hiBits}
	first, last := float64(lo), float64(hi)
	h.first, h.span = lo, hi-lo // in float32
	if lo == hi {
		first, last = first-0.5, last+0.5
		h.first, h.span = float32(first), float32(last-first)
	}
	// numpy.linspace: i·step+start in float64, the end given exactly, then cast.
	step := (last - first) / paddleBins
	for i := range h.edges {
		h.edges[i] = float32(float64(float64(i)*step) + first)
	}
	h.edges[paddleBins] = float32(last)
	return h
}

// width returns what Paddle takes for the width of all bins.
func (h *paddleHistogram) width() float64 { return float64(h.edges[1] - h.edges[0]) }

// bin returns the bin of a value within the range: numpy's scaling in float32,
// then its correction against the edges.
func (h *paddleHistogram) bin(v float32) int {
	i := int((v - h.first) / h.span * paddleBins)
	if i == paddleBins {
		i--
	}
	if v < h.edges[i] {
		i--
	}
	if v >= h.edges[i+1] && i != paddleBins-1 {
		i++
	}
	return i
}

// Add implements Observer. It fails on values that the first pass did not see,
// which means that the Runner is not deterministic.
func (h *paddleHistogram) Add(x []float32) error {
	if len(x) == 0 {
		return nil
	}
	if lo, hi := absRange(x); lo < h.lo || hi > h.hi {
		return fmt.Errorf("the second run of the samples leaves the range of the first: %w", ErrRunner)
	}
	var mu sync.Mutex
	parallel.Ranges(len(x), func(from, to int) {
		var counts [paddleBins]uint64
		for _, v := range x[from:to] {
			counts[h.bin(max(v, -v))]++
		}
		mu.Lock()
		defer mu.Unlock()
		h.add(&counts)
	})
	return nil
}

func (h *paddleHistogram) add(counts *[paddleBins]uint64) {
	for i, n := range counts {
		h.counts[i] += n
	}
}

// Merge implements Observer.
func (h *paddleHistogram) Merge(o Observer) error {
	b, ok := o.(*paddleHistogram)
	if !ok || b.lo != h.lo || b.hi != h.hi {
		return fmt.Errorf("merge a %T into one of another range: %w", o, ErrMismatch)
	}
	h.add(&b.counts)
	return nil
}

// Reset implements Observer. The range stays.
func (h *paddleHistogram) Reset() { clear(h.counts[:]) }

// AppendState implements Observer: the bits of the range, then the counts as varints.
func (h *paddleHistogram) AppendState(b []byte) []byte {
	b = slices.Grow(b, 8+paddleBins)
	b = binary.LittleEndian.AppendUint32(b, h.lo)
	b = binary.LittleEndian.AppendUint32(b, h.hi)
	for _, n := range h.counts {
		b = binary.AppendUvarint(b, n)
	}
	return b
}
