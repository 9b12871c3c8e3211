package calibrate

import (
	"errors"
	"fmt"
	"math"
	"sync"

	"github.com/octet-dnn/octet/internal/parallel"
)

// A pass collects what one run over the samples shows, batch by batch. A batch
// counts only when it is committed, so that a failed run leaves no trace.
type pass struct {
	tensors []watched
	index   map[string]int // of a tensor among the following
	total   []Observer
	batch   []Observer
	images  int          // of this batch
	tail    *tail        // of this batch
	locks   []sync.Mutex // of a tensor: what follows, and its observer of the batch
	seen    []int        // of those images, by tensor
	tops    [][]uint32   // bits of the largest |x|, by tensor and image
}

// newPass makes two observers a tensor, the i-th by observer(i).
func newPass(tensors []watched, observer func(i int) Observer) *pass {
	n := len(tensors)
	p := &pass{
		tensors: tensors, index: make(map[string]int, n),
		total: make([]Observer, n), batch: make([]Observer, n), locks: make([]sync.Mutex, n), seen: make([]int, n), tops: make([][]uint32, n),
	}
	for i, w := range tensors {
		p.index[w.name] = i
		p.total[i], p.batch[i] = observer(i), observer(i)
	}
	return p
}

// begin starts a batch of n images.
func (p *pass) begin(n int) {
	p.images, p.tail = n, newTail(n, len(p.tensors))
	for i := range p.tops {
		p.tops[i] = append(p.tops[i][:0], make([]uint32, n)...)
		if s, ok := p.batch[i].(*Statistics); ok {
			s.expect(p.total[i].(*Statistics))
		}
	}
}

// observe takes a tensor of an image of the present batch. It is safe for
// concurrent use, and works on several tensors, or images of one, at a time.
func (p *pass) observe(a Activation) error {
	i, ok := p.index[a.Name]
	if !ok {
		return fmt.Errorf("showed tensor %q, which is not watched: %w", a.Name, ErrRunner)
	}
	if a.Image < AllImages || a.Image >= p.images {
		return fmt.Errorf("showed tensor %q of image %d of %d: %w", a.Name, a.Image, p.images, ErrRunner)
	}
	top, err := p.add(i, a.Data)
	var bad *NotFiniteError
	if errors.As(err, &bad) {
		return &NotFiniteError{Tensor: a.Name, Layer: p.tensors[i].layer, Sample: max(a.Image, 0), Index: bad.Index, Value: bad.Value}
	}
	if err != nil {
		return fmt.Errorf("tensor %q: %w", a.Name, err)
	}
	defer p.tail.shown(a.Image)
	p.locks[i].Lock()
	defer p.locks[i].Unlock()
	if a.Image == AllImages {
		p.seen[i] = p.images
		for j := range p.tops[i] {
			p.tops[i][j] = top
		}
		return nil
	}
	p.seen[i]++
	p.tops[i][a.Image] = top
	return nil
}

// add has tensor i observed, and returns the bits of its largest |x| where its observer tells.
func (p *pass) add(i int, x []float32) (top uint32, err error) {
	if s, ok := p.batch[i].(*Statistics); ok {
		return s.add(x, &p.locks[i])
	}
	p.locks[i].Lock()
	defer p.locks[i].Unlock()
	return 0, p.batch[i].Add(x)
}

// complete checks that every tensor of every image was shown.
func (p *pass) complete() error {
	for i, n := range p.seen {
		if n != p.images {
			return fmt.Errorf("showed tensor %q of %d of %d images: %w", p.tensors[i].name, n, p.images, ErrRunner)
		}
	}
	return nil
}

// topsOf returns the largest |x| of each tensor in an image of the batch.
func (p *pass) topsOf(image int) []float32 {
	tops := make([]float32, len(p.tops))
	for i, t := range p.tops {
		tops[i] = math.Float32frombits(t[image])
	}
	return tops
}

// commit counts the batch.
func (p *pass) commit() error {
	failed := make([]error, len(p.batch))
	parallel.Each(len(p.batch), func(i int) {
		failed[i] = p.total[i].Merge(p.batch[i])
		p.batch[i].Reset()
	})
	clear(p.seen)
	return errors.Join(failed...)
}

// abandon forgets the batch.
func (p *pass) abandon() {
	for _, o := range p.batch {
		o.Reset()
	}
	clear(p.seen)
}
