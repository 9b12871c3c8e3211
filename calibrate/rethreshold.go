package calibrate

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/octet-dnn/octet/internal/parallel"
)

// Rethreshold returns the table that the same samples give with algorithm a,
// without running them again. It fails with ErrNoStatistics if t has no
// Evidence. Auto needs some samples themselves, see Calibrator.Restore, and
// Rethreshold refuses it with ErrNoProbes.
func (t *Table) Rethreshold(a Algorithm) (*Table, error) {
	a, err := a.normal()
	if err != nil {
		return nil, err
	}
	if t.Evidence == nil {
		return nil, fmt.Errorf("choose thresholds by %s: %w", a, ErrNoStatistics)
	}
	if a == Auto {
		return nil, fmt.Errorf("choose thresholds by %s: %w", a, ErrNoProbes)
	}
	n := t.clone()
	n.Algorithm, n.Compat = a, None
	n.choose()
	return n, nil
}

// choose sets the thresholds from the evidence.
func (t *Table) choose() {
	parallel.Each(len(t.Entries), func(i int) {
		e := &t.Entries[i]
		s := t.Evidence.Tensors[i]
		e.Threshold = chooserFor(t.Algorithm, s, t.Samples)(s, Levels(e.DType))
	})
}

// clone returns a copy that shares nothing with t.
func (t *Table) clone() *Table {
	c := *t
	c.Entries = slices.Clone(t.Entries)
	if t.Evidence != nil {
		c.Evidence = &Evidence{samples: slices.Clone(t.Evidence.samples)}
		for _, s := range t.Evidence.Tensors {
			own := *s
			c.Evidence.Tensors = append(c.Evidence.Tensors, &own)
		}
	}
	return &c
}

// Merge adds what o found on other samples of the same model, with the same
// algorithm. The result is that of one calibration over all of them, to the byte. Tables
// without Evidence do not merge (ErrNoStatistics), nor do those of Auto,
// whose thresholds need samples (ErrNoProbes): merge them as another
// algorithm's (Rethreshold). On an error t is unchanged; o is never changed.
func (t *Table) Merge(o *Table) error {
	switch {
	case t.Model != o.Model:
		return fmt.Errorf("merge tables of %s and %s: %w", t.Model, o.Model, ErrOtherModel)
	case t.Algorithm != o.Algorithm || t.Compat != o.Compat:
		return fmt.Errorf("merge tables of algorithms %s%s and %s%s: %w", t.Algorithm, t.Compat, o.Algorithm, o.Compat, ErrMismatch)
	case t.Evidence == nil || o.Evidence == nil:
		return fmt.Errorf("merge tables: %w", ErrNoStatistics)
	case t.Algorithm == Auto:
		return fmt.Errorf("merge tables of algorithm %s: %w", Auto, ErrNoProbes)
	case len(t.Entries) != len(o.Entries):
		return fmt.Errorf("merge tables of %d and %d tensors: %w", len(t.Entries), len(o.Entries), ErrMismatch)
	}
	data, err := sumOf(t.Data, o.Data)
	if err != nil {
		return fmt.Errorf("merge tables: %w", err)
	}
	for i, e := range o.Entries {
		if t.Entries[i].Name != e.Name || t.Entries[i].DType != e.DType {
			return fmt.Errorf("merge tables: tensor %d is %q (%v) and %q (%v): %w",
				i, t.Entries[i].Name, t.Entries[i].DType, e.Name, e.DType, ErrMismatch)
		}
	}
	n := t.clone()
	n.Evidence.samples.merge(o.Evidence.samples)
	for i, s := range n.Evidence.Tensors {
		if err := s.Merge(o.Evidence.Tensors[i]); err != nil {
			return fmt.Errorf("merge tables: tensor %q: %w", t.Entries[i].Name, err)
		}
		s.Tops = n.Evidence.samples.tops(i)
	}
	n.Data, n.Samples = data, t.Samples+o.Samples
	n.choose()
	*t = *n
	return nil
}

func sumOf(a, b string) (string, error) {
	x, err := parseDigest(a)
	if err != nil {
		return "", fmt.Errorf("data %q: %w: %w", a, err, ErrTable)
	}
	y, err := parseDigest(b)
	if err != nil {
		return "", fmt.Errorf("data %q: %w: %w", b, err, ErrTable)
	}
	return x.plus(y).String(), nil
}

// Equal reports whether two bodies of evidence are the same.
func (e *Evidence) Equal(o *Evidence) bool {
	if e == nil || o == nil {
		return e == o
	}
	return bytes.Equal(e.appendText(nil, nil), o.appendText(nil, nil))
}
