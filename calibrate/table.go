package calibrate

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/octet-dnn/octet/model"
)

// A Table holds the thresholds of a model's activations: all that calibration
// found out. It is plain data; WriteTo and ParseTable keep it as text.
type Table struct {
	// Model is the model.Fingerprint of the FP32 model.
	Model     string
	Algorithm Algorithm
	Compat    Compat
	// Batches counts the calls of Sample that went into it.
	Batches int
	// Entries are sorted by name, each name once.
	Entries []Entry
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
	i, ok := slices.BinarySearchFunc(t.Entries, name, func(e Entry, n string) int { return strings.Compare(e.Name, n) })
	if !ok {
		return Entry{}, false
	}
	return t.Entries[i], true
}

// CheckModel fails with ErrOtherModel unless the table was made from m.
func (t *Table) CheckModel(m *model.Model) error {
	if got := model.Fingerprint(m); got != t.Model {
		return fmt.Errorf("model %s has fingerprint %s, the table was made from %s: %w", m.Name, got, t.Model, ErrOtherModel)
	}
	return nil
}

// Merge adds what o found on other samples of the same model: the larger
// threshold of each tensor. That is exact for Max, and only tables of Max
// merge; for other algorithms sample everything into one Calibrator, or merge
// Calibrators. On an error t is unchanged.
func (t *Table) Merge(o *Table) error {
	switch {
	case t.Model != o.Model:
		return fmt.Errorf("merge tables of %s and %s: %w", t.Model, o.Model, ErrOtherModel)
	case t.Algorithm != Max || o.Algorithm != Max:
		return fmt.Errorf("merge tables of algorithms %s and %s: only those of %s can be: %w", t.Algorithm, o.Algorithm, Max, ErrMismatch)
	case len(t.Entries) != len(o.Entries):
		return fmt.Errorf("merge tables of %d and %d tensors: %w", len(t.Entries), len(o.Entries), ErrMismatch)
	}
	merged := slices.Clone(t.Entries)
	for i, e := range o.Entries {
		if merged[i].Name != e.Name || merged[i].DType != e.DType {
			return fmt.Errorf("merge tables: tensor %d is %q (%v) and %q (%v): %w",
				i, merged[i].Name, merged[i].DType, e.Name, e.DType, ErrMismatch)
		}
		merged[i].Threshold = max(merged[i].Threshold, e.Threshold)
	}
	t.Entries = merged
	t.Batches += o.Batches
	return nil
}
