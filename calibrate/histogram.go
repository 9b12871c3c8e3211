package calibrate

import (
	"encoding/binary"
	"fmt"
	"math"
	"sync"
)

// Bins is the number of bins of a Histogram. At least half of them are used, so
// that a u8 level at full range covers 16 bins or more.
const Bins = 8192

// minExp is the exponent of the narrowest bins. A tensor whose values are all
// below 2^-107 ends up in bin 0.
const minExp = -120

// A Histogram counts absolute values in Bins bins of width 2^Exp, the first one
// starting at 0. Exp is the smallest exponent with which the largest value
// seen fits. When a larger one comes, pairs of bins are joined, which is exact:
// floor(floor(v/2^e)/2) = floor(v/2^(e+1)). So the state depends on the values
// alone and not on their order. Zeros are counted apart, as quantisation keeps
// them exactly whatever the threshold.
//
// Use NewHistogram. A Histogram takes 64 KiB.
type Histogram struct {
	exp    int
	max    uint32 // bits
	total  uint64
	zeros  uint64
	counts [Bins]uint64 // without the zeros
}

// NewHistogram returns an empty Histogram.
func NewHistogram() *Histogram { return &Histogram{exp: minExp} }

// Add implements Observer.
func (h *Histogram) Add(x []float32) error {
	_, _, err := h.add(x, unshared{})
	return err
}

// add also returns the range of x as signedRange does. Others may add at the same time
// with the same lock, which is held for a small part of the time; h must not be read
// meanwhile. An error leaves h as it was.
func (h *Histogram) add(x []float32, lock sync.Locker) (low, high uint32, err error) {
	if len(x) > maxTally {
		return h.addInParts(x, lock)
	}
	t := tallies.Get().(*tally)
	defer tallies.Put(t)
	lock.Lock()
	exp := h.exp
	lock.Unlock()
	if err := t.fill(x, exp); err != nil {
		return 0, 0, err
	}
	lock.Lock()
	defer lock.Unlock()
	h.take(t, len(x))
	return t.low, t.high, nil
}

// addInParts is add for more elements than a tally can count.
func (h *Histogram) addInParts(x []float32, lock sync.Locker) (low, high uint32, err error) {
	low, high = signedRange(x)
	if max(low&absMask, high) >= infBits {
		return 0, 0, firstNotFinite(x)
	}
	for ; len(x) > 0; x = x[min(len(x), maxTally):] {
		if _, _, err := h.add(x[:min(len(x), maxTally)], lock); err != nil {
			return 0, 0, err
		}
	}
	return low, high, nil
}

// take empties a tally of n elements into h.
func (h *Histogram) take(t *tally, n int) {
	h.cover(t.top())
	t.drain(&h.counts, min(h.exp-t.exp, bitsOfBins)) // not negative: see tally.fill
	h.total += uint64(n)
	h.zeros += uint64(n - t.filled)
}

// unshared is the lock of what nobody else uses.
type unshared struct{}

func (unshared) Lock()   {}
func (unshared) Unlock() {}

// bitsOfBins is the binary logarithm of Bins.
const bitsOfBins = 13

// cover widens the bins until the value with these bits has one.
func (h *Histogram) cover(bits uint32) {
	h.max = max(h.max, bits)
	exp := expOf(h.max)
	if exp <= h.exp {
		return
	}
	shift := min(exp-h.exp, bitsOfBins)
	h.exp = exp
	for i, n := range h.counts {
		h.counts[i] = 0
		h.counts[i>>shift] += n
	}
}

// expOf returns the least exponent with which the value with these bits has a bin,
// hugely negative for 0.
func expOf(bits uint32) int {
	return math.Ilogb(float64(math.Float32frombits(bits))) - bitsOfBins + 1
}

// Merge implements Observer.
func (h *Histogram) Merge(o Observer) error {
	b, ok := o.(*Histogram)
	if !ok {
		return fmt.Errorf("merge %T into %T: %w", o, h, ErrMismatch)
	}
	h.cover(b.max)
	shift := min(h.exp-b.exp, bitsOfBins) // not negative: h.max >= b.max now
	for i, n := range b.counts {
		h.counts[i>>shift] += n
	}
	h.total += b.total
	h.zeros += b.zeros
	return nil
}

// Reset implements Observer.
func (h *Histogram) Reset() { *h = Histogram{exp: minExp} }

// Max returns the largest absolute value seen, 0 before any.
func (h *Histogram) Max() float32 { return math.Float32frombits(h.max) }

// Width returns the width of a bin.
func (h *Histogram) Width() float64 { return math.Ldexp(1, h.exp) }

// Zeros returns how many elements were exactly zero.
func (h *Histogram) Zeros() uint64 { return h.zeros }

// Total returns how many elements were seen, zeros included.
func (h *Histogram) Total() uint64 { return h.total }

// Counts returns the bins up to the last that is not empty; bin i holds the
// elements other than zero with i·Width ≤ |x| < (i+1)·Width. The slice aliases
// the Histogram.
func (h *Histogram) Counts() []uint64 {
	n := Bins
	for n > 0 && h.counts[n-1] == 0 {
		n--
	}
	return h.counts[:n:n]
}

// AppendState implements Observer: exponent, largest value, zeros, elements,
// number of bins, and the bins, all but the first two as varints.
func (h *Histogram) AppendState(b []byte) []byte {
	b = binary.LittleEndian.AppendUint16(b, uint16(int16(h.exp)))
	b = binary.LittleEndian.AppendUint32(b, h.max)
	b = binary.AppendUvarint(b, h.zeros)
	b = binary.AppendUvarint(b, h.total)
	counts := h.Counts()
	b = binary.AppendUvarint(b, uint64(len(counts)))
	for _, n := range counts {
		b = binary.AppendUvarint(b, n)
	}
	return b
}
