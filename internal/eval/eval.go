package eval

import (
	"context"
	"fmt"
	"iter"
	"math"
	"slices"

	"github.com/octet-dnn/octet/dataset"
	"github.com/octet-dnn/octet/model"
)

// A Runner executes a model; infer.Predictor is one.
type Runner interface {
	Run(ctx context.Context, in []*model.Tensor) ([]*model.Tensor, error)
}

// A Net is a model to evaluate.
type Net struct {
	Name    string // for messages
	Program *model.Program
	Runner  Runner
	// Loader gives the labelled pictures. Nets that share a Loader share the
	// decoded pictures too.
	Loader *dataset.Loader
}

// A Score counts hits.
type Score struct {
	Top1       float64 `json:"top1"` // percent
	Top5       float64 `json:"top5"`
	Top1Images int     `json:"top1_images"`
	Top5Images int     `json:"top5_images"`
}

// A Result is what Run found.
type Result struct {
	Images  int    `json:"images"`
	Skipped int    `json:"skipped,omitempty"` // pictures that could not be read
	FP32    Score  `json:"fp32"`
	INT8    *Score `json:"int8,omitempty"` // nil if one net was evaluated
	// Agreement is the percentage of pictures with equal top-1 class. It and MeanKL are
	// nil with one net, and where a net does not fetch probabilities.
	Agreement       *float64 `json:"agreement,omitempty"`
	AgreementImages *int     `json:"agreement_images,omitempty"`
	// MeanKL is the mean over the pictures of the divergence of the second
	// net's probabilities from the first's, in nats.
	MeanKL *float64 `json:"mean_kl,omitempty"`
}

// Run evaluates fp32 and, unless it is nil, int8 on all pictures of their
// loaders, which must have the same lists. progress, which may be nil, hears
// the number of pictures after each batch.
func Run(ctx context.Context, fp32, int8 *Net, progress func(images int)) (*Result, error) {
	a, err := newSubject(fp32)
	if err != nil {
		return nil, err
	}
	var b *subject
	if int8 != nil {
		if b, err = newSubject(int8); err != nil {
			return nil, err
		}
	}
	c := &comparison{both: b != nil}
	before, _ := fp32.Loader.Skipped()
	for pair, err := range batches(ctx, fp32, int8) {
		if err != nil {
			return nil, err
		}
		n := pair[0].Len()
		if err := c.add(ctx, a, b, pair); err != nil {
			return nil, err
		}
		pair[0].Release()
		if pair[1] != pair[0] {
			pair[1].Release()
		}
		if progress != nil {
			progress(n)
		}
	}
	res := c.result(a, b)
	after, _ := fp32.Loader.Skipped()
	res.Skipped = after - before
	return res, nil
}

// batches pairs the batches of both nets; the same one twice if they share a
// loader or there is only one net.
func batches(ctx context.Context, fp32, int8 *Net) iter.Seq2[[2]*dataset.Batch, error] {
	return func(yield func([2]*dataset.Batch, error) bool) {
		next := func() (*dataset.Batch, error, bool) { return nil, nil, false }
		apart := int8 != nil && int8.Loader != fp32.Loader
		if apart {
			pull, stop := iter.Pull2(int8.Loader.Batches(ctx))
			defer stop()
			next = pull
		}
		for first, err := range fp32.Loader.Batches(ctx) {
			second := first
			if err == nil && apart {
				second, err, _ = next()
				if err == nil && (second == nil || !slices.Equal(first.Paths, second.Paths)) {
					err = fmt.Errorf("the two preprocessings do not accept the same pictures of %d", fp32.Loader.Len())
				}
			}
			if !yield([2]*dataset.Batch{first, second}, err) || err != nil {
				return
			}
		}
	}
}

// A subject is a Net under evaluation, with its hits so far.
type subject struct {
	*Net
	feeds      Feeds
	accuracies fetched
	top1, top5 int
}

