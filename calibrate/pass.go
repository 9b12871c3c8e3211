package calibrate

import (
	"errors"
	"fmt"
)

// A pass collects what one run over the samples shows, batch by batch. A batch
// counts only when it is committed, so that a failed run leaves no trace.
type pass struct {
	total map[string]Observer
	batch map[string]Observer
	seen  map[string]bool // in this batch
}

// newPass makes two observers a tensor.
func newPass(tensors []watched, observer func(name string) Observer) *pass {
	p := &pass{
		total: make(map[string]Observer, len(tensors)),
		batch: make(map[string]Observer, len(tensors)),
		seen:  make(map[string]bool, len(tensors)),
	}
	for _, w := range tensors {
		p.total[w.name], p.batch[w.name] = observer(w.name), observer(w.name)
	}
	return p
}

// observe takes a tensor of the present batch, or a part of it.
func (p *pass) observe(name string, data []float32) error {
	o := p.batch[name]
	if o == nil {
		return fmt.Errorf("showed tensor %q, which is not watched: %w", name, ErrRunner)
	}
	p.seen[name] = true
	err := o.Add(data)
	var bad *NotFiniteError
	if errors.As(err, &bad) {
		return &NotFiniteError{Tensor: name, Index: bad.Index, Value: bad.Value}
	}
	if err != nil {
		return fmt.Errorf("tensor %q: %w", name, err)
	}
	return nil
}

// complete checks that every tensor was shown.
func (p *pass) complete() error {
	for name := range p.batch {
		if !p.seen[name] {
			return fmt.Errorf("did not show tensor %q: %w", name, ErrRunner)
		}
	}
	return nil
}

// commit counts the batch and begins the next one.
func (p *pass) commit() error {
	for name, o := range p.batch {
		if err := p.total[name].Merge(o); err != nil {
			return err
		}
	}
	p.abandon()
	return nil
}

// abandon forgets the batch.
func (p *pass) abandon() {
	for _, o := range p.batch {
		o.Reset()
	}
	clear(p.seen)
}
