package graph

import (
	"math"
	"math/bits"
	"slices"
	"strconv"
	"strings"
)

// Limits on what InferShapes accepts, far above any real network and far below
// where products of int overflow.
const (
	maxRank  = 8
	maxDim   = math.MaxInt32
	maxElems = 1 << 34
)

// Elems returns the number of elements of s. It fails on a negative dim, on a
// dim or rank beyond the limits, and before the product can overflow.
func (s Shape) Elems() (int, error) {
	if len(s) > maxRank {
		return 0, shapeErr("rank %d is more than %d", len(s), maxRank)
	}
	n := uint64(1)
	for i, d := range s {
		if d < 0 || d > maxDim {
			return 0, shapeErr("dim %d of %v is out of range", i, s)
		}
		hi, lo := bits.Mul64(n, uint64(d))
		if hi != 0 || lo > maxElems {
			return 0, shapeErr("%v passes %d elements at dim %d", s, maxElems, i)
		}
		n = lo
	}
	return int(n), nil
}

// Equal reports whether s and t are the same dims.
func (s Shape) Equal(t Shape) bool { return slices.Equal(s, t) }

// String returns s as "2x3x224x224", or "scalar" for rank 0.
func (s Shape) String() string {
	if len(s) == 0 {
		return "scalar"
	}
	parts := make([]string, len(s))
	for i, d := range s {
		parts[i] = strconv.Itoa(d)
	}
	return strings.Join(parts, "x")
}

// prod multiplies dims that Elems has accepted.
func prod(dims []int) int {
	n := 1
	for _, d := range dims {
		n *= d
	}
	return n
}

func toShape(dims []int64) Shape {
	s := make(Shape, len(dims))
	for i, d := range dims {
		s[i] = int(d)
	}
	return s
}

// axisOf resolves an axis that may count from the end.
func axisOf(axis, rank int) (int, error) {
	if axis < -rank || axis >= rank {
		return 0, shapeErr("axis %d of a tensor of rank %d", axis, rank)
	}
	if axis < 0 {
		axis += rank
	}
	return axis, nil
}

func wantInputs(in []Shape, required, total int) error {
	if len(in) != total {
		return shapeErr("%d inputs instead of %d", len(in), total)
	}
	for i := range required {
		if in[i] == nil {
			return shapeErr("input %d is missing", i)
		}
	}
	return nil
}

func wantRank(what string, s Shape, rank int) error {
	if len(s) != rank {
		return shapeErr("%s has rank %d instead of %d (%v)", what, len(s), rank, s)
	}
	return nil
}

func wantVector(what string, s Shape, n int) error {
	if s != nil && (len(s) != 1 || s[0] != n) {
		return shapeErr("%s is %v instead of [%d]", what, s, n)
	}
	return nil
}
