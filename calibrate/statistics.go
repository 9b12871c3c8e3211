package calibrate

import (
	"encoding/binary"
	"fmt"
	"math"
	"sync"
)

// A Statistics is what calibration keeps of one tensor, and all that the
// algorithms choose thresholds from: a Histogram of the absolute values, the
// range of the signed ones, and the largest absolute value of some samples. The
// zero Statistics is not usable, see NewStatistics.
type Statistics struct {
	Histogram
	low, high uint32 // bits of Low and High
	// Tops holds the largest |x| of each sample of the sketch, in its order.
	// Add and Merge leave it alone.
	Tops []float32
}

// NewStatistics returns an empty Statistics.
func NewStatistics() *Statistics {
	return &Statistics{Histogram: Histogram{exp: minExp}, low: signBit}
}

// Add implements Observer.
func (s *Statistics) Add(x []float32) error {
	_, err := s.add(x, unshared{})
	return err
}

// add also returns the bits of the largest |x|. The lock is that of Histogram.add.
func (s *Statistics) add(x []float32, lock sync.Locker) (top uint32, err error) {
	low, high, err := s.Histogram.add(x, lock)
	if err != nil || len(x) == 0 {
		return 0, err
	}
	lock.Lock()
	defer lock.Unlock()
	s.low, s.high = max(s.low, low), max(s.high, high)
	return max(low&absMask, high), nil
}

// expect widens the bins to those of o, which it will be merged into: then it
// seldom has to widen them in the middle of its data.
func (s *Statistics) expect(o *Statistics) { s.exp = max(s.exp, o.exp) }

// Merge implements Observer.
func (s *Statistics) Merge(o Observer) error {
	b, ok := o.(*Statistics)
	if !ok {
		return fmt.Errorf("merge %T into %T: %w", o, s, ErrMismatch)
	}
	s.low, s.high = max(s.low, b.low), max(s.high, b.high)
	return s.Histogram.Merge(&b.Histogram)
}

// Reset implements Observer.
func (s *Statistics) Reset() {
	s.Histogram.Reset()
	s.low, s.high, s.Tops = signBit, 0, nil
}

// Low returns the smallest value seen, or 0 if none was negative.
func (s *Statistics) Low() float32 {
	return min(math.Float32frombits(s.low), 0) + 0 // 0 for −0
}

// High returns the largest value seen, or 0 if none was positive.
func (s *Statistics) High() float32 { return math.Float32frombits(s.high) }

// AppendState implements Observer: the bits of Low and High, and the Histogram's state.
func (s *Statistics) AppendState(b []byte) []byte {
	b = binary.LittleEndian.AppendUint32(b, s.low)
	b = binary.LittleEndian.AppendUint32(b, s.high)
	return s.Histogram.AppendState(b)
}
