package calibrate

import (
	"errors"
	"fmt"
	"slices"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// maxProbes is how many samples Auto measures with.
const maxProbes = 8

// A probes holds the inputs of the first samples of a sketch, of one image each.
type probes map[digest][]*model.Tensor

// wanted returns the digests of the samples to measure with.
func wanted(s sketch) []digest {
	var list []digest
	for _, one := range s[:min(len(s), maxProbes)] {
		list = append(list, one.Digest)
	}
	return list
}

// offer keeps those images of a batch that are wanted, and no others.
func (p *probes) offer(s sketch, in []*model.Tensor, digests []digest) {
	want := wanted(s)
	if *p == nil {
		*p = probes{}
	}
	for d := range *p {
		if !slices.Contains(want, d) {
			delete(*p, d)
		}
	}
	for i, d := range digests {
		if slices.Contains(want, d) && (*p)[d] == nil {
			(*p)[d] = oneOf(in, i, len(digests))
		}
	}
}

// oneOf copies one image of n.
func oneOf(in []*model.Tensor, image, n int) []*model.Tensor {
	one := make([]*model.Tensor, len(in))
	for i, t := range in {
		if t == nil || len(t.Dims) == 0 || t.Dims[0] != int64(n) {
			one[i] = t
			continue
		}
		dims := slices.Clone(t.Dims)
		dims[0] = 1
		one[i] = &model.Tensor{DType: t.DType, Dims: dims, Data: slices.Clone(rowOf(t, image, n))}
	}
	return one
}

// Offer shows a batch again that was sampled before a Restore, for Auto, which
// keeps the samples that it measures with. more is false once it has them all.
// Nothing is run, and nothing counted.
func (c *Calibrator) Offer(in []*model.Tensor) (more bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, err := imagesOf(in)
	if err != nil {
		return false, fmt.Errorf("offer samples: %w", err)
	}
	if len(in) != len(c.graph.Inputs) {
		return false, fmt.Errorf("offer samples: %d inputs given, the model has %d: %w", len(in), len(c.graph.Inputs), graph.ErrShape)
	}
	c.probes.offer(c.seen.sketch, in, digestsOf(in, n))
	return len(c.probes) < len(wanted(c.seen.sketch)), nil
}

// Restore puts a Calibrator that has sampled nothing into the state in which t
// was made, so that it can sample on, or choose other thresholds. t has to be
// of the same model (ErrOtherModel) and to have Evidence (ErrNoStatistics).
func (c *Calibrator) Restore(t *Table) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return ErrClosed
	case t.Model != c.fingerprint:
		return fmt.Errorf("restore calibration: the model is %s, the table was made from %s: %w", c.fingerprint, t.Model, ErrOtherModel)
	case t.Evidence == nil || c.twoPasses():
		return fmt.Errorf("restore calibration: %w", ErrNoStatistics)
	case c.seen.count > 0:
		return fmt.Errorf("restore calibration: samples have been taken already: %w", ErrMismatch)
	case len(t.Entries) != len(c.tensors):
		return fmt.Errorf("restore calibration: the table has %d tensors, the model %d: %w", len(t.Entries), len(c.tensors), ErrMismatch)
	}
	data, err := parseDigest(t.Data)
	if err != nil {
		return fmt.Errorf("restore calibration: data %q: %w", t.Data, errors.Join(err, ErrTable))
	}
	for i, e := range t.Entries {
		if w := c.tensors[i]; e.Name != w.name || e.DType != w.dtype() {
			return fmt.Errorf("restore calibration: tensor %d is %q (%v) in the table, %q (%v) in the model: %w",
				i, e.Name, e.DType, w.name, w.dtype(), ErrMismatch)
		}
	}
	own := t.clone()
	for i, s := range own.Evidence.Tensors {
		c.pass.total[i] = s
	}
	c.seen = seen{own.Samples, data, own.Evidence.samples}
	c.table = nil
	return nil
}
