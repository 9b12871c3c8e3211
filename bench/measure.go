package bench

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/octet-dnn/octet/infer"
	"github.com/octet-dnn/octet/model"
)

// Options say how long to measure.
type Options struct {
	// MinTime is how long each precision runs at least, all windows together;
	// 0 means 3 s.
	MinTime time.Duration
	// Windows is into how many windows that is cut; 0 means 5. Each window has
	// at least one run.
	Windows int
	// Progress, if not nil, hears of every window.
	Progress func(done, all int)
}

// A Row is one line of the table.
type Row struct {
	Model string  `json:"model"`
	Batch int     `json:"batch"`
	FP32  float64 `json:"fp32"` // images a second, median of the windows
	INT8  float64 `json:"int8"`
	// Ratio is INT8/FP32, the median of pairs of windows one after the other. On
	// a machine whose speed changes it is nearer the truth than the ratio of the
	// medians.
	Ratio float64 `json:"ratio"`
	// OtherLoad is how many CPUs other processes kept busy meanwhile, on average; -1 if unknown.
	OtherLoad float64 `json:"other_load"`
	// Memory is what the INT8 predictor holds afterwards, Resident the memory of
	// the whole process, the pictures and the FP32 predictor included, in bytes;
	// 0 if unknown.
	Memory   infer.MemoryStats `json:"int8_memory"`
	Resident int64             `json:"resident_bytes"`
}

// Measure measures p at a batch size. The precisions take turns, window by
// window; the figures are medians.
func Measure(ctx context.Context, p *Pair, batch int, o Options) (Row, error) {
	if o.MinTime <= 0 {
		o.MinTime = 3 * time.Second
	}
	if o.Windows <= 0 {
		o.Windows = 5
	}
	row := Row{Model: p.Name, Batch: batch}
	in, err := Inputs(p.FP32.Inputs(), batch)
	if err != nil {
		return row, fmt.Errorf("bench %s: %w", p.Name, err)
	}
	var probes [2]*Probe
	for i, net := range []*infer.Predictor{p.FP32, p.INT8} {
		if probes[i], err = NewProbe(ctx, net, in); err != nil {
			return row, fmt.Errorf("bench %s, batch %d: %w", p.Name, batch, err)
		}
	}
	var rates [2][]float64
	load := StartLoad()
	for i := range 2 * o.Windows {
		r, err := probes[i%2].Window(ctx, o.MinTime/time.Duration(o.Windows))
		if err != nil {
			return row, fmt.Errorf("bench %s, batch %d: %w", p.Name, batch, err)
		}
		rates[i%2] = append(rates[i%2], r)
		if o.Progress != nil {
			o.Progress(i+1, 2*o.Windows)
		}
	}
	row.OtherLoad = load.Stop()
	row.FP32, row.INT8 = Spread(rates[0]).Median, Spread(rates[1]).Median
	ratios := make([]float64, o.Windows)
	for i := range ratios {
		ratios[i] = rates[1][i] / rates[0][i]
	}
	row.Ratio = Spread(ratios).Median
	row.Memory, row.Resident = p.INT8.MemoryStats(), residentBytes()
	return row, nil
}

// A Probe measures one predictor on one batch.
type Probe struct {
	net     *infer.Predictor
	in, out []*model.Tensor
}

// warmBatch is enough pictures to compile the plans of the larger batches too,
// whose warm-up would take as long as their measurement.
const warmBatch = 16

// NewProbe warms up: everything is compiled and paged in before the first
// window. The inputs must not change.
func NewProbe(ctx context.Context, net *infer.Predictor, in []*model.Tensor) (*Probe, error) {
	warm := in
	if n := int(in[0].Dims[0]); n > warmBatch {
		warm = head(in, warmBatch)
	}
	out, err := net.Run(ctx, warm)
	if err != nil {
		return nil, err
	}
	p := &Probe{net: net, in: in, out: out}
	if len(warm) > 0 && warm[0] != in[0] {
		p.out = nil // made by the first run of full size
	}
	return p, nil
}

// head returns the first n pictures of a batch, in the same memory.
func head(in []*model.Tensor, n int) []*model.Tensor {
	var few []*model.Tensor
	for _, t := range in {
		dims := slices.Clone(t.Dims)
		dims[0] = int64(n)
		few = append(few, &model.Tensor{DType: t.DType, Dims: dims, Data: t.Data[:len(t.Data)/int(t.Dims[0])*n]})
	}
	return few
}

// Window runs for d, once at least, and returns images a second.
func (p *Probe) Window(ctx context.Context, d time.Duration) (float64, error) {
	images, start := 0, time.Now()
	for images == 0 || time.Since(start) < d {
		if err := p.run(ctx); err != nil {
			return 0, err
		}
		images += int(p.in[0].Dims[0])
	}
	return float64(images) / time.Since(start).Seconds(), nil
}

func (p *Probe) run(ctx context.Context) (err error) {
	if p.out == nil {
		p.out, err = p.net.Run(ctx, p.in)
		return err
	}
	return p.net.RunInto(ctx, p.in, p.out)
}
