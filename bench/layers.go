package bench

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"github.com/octet-dnn/octet/infer"
)

// A LayerRow is one layer of a network and how well it uses the CPU.
type LayerRow struct {
	infer.LayerTime
	Share float64 `json:"share"`  // of the time of all layers
	GMACs float64 `json:"gmac_s"` // 10⁹ multiply-adds a second of one stream
	Peak  float64 `json:"peak"`   // GMACs as a share of what a matmul reached at the time
	// Lost is the time beyond what the multiply-adds would take at matmul speed,
	// for the images at once; all of it for a layer without any. It is negative
	// where oneDNN skips multiplications with padding, or the matmul was unlucky.
	Lost time.Duration `json:"lost_ns"`
}

// Layers is the profile of a network beside the speed of matmul in the same
// minutes.
type Layers struct {
	Model     string     `json:"model"`
	Precision string     `json:"precision"`
	Images    int        `json:"images"`  // that a stream computes at once
	Streams   int        `json:"streams"` // side by side
	Matmul    float64    `json:"matmul"`  // 10⁹ multiply-adds a second of one stream, in the same precision
	Rows      []LayerRow `json:"layers"`
	OtherLoad float64    `json:"other_load"` // see Row
}

// bursts is into how many parts a profile is cut, with the matmul between them.
// A virtual machine's CPUs are not equally fast from one second to the next, so
// what is compared must be close in time.
const bursts = 10

// ProfileLayers measures the layers of p's network of the given precision at a
// batch size. The times are medians.
func ProfileLayers(ctx context.Context, p *Pair, int8 bool, batch int, minTime time.Duration) (l Layers, err error) {
	l = Layers{Model: p.Name, Precision: "fp32"}
	net := p.FP32
	if int8 {
		l.Precision, net = "int8", p.INT8
	}
	in, err := Inputs(net.Inputs(), batch)
	if err != nil {
		return l, fmt.Errorf("bench %s: %w", p.Name, err)
	}
	first, err := net.Profile(ctx, in, 1)
	if err != nil {
		return l, fmt.Errorf("bench %s, batch %d: %w", p.Name, batch, err)
	}
	l.Images, l.Streams = first.Images, first.Streams
	m, err := NewMatmul(ctx, int8, l.Streams)
	if err != nil {
		return l, err
	}
	defer func() { err = cmp.Or(err, m.Close()) }()
	took, _ := first.Total()
	runs := max(1, int(minTime/bursts/max(took, 1)))
	load := StartLoad()
	var profiles []*infer.Profile
	var rates []float64
	for range bursts {
		r, err := m.Window(ctx, tryTime)
		if err != nil {
			return l, err
		}
		rates = append(rates, r/float64(l.Streams)/1e9)
		pr, err := net.Profile(ctx, in, runs)
		if err != nil {
			return l, fmt.Errorf("bench %s, batch %d: %w", p.Name, batch, err)
		}
		profiles = append(profiles, pr)
	}
	l.OtherLoad, l.Matmul = load.Stop(), Spread(rates).Median
	l.fill(profiles, rates)
	return l, nil
}

// fill makes the rows: medians over several profiles of one plan, and over
// what they are as shares of the matmul just before each.
func (l *Layers) fill(profiles []*infer.Profile, rates []float64) {
	var total time.Duration
	for i, t := range profiles[0].Layers {
		times, peaks := make([]float64, len(profiles)), make([]float64, len(profiles))
		for j, p := range profiles {
			times[j] = float64(p.Layers[i].Time)
			peaks[j] = p.Layers[i].Rate() / 1e9 / rates[j]
		}
		t.Time = time.Duration(Spread(times).Median)
		total += t.Time
		r := LayerRow{LayerTime: t, GMACs: t.Rate() / 1e9, Peak: Spread(peaks).Median}
		r.Lost = time.Duration(float64(t.Time) * (1 - r.Peak))
		l.Rows = append(l.Rows, r)
	}
	for i := range l.Rows {
		l.Rows[i].Share = float64(l.Rows[i].Time) / float64(max(total, 1))
	}
}

// Total adds up the rows; its Share is 1 but for rounding.
func (l *Layers) Total() LayerRow {
	var sum LayerRow
	sum.Layer = "total"
	for _, r := range l.Rows {
		sum.Time += r.Time
		sum.MACs += r.MACs
		sum.Steps += r.Steps
		sum.Lost += r.Lost
		sum.Share += r.Share
	}
	sum.GMACs = sum.Rate() / 1e9
	sum.Peak = 1 - float64(sum.Lost)/float64(max(sum.Time, 1))
	return sum
}

// SortByLost puts first the layers that would gain most from matmul speed.
func (l *Layers) SortByLost() {
	slices.SortStableFunc(l.Rows, func(a, b LayerRow) int { return cmp.Compare(b.Lost, a.Lost) })
}

// SortByTime puts the longest layers first.
func (l *Layers) SortByTime() {
	slices.SortStableFunc(l.Rows, func(a, b LayerRow) int { return cmp.Compare(b.Time, a.Time) })
}

// Write writes the layers as a table, times in microseconds an image.
func (l *Layers) Write(w io.Writer) error {
	fmt.Fprintf(w, "%s %s: %d images at once in %d streams; matmul %.1f GMAC/s a stream; other load %s\n",
		l.Model, l.Precision, l.Images, l.Streams, l.Matmul, loadText(l.OtherLoad))
	rows := append(slices.Clone(l.Rows), l.Total())
	width := len("layer")
	for _, r := range rows {
		width = max(width, utf8.RuneCountInString(r.Layer))
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "%-*s\tkind\tout\tsteps\tµs/img\tshare\tGMAC/s\tof matmul\tlost µs\t  kernel\n", width, "layer")
	for _, r := range rows {
		rate, peak := "", ""
		if r.MACs > 0 {
			rate, peak = fmt.Sprintf("%.1f", r.GMACs), fmt.Sprintf("%.1f %%", 100*r.Peak)
		}
		fmt.Fprintf(t, "%-*s\t%s\t%s\t%d\t%.1f\t%.1f %%\t%s\t%s\t%.1f\t  %s\n", width, r.Layer, r.Kind, dimsText(r.Out), r.Steps,
			l.perImage(r.Time), 100*r.Share, rate, peak, l.perImage(r.Lost), r.Kernel)
	}
	return t.Flush()
}

// perImage returns microseconds an image.
func (l *Layers) perImage(d time.Duration) float64 {
	return float64(d) / float64(time.Microsecond) / float64(l.Images)
}

func dimsText(dims []int) string {
	if len(dims) == 0 {
		return ""
	}
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(dims), " ", "x"), "[]")
}
