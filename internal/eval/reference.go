package eval

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/octet-dnn/octet/model"
)

// A Reference is what one network says about all pictures of its loader, for
// comparing others with it. It keeps all probabilities: 4 bytes for each class of
// each picture. Labels are not needed.
type Reference struct {
	classes int
	rows    []float32
	labels  []int64 // nil where the list has none
}

// NewReference runs n on all pictures. progress, which may be nil, hears the
// number of pictures after each batch.
func NewReference(ctx context.Context, n *Net, progress func(images int)) (*Reference, error) {
	r := &Reference{}
	err := eachRows(ctx, n, progress, func(rows []float32, classes int, labels *model.Tensor) error {
		r.classes = classes
		r.rows = append(r.rows, rows...)
		if labels == nil {
			return nil
		}
		for _, label := range labels.Int64s() {
			if label < 0 || label >= int64(classes) {
				return fmt.Errorf("%w: label %d, the model has %d classes", ErrLabels, label, classes)
			}
			r.labels = append(r.labels, label)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(r.rows) == 0 {
		return nil, fmt.Errorf("%w: there are none", ErrLabels)
	}
	return r, nil
}

// Images returns the number of pictures.
func (r *Reference) Images() int { return len(r.rows) / max(r.classes, 1) }

// Digest stands for the probabilities and the labels: a SHA-256 in hex.
func (r *Reference) Digest() string {
	h := sha256.New()
	t, _ := model.Float32Tensor(r.rows, int64(r.Images()), int64(r.classes)) // its own dims
	h.Write(t.Data)
	if r.labels != nil {
		t, _ = model.Int64Tensor(r.labels, int64(len(r.labels)))
		h.Write(t.Data)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// A Paired counts, picture by picture, what two networks say.
type Paired struct {
	Images    int
	Labelled  bool // the next four are counted
	FP32Right int
	INT8Right int
	Lost      int // only FP32 is right
	Won       int // only INT8 is right
	Agree     int // equal top-1 class
	MeanKL    float64
}

// Compare runs n on the pictures of the Reference.
func (r *Reference) Compare(ctx context.Context, n *Net, progress func(images int)) (Paired, error) {
	p := Paired{Labelled: r.labels != nil}
	err := eachRows(ctx, n, progress, func(rows []float32, classes int, _ *model.Tensor) error {
		if classes != r.classes || (p.Images+len(rows)/classes) > r.Images() {
			return fmt.Errorf("%w: other classes or pictures than those of the reference", ErrModel)
		}
		for ; len(rows) > 0; rows = rows[classes:] {
			r.add(&p, rows[:classes])
		}
		return nil
	})
	if err == nil && p.Images != r.Images() {
		err = fmt.Errorf("%d pictures, the reference has %d", p.Images, r.Images())
	}
	p.MeanKL /= float64(max(p.Images, 1))
	return p, err
}

// add counts the next picture.
func (r *Reference) add(p *Paired, row []float32) {
	reference := r.rows[p.Images*r.classes:][:r.classes]
	a, b := Top(reference, 1)[0], Top(row, 1)[0]
	if a == b {
		p.Agree++
	}
	p.MeanKL += Divergence(reference, row)
	if p.Labelled {
		label := int(r.labels[p.Images])
		if a == label {
			p.FP32Right++
		}
		if b == label {
			p.INT8Right++
		}
		if a == label && b != label {
			p.Lost++
		}
		if a != label && b == label {
			p.Won++
		}
	}
	p.Images++
}

// eachRows runs n on its pictures, batch by batch. Networks that are fed labels get
// class 0 where the list has none: probabilities do not depend on it.
func eachRows(ctx context.Context, n *Net, progress func(images int), f func(rows []float32, classes int, labels *model.Tensor) error) error {
	feeds, err := FeedsOf(n.Program)
	if err != nil {
		return fmt.Errorf("%s: %w", n.Name, err)
	}
	for b, err := range n.Loader.Batches(ctx) {
		if err != nil {
			return err
		}
		in, err := feeds.Unlabelled(b.Images, b.Labels)
		if err != nil {
			return fmt.Errorf("%s: %w", n.Name, err)
		}
		out, err := n.Runner.Run(ctx, in)
		if err != nil {
			return fmt.Errorf("%s: %w", n.Name, err)
		}
		rows, classes := Probabilities(out, b.Len())
		switch {
		case rows == nil:
			err = fmt.Errorf("%w: it fetches no probabilities", ErrModel)
		case !finite(rows):
			err = fmt.Errorf("%w: probabilities in the batch from %s on", ErrNotFinite, b.Paths[0])
		default:
			err = f(rows, classes, b.Labels)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", n.Name, err)
		}
		images := b.Len()
		b.Release()
		if progress != nil {
			progress(images)
		}
	}
	return nil
}
