package infer

import (
	"context"
	"fmt"
	"time"

	"github.com/octet-dnn/octet/model"
)

// Bare measures what [Predictor.RunInto] costs beside the kernels: it hands the
// batch to the thread that RunInto would hand it to, which computes it
// len(times) times on end and writes down how long each took, from the call into
// oneDNN to return, without anything in between. The batch must be small enough to be computed at once.
func (p *Predictor) Bare(ctx context.Context, in, out []*model.Tensor, times []time.Duration) error {
	g, err := p.geometry(in)
	if err != nil {
		return err
	}
	if err := g.checkOutputs(out); err != nil {
		return err
	}
	if n := p.chunk(g.batch, g.batch); n != g.batch {
		return fmt.Errorf("infer: a batch of %d: %s computes %d at once", g.batch, p.graph.Name, n)
	}
	if len(times) == 0 {
		return nil
	}
	ns := make([]int64, len(times))
	if err := p.runWith(ctx, g, in, out, extras{times: ns}); err != nil {
		return err
	}
	for i, n := range ns {
		times[i] = time.Duration(n)
	}
	return nil
}
