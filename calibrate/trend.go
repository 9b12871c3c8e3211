package calibrate

import (
	"math"
	"slices"

	"github.com/octet-dnn/octet/internal/parallel"
)

// trendStart is the number of samples at which thresholds are first looked at.
const trendStart = 16

// settled is the change of a threshold that no longer matters. The rounding
// error of a tensor grows with its threshold: 2 % more adds 0.2 dB to the
// noise, which the least rearrangement of 8-bit sums exceeds.
const settled = 0.02

// A Movement tells how far thresholds moved while samples were added.
type Movement struct {
	From, To int // samples
	// Median, Most and Largest are quantiles of the relative changes of the
	// tensors' thresholds: a half, 95 % and all are no larger.
	Median, Most, Largest float64
	Tensor                string // with the largest change
}

// Settled reports whether more samples would hardly change anything: their
// number has doubled at least, and 95 % of the thresholds moved by 2 % at most.
func (m Movement) Settled() bool { return m.To >= 2*m.From && m.Most <= settled }

// A trend keeps the thresholds of every time that the samples had doubled.
type trend []snapshot

type snapshot struct {
	samples    int
	thresholds []float64
}

// watchTrend takes a snapshot if it is time, and tells the Logger.
func (c *Calibrator) watchTrend() {
	next := trendStart
	if n := len(c.trend); n > 0 {
		next = 2 * c.trend[n-1].samples
	}
	if c.seen.count < next || c.twoPasses() {
		return
	}
	c.trend = append(c.trend, c.snapshot())
	if n := len(c.trend); n > 1 {
		m := c.movement(c.trend[n-2], c.trend[n-1])
		c.o.logger().Info("thresholds moved", "from", m.From, "to", m.To, "median", m.Median, "most", m.Most, "largest", m.Largest, "tensor", m.Tensor)
	}
}

// For a snapshot KL tries an eighth of the thresholds, on a histogram of a quarter of
// the bins: steps of less than 1 % of the range tell whether it is settled, at a
// fifth of the time.
const (
	trendCandidates = candidates / 8
	trendShift      = 2
)

// trendChooser is the chooserFor of snapshots; MSE stands in for Auto.
func trendChooser(a Algorithm, s *Statistics, samples int) chooser {
	switch {
	case a == Auto:
		return chooseMSE
	case a == KL && !vector(s, samples):
		return func(s *Statistics, levels int) float64 {
			return s.edge(klBins(widened(s.Counts(), trendShift), levels, trendCandidates) << trendShift)
		}
	}
	return chooserFor(a, s, samples)
}

// widened returns the counts of bins 2^shift times as wide.
func widened(counts []uint64, shift int) []uint64 {
	wider := make([]uint64, (len(counts)+1<<shift-1)>>shift)
	for i, n := range counts {
		wider[i>>shift] += n
	}
	return wider
}

// snapshot chooses thresholds from what has been seen.
func (c *Calibrator) snapshot() snapshot {
	e := c.evidence()
	s := snapshot{c.seen.count, make([]float64, len(c.tensors))}
	parallel.Each(len(c.tensors), func(i int) {
		t := e.Tensors[i]
		s.thresholds[i] = trendChooser(c.o.Algorithm, t, c.seen.count)(t, Levels(c.tensors[i].dtype()))
	})
	return s
}

// Movements returns how far thresholds moved each time that the samples
// doubled, from 16 on, and last over at least the newer half of them.
// It is empty for few samples and for Paddle13's KL.
func (c *Calibrator) Movements() []Movement {
	c.mu.Lock()
	defer c.mu.Unlock()
	var list []Movement
	for i := 1; i < len(c.trend); i++ {
		list = append(list, c.movement(c.trend[i-1], c.trend[i]))
	}
	n := len(c.trend)
	if n > 1 && c.trend[n-1].samples < c.seen.count {
		list = append(list, c.movement(c.trend[n-2], c.snapshot()))
	}
	return list
}

func (c *Calibrator) movement(a, b snapshot) Movement {
	m := Movement{From: a.samples, To: b.samples}
	changes := make([]float64, len(a.thresholds))
	for i, x := range a.thresholds {
		if y := b.thresholds[i]; x != y {
			changes[i] = math.Abs(x-y) / max(x, y)
		}
		if changes[i] > m.Largest {
			m.Largest, m.Tensor = changes[i], c.tensors[i].name
		}
	}
	slices.Sort(changes)
	m.Median = changes[len(changes)/2]
	m.Most = changes[min(len(changes)*95/100, len(changes)-1)]
	return m
}
