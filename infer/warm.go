package infer

import (
	"context"
	"fmt"
	"math/bits"
	"slices"

	"github.com/octet-dnn/octet/model"
)

// Warm compiles the plans that batches of these dims will need, so that the
// first run of each is as fast as the others, and what oneDNN cannot do shows
// now. Each shape has the dims of every input, in the order of the feeds; a
// batch of Streams times MicroBatch images needs all plans of its image size
// that smaller and larger ones do, but for the odd ones of a team of threads.
// Plans that do not fit into Options.ShapeBytes together push each other out.
// Between two plans it gives up when ctx ends. It may run beside other calls.
func (p *Predictor) Warm(ctx context.Context, shapes ...[][]int64) error {
	p.use.RLock()
	defer p.use.RUnlock()
	if p.closed {
		return ErrClosed
	}
	for _, dims := range shapes {
		in, err := p.shaped(dims)
		if err != nil {
			return err
		}
		g, err := p.geometryOf(in)
		if err != nil {
			return err
		}
		for _, k := range p.planKeys(g) {
			if err := ctx.Err(); err != nil {
				return err
			}
			pl, err := p.plans.get(k)
			if err != nil {
				return err
			}
			pl.release()
		}
	}
	return nil
}

// warmLimit bounds the bytes of an input that Warm prepares for: they are not
// there to be counted.
const warmLimit = 1 << 40

// shaped returns inputs of these dims, without data.
func (p *Predictor) shaped(dims [][]int64) ([]*model.Tensor, error) {
	if len(dims) != len(p.graph.Inputs) {
		return nil, fmt.Errorf("infer: dims of %d inputs given: %s takes %d", len(dims), p.graph.Name, len(p.graph.Inputs))
	}
	in := make([]*model.Tensor, len(dims))
	for i, v := range p.graph.Inputs {
		n := uint64(v.DType.Size())
		for _, d := range dims[i] {
			hi, lo := bits.Mul64(n, uint64(d))
			if d <= 0 || hi != 0 || lo > warmLimit {
				return nil, fmt.Errorf("infer: input %q of dims %v: want positive dims of at most %d bytes", v.Name, dims[i], int64(warmLimit))
			}
			n = lo
		}
		in[i] = &model.Tensor{DType: v.DType, Dims: slices.Clone(dims[i])}
	}
	return in, nil
}

// planKeys lists the plans that a request of g alone may run.
func (p *Predictor) planKeys(g *geometry) (keys []planKey) {
	if len(p.body.graph.Layers) == 0 {
		return nil
	}
	if p.opts.Mode != Throughput && (p.opts.Mode == Latency || p.team.suits(p, g)) {
		for left := g.batch; left > 0; {
			n := teamChunk(p, left)
			if k := (planKey{g.family, n, p.opts.Threads}); !slices.Contains(keys, k) {
				keys = append(keys, k)
			}
			left -= n
		}
	}
	if p.opts.Mode != Latency {
		for n := p.chunk(g.batch, g.batch); n > 0; n /= 2 {
			if n >= p.micro(g.batch/wholeShare) || g.batch&n != 0 { // a rest of few images
				keys = append(keys, planKey{g.family, n, 1})
			}
		}
	}
	return keys
}
