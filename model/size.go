package model

import (
	"errors"
	"fmt"
	"math/bits"
)

// ErrTooLarge is wrapped by every error that refuses a size found in a file.
var ErrTooLarge = errors.New("too large")

// checkedElems multiplies dims. It is the one place where a size that came
// from a file becomes a count: it fails on a negative dim and once the product
// passes limit, and never overflows. No dims at all is one element.
func checkedElems(dims []int64, limit uint64) (uint64, error) {
	n := uint64(1)
	for i, d := range dims {
		if d < 0 {
			return 0, fmt.Errorf("dim %d is %d: negative", i, d)
		}
		hi, lo := bits.Mul64(n, uint64(d))
		if hi != 0 || lo > limit {
			return 0, fmt.Errorf("dims %v pass %d elements at dim %d: %w", dims, limit, i, ErrTooLarge)
		}
		n = lo
	}
	return n, nil
}
