package calibrate

import (
	"encoding/binary"
	"fmt"
	"math"
)

// AbsMax observes the smallest and the largest absolute value: all that the
// first pass of Paddle 1.3's KL needs.
// The zero AbsMax has seen nothing.
type AbsMax struct {
	seen   bool
	lo, hi uint32 // bit patterns of |x|
}

// Add implements Observer.
func (a *AbsMax) Add(x []float32) error {
	if len(x) == 0 {
		return nil
	}
	lo, hi := absRange(x)
	if hi >= infBits {
		return firstNotFinite(x)
	}
	a.include(lo, hi)
	return nil
}

func (a *AbsMax) include(lo, hi uint32) {
	if !a.seen {
		a.seen, a.lo, a.hi = true, lo, hi
		return
	}
	a.lo, a.hi = min(a.lo, lo), max(a.hi, hi)
}

// Merge implements Observer.
func (a *AbsMax) Merge(o Observer) error {
	b, ok := o.(*AbsMax)
	if !ok {
		return fmt.Errorf("merge %T into %T: %w", o, a, ErrMismatch)
	}
	if b.seen {
		a.include(b.lo, b.hi)
	}
	return nil
}

// Reset implements Observer.
func (a *AbsMax) Reset() { *a = AbsMax{} }

// Max returns the largest absolute value seen, 0 before any.
func (a *AbsMax) Max() float32 { return math.Float32frombits(a.hi) }

// Min returns the smallest absolute value seen, 0 before any.
func (a *AbsMax) Min() float32 { return math.Float32frombits(a.lo) }

// AppendState implements Observer: 0, or 1 and the bits of Min and Max.
func (a *AbsMax) AppendState(b []byte) []byte {
	if !a.seen {
		return append(b, 0)
	}
	b = binary.LittleEndian.AppendUint32(append(b, 1), a.lo)
	return binary.LittleEndian.AppendUint32(b, a.hi)
}

// chooseMax is Max.
func chooseMax(s *Statistics, _ int) float64 { return float64(s.Max()) }