func newSubject(n *Net) (*subject, error) {
	feeds, err := FeedsOf(n.Program)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", n.Name, err)
	}
	return &subject{Net: n, feeds: feeds, accuracies: accuracies(n.Program)}, nil
}

// run runs a batch, counts hits, and returns the probabilities if there are any.
func (s *subject) run(ctx context.Context, b *dataset.Batch) (rows []float32, classes int, err error) {
	defer func() {
		if err != nil && ctx.Err() == nil {
			err = fmt.Errorf("%s: %w", s.Name, err)
		}
	}()
	if b.Labels == nil {
		return nil, 0, fmt.Errorf("%w: the list has none", ErrLabels)
	}
	in, err := s.feeds.Inputs(b.Images, b.Labels)
	if err != nil {
		return nil, 0, err
	}
	out, err := s.Runner.Run(ctx, in)
	if err != nil {
		return nil, 0, err
	}
	rows, classes = Probabilities(out, b.Len())
	if rows == nil {
		return nil, 0, s.countFetched(out, b.Len())
	}
	if !finite(rows) {
		return nil, 0, fmt.Errorf("%w: probabilities in the batch from %s on", ErrNotFinite, b.Paths[0])
	}
	return rows, classes, s.count(rows, classes, b)
}

func (s *subject) count(rows []float32, classes int, b *dataset.Batch) error {
	for i, label := range b.Labels.Int64s() {
		if label < 0 || label >= int64(classes) {
			return fmt.Errorf("%w: %s has label %d, the model has %d classes", ErrLabels, b.Paths[i], label, classes)
		}
		r := rank(rows[i*classes:(i+1)*classes], int(label))
		if r < 1 {
			s.top1++
		}
		if r < 5 {
			s.top5++
		}
	}
	return nil
}

// countFetched counts by the accuracies that the model itself computes.
func (s *subject) countFetched(out []*model.Tensor, n int) error {
	for k, hits := range map[int64]*int{1: &s.top1, 5: &s.top5} {
		i, ok := s.accuracies[k]
		if !ok {
			return fmt.Errorf("%w: it fetches neither probabilities nor a top-%d accuracy", ErrModel, k)
		}
		acc, err := share(out[i])
		if err != nil {
			return err
		}
		*hits += int(math.Round(acc * float64(n)))
	}
	return nil
}

func (s *subject) score(images int) Score {
	return Score{percent(s.top1, images), percent(s.top5, images), s.top1, s.top5}
}

// A comparison sums up what two nets say about the same pictures.
type comparison struct {
	both   bool // there are two nets, and both fetch probabilities
	images int
	agree  int
	kl     float64
}

func (c *comparison) add(ctx context.Context, a, b *subject, pair [2]*dataset.Batch) error {
	n := pair[0].Len()
	p, classes, err := a.run(ctx, pair[0])
	if err != nil {
		return err
	}
	c.images += n
	if b == nil {
		return nil
	}
	q, others, err := b.run(ctx, pair[1])
	if err != nil {
		return err
	}
	if p == nil || q == nil {
		c.both = false
		return nil
	}
	if classes != others {
		return fmt.Errorf("%w: %s has %d classes, %s has %d", ErrModel, a.Name, classes, b.Name, others)
	}
	for i := 0; i < len(p); i += classes {
		x, y := p[i:i+classes], q[i:i+classes]
		if Top(x, 1)[0] == Top(y, 1)[0] {
			c.agree++
		}
		c.kl += Divergence(x, y)
	}
	return nil
}

func (c *comparison) result(a, b *subject) *Result {
	r := &Result{Images: c.images, FP32: a.score(c.images)}
	if b == nil {
		return r
	}
	score := b.score(c.images)
	r.INT8 = &score
	if c.both && c.images > 0 {
		agreement, kl := percent(c.agree, c.images), c.kl/float64(c.images)
		r.Agreement, r.AgreementImages, r.MeanKL = &agreement, &c.agree, &kl
	}
	return r
}

func percent(n, of int) float64 {
	if of == 0 {
		return 0
	}
	return 100 * float64(n) / float64(of)
}
