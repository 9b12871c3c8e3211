package calibrate

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/octet-dnn/octet/model"
)

// A Table holds the thresholds of a model's activations and what they were
// chosen from: all that calibration found out. It is plain data; WriteTo and
// ParseTable keep it as text.
type Table struct {
	// Model is the model.Fingerprint of the FP32 model.
	Model string
	// Data stands for the samples: the sum, modulo 2^256, of the SHA-256 of what
	// each feeds to the model as little-endian float32. Order does not count.
	Data      string
	Samples   int
	Algorithm Algorithm
	Compat    Compat
	// Batches counts the calls of Sample with Paddle13's KL, whose thresholds
	// depend on it; otherwise it is 0.
	Batches int
	// Entries are sorted by name, each name once.
	Entries []Entry
	// Evidence is nil with Paddle13's KL, which needs the samples themselves.
	Evidence *Evidence
}

// An Evidence is what thresholds are chosen from. It is immutable.
type Evidence struct {
	Tensors []*Statistics // one for each entry of the table
	samples sketch
}

// An Entry is the result for one tensor, named as in the graph.
type Entry struct {
	Name string
	// DType is model.UInt8 for tensors that are never negative, by the
	// function that makes them, and model.Int8 for others.
	DType model.DType
	// Threshold is the real value that the largest integer stands for. 0 means
	// that nothing but zeros was seen; it then scales as 1 does.
	Threshold float64
}

// Levels returns R of a quantised type: 255 for u8, 127 for s8.
func Levels(d model.DType) int {
	if d == model.UInt8 {
		return math.MaxUint8
	}
	return math.MaxInt8
}

// Scale returns levels/threshold, by which a real value is multiplied. A
// threshold of 0, or one too small for the quotient to be a float32, counts as 1.
func Scale(threshold float64, levels int) float32 {
	s := float32(float64(levels) / threshold)
	if threshold == 0 || math.IsInf(float64(s), 0) {
		return float32(levels)
	}
	return s
}

// Scale returns the scale of the tensor.
func (e Entry) Scale() float32 { return Scale(e.Threshold, Levels(e.DType)) }

// Lookup returns the entry of a tensor.
func (t *Table) Lookup(name string) (Entry, bool) {
	i, ok := t.index(name)
	if !ok {
		return Entry{}, false
	}
	return t.Entries[i], true
}

func (t *Table) index(name string) (int, bool) {
	return slices.BinarySearchFunc(t.Entries, name, func(e Entry, n string) int { return strings.Compare(e.Name, n) })
}

// CheckModel fails with ErrOtherModel unless the table was made from m.
func (t *Table) CheckModel(m *model.Model) error {
	if got := model.Fingerprint(m); got != t.Model {
		return fmt.Errorf("model %s has fingerprint %s, the table was made from %s: %w", m.Name, got, t.Model, ErrOtherModel)
	}
	return nil
}
