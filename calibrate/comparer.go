package calibrate

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/internal/parallel"
	"github.com/octet-dnn/octet/model"
)

// A Comparer runs an FP32 graph and its INT8 copy on the same samples, one image
// at a time, and sums up for each layer how far they are apart. Its memory is
// that of all activations of one image, in both precisions. It is safe for
// concurrent use, one batch at a time.
type Comparer struct {
	rows    []Counterpart
	at      []int // rows with something to compare
	runners [2]Runner
	skip    [2]int // outputs of the graphs themselves

	mu     sync.Mutex
	closed bool
	images int
	sums   []Deviation // of each row
	buffer [][]float32 // for the reals of each of at
}

// NewComparer compiles copies of both graphs, by newRunner, that return all
// values that Match pairs. A Comparer has to be closed.
func NewComparer(real, copied *graph.Graph, newRunner NewRunner) (*Comparer, error) {
	rows, err := Match(real, copied)
	if err != nil {
		return nil, err
	}
	c := &Comparer{rows: rows, sums: make([]Deviation, len(rows))}
	var names [2][]*graph.Value
	for i, r := range rows {
		if r.Copy != nil {
			c.at = append(c.at, i)
			names[0], names[1] = append(names[0], r.Value), append(names[1], r.Copy)
		}
	}
	if len(c.at) == 0 {
		return nil, fmt.Errorf("compare %q with its INT8 copy: they have no tensor in common: %w", real.Name, ErrMismatch)
	}
	c.buffer = make([][]float32, len(c.at))
	for i, g := range []*graph.Graph{real, copied} {
		c.skip[i] = len(g.Outputs)
		if c.runners[i], err = newRunner(exposing(g, names[i]), nil); err != nil {
			return nil, errors.Join(fmt.Errorf("compare %q with its INT8 copy: %w", real.Name, err), c.Close())
		}
	}
	return c, nil
}

// exposing returns a copy of g that returns values too, behind its own outputs.
func exposing(g *graph.Graph, values []*graph.Value) *graph.Graph {
	g = g.Clone()
	byName := make(map[string]*graph.Value)
	for v := range g.Values() {
		byName[v.Name] = v
	}
	for _, v := range values {
		g.Outputs = append(g.Outputs, graph.Output{Name: v.Name, Value: byName[v.Name]})
	}
	return g
}

// Sample compares both graphs on the images of a batch. One that fails does not
// count, those before it in the batch do.
func (c *Comparer) Sample(ctx context.Context, in []*model.Tensor) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return ErrClosed
	}
	n, err := imagesOf(in)
	if err != nil {
		return fmt.Errorf("compare layers: %w", err)
	}
	for i := range n {
		if err := c.image(ctx, oneOf(in, i, n)); err != nil {
			return fmt.Errorf("compare layers: image %d of the batch: %w", i, err)
		}
	}
	return nil
}

// image runs one image through both graphs side by side.
func (c *Comparer) image(ctx context.Context, in []*model.Tensor) error {
	var outs [2][]*model.Tensor
	var errs [2]error
	parallel.Each(len(outs), func(i int) {
		outs[i], errs[i] = c.runners[i].Run(ctx, in, func(Activation) error { return nil })
		if want := c.skip[i] + len(c.at); errs[i] == nil && len(outs[i]) != want {
			errs[i] = fmt.Errorf("%d outputs, want %d: %w", len(outs[i]), want, ErrRunner)
		}
	})
	if err := errors.Join(errs[:]...); err != nil {
		return err
	}
	found := make([]Deviation, len(c.at))
	parallel.Each(len(c.at), func(i int) {
		found[i] = c.compare(i, outs[0][c.skip[0]+i], outs[1][c.skip[1]+i])
	})
	for i, d := range found {
		c.sums[c.at[i]].add(d)
	}
	c.images++
	return nil
}

// compare compares one tensor of one image. Tensors whose size follows from
// the data, such as lists of detections, may differ in it: those are left out.
func (c *Comparer) compare(i int, real, copied *model.Tensor) (d Deviation) {
	r := c.rows[c.at[i]]
	x := real.Float32s()
	if copied.Len() != len(x) {
		return d
	}
	if r.Top > 0 {
		c.buffer[i] = reals(copied, r.Scale, c.buffer[i])
		d = deviation(x, c.buffer[i])
		d.Clipped = clipped(x, r.Scale, r.Copy.DType, r.Top)
	} else {
		d = deviation(x, copied.Float32s())
	}
	return d
}

// A LayerDeviation is one row of a comparison.
type LayerDeviation struct {
	Counterpart
	// Deviation is of Value and Copy; it has no Elements where there is nothing to compare.
	Deviation
}

// Layers returns the comparison so far, in the order of Match, and the number
// of images behind it.
func (c *Comparer) Layers() (layers []LayerDeviation, images int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, r := range c.rows {
		layers = append(layers, LayerDeviation{r, c.sums[i]})
	}
	return layers, c.images
}

// Close frees the runners. It may be called twice.
func (c *Comparer) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil
	}
	c.closed = true
	var errs []error
	for _, r := range c.runners {
		if r != nil {
			errs = append(errs, r.Close())
		}
	}
	return errors.Join(errs...)
}
