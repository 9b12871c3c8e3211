package calibrate

import (
	"errors"
	"fmt"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// Restore puts a Calibrator that has sampled nothing into the state in which t
// was made, so that it can sample on, or choose other thresholds. t has to be
// of the same model (ErrOtherModel) and to have Evidence (ErrNoStatistics).
// What a table does not hold are the samples themselves: with Refine or Auto,
// Offer has to show them again.
func (c *Calibrator) Restore(t *Table) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.restore(t)
}

func (c *Calibrator) restore(t *Table) error {
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
	c.offered = offered{want: multiset{own.Samples, data}}
	c.table = nil
	return nil
}

// A multiset stands for samples in any order, by their number and the sum of their digests.
type multiset struct {
	count int
	data  digest
}

// An offered tells which samples came by Restore, and which of them have been
// shown again.
type offered struct{ want, have multiset }

func (o *offered) add(digests []digest) {
	for _, d := range digests {
		o.have.count++
		o.have.data = o.have.data.plus(d)
	}
}

// check fails once it shows that other samples than those restored are offered.
func (o *offered) check() error {
	switch {
	case o.have.count > o.want.count:
		return fmt.Errorf("%d samples offered, the table was made from %d: %w", o.have.count, o.want.count, ErrMismatch)
	case o.have.count == o.want.count && o.have.data != o.want.data:
		return fmt.Errorf("the %d samples offered have digest %v, those of the table %v: %w", o.have.count, o.have.data, o.want.data, ErrMismatch)
	}
	return nil
}

// complete fails unless all samples restored have been shown again.
func (o *offered) complete() error {
	if o.have.count < o.want.count {
		return fmt.Errorf("%d of the %d samples restored were offered again: %w", o.have.count, o.want.count, ErrNoProbes)
	}
	return o.check()
}

// Offer shows a batch again that was sampled before a Restore, in any order and
// in batches of any size: Refine wants all samples, once each, Auto a few of them.
// more is false once there are enough. Nothing is run, and nothing counted. When
// as many have come as the table was made from and they are not those, it fails with
// ErrMismatch.
func (c *Calibrator) Offer(in []*model.Tensor) (more bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false, ErrClosed
	}
	if more, err = c.offer(in); err != nil {
		return false, fmt.Errorf("offer samples: %w", err)
	}
	return more, nil
}

func (c *Calibrator) offer(in []*model.Tensor) (more bool, err error) {
	n, err := imagesOf(in)
	if err != nil {
		return false, err
	}
	if len(in) != len(c.graph.Inputs) {
		return false, fmt.Errorf("%d inputs given, the model has %d: %w", len(in), len(c.graph.Inputs), graph.ErrShape)
	}
	digests := digestsOf(in, n)
	c.offered.add(digests)
	if err := c.offered.check(); err != nil {
		return false, err
	}
	if c.album != nil {
		pages, err := c.album.write(in, digests)
		if err != nil {
			return false, err
		}
		c.album.add(pages)
		c.refined, c.settler = nil, nil
		more = c.offered.have.count < c.offered.want.count
	}
	if c.o.Algorithm == Auto {
		c.probes.offer(c.seen.sketch, in, digests)
		more = more || len(c.probes) < len(wanted(c.seen.sketch))
	}
	return more, nil
}
