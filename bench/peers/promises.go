package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/octet-dnn/octet/bench"
)

// wanted are the throughputs of Octet that are promised, as a multiple of the
// best peer's; FP32 is to be ahead at every batch.
var wanted = map[cell]float64{
	{"resnet50", int8Precision, 1}:       1.12,
	{"resnet50", int8Precision, 64}:      1.08,
	{"resnet50", int8Precision, 512}:     1.08,
	{"mobilenet_v1", int8Precision, 1}:   1.20,
	{"mobilenet_v1", int8Precision, 64}:  1.18,
	{"mobilenet_v1", int8Precision, 512}: 1.18,
}

const (
	wantedFP32 = 1.02
	// wantedRSS is the promised share of the resident memory of the leanest
	// peer, in INT8 at memoryBatch.
	wantedRSS   = 1.0 / 8
	memoryBatch = 512
	// wantedLoad is the promised share of the time that the fastest peer needs
	// from the files of an INT8 network to its first answer.
	wantedLoad = 1.0
)

// want returns what is promised for a cell; 0 is nothing.
func want(c cell) float64 {
	if c.Precision == fp32Precision {
		return wantedFP32
	}
	return wanted[c]
}

var errNoPeer = errors.New("no peer to compare with")

// judge prints a cell and holds Octet to the promises about it.
func (m *session) judge(c cell, figures []figure) error {
	m.g.Printf("%s\n", c)
	for _, f := range figures {
		m.g.Printf("  %s\n", f)
	}
	ours, best, ratio, err := closest(figures, c.Batch > 1)
	if err != nil {
		return fmt.Errorf("%s: %w", c, err)
	}
	m.g.AtLeast(c.String(), ratio.Median, want(c), "", fmt.Sprintf("%.2f to %.2f, %.1f img/s, %s %.1f",
		ratio.Min, ratio.Max, bench.Spread(ours.Rates).Median, best.Peer, bench.Spread(best.Rates).Median))
	if c.Precision != int8Precision || c.Batch != memoryBatch {
		return nil
	}
	return m.judgeMemory(c, figures)
}

// compareMemory runs a batch of memoryBatch once in every peer.
func (m *session) compareMemory(ctx context.Context, name string, who []peer) (err error) {
	c := cell{name, int8Precision, memoryBatch}
	t := m.table(c, who, m.threads)
	defer func() { err = errors.Join(err, t.clear()) }()
	if err := t.rounds(ctx, 1, func(s *seat) error { return errors.Join(s.window(ctx, 0), s.leave()) }); err != nil {
		return err
	}
	figures := t.figures()
	m.record.Cells = append(m.record.Cells, cellRecord{c, figures})
	m.g.Printf("%s\n", c)
	for _, f := range figures {
		m.g.Printf("  %-14s RSS %5d MB\n", f.Peer, f.Peak>>20)
	}
	return m.judgeMemory(c, figures)
}

// judgeMemory holds Octet to the promise about resident memory.
func (m *session) judgeMemory(c cell, figures []figure) error {
	ours, best, err := rivals(figures, func(f figure) (float64, bool) { return float64(f.Peak), true }, false)
	if err != nil {
		return fmt.Errorf("%s: %w", c, err)
	}
	m.g.AtMost(c.String()+" RSS", float64(ours.Peak)/float64(best.Peak), wantedRSS, "",
		fmt.Sprintf("%d MB, %s %d MB", ours.Peak>>20, best.Peer, best.Peak>>20))
	return nil
}

// compareLoads starts every peer some times, in turns, and holds Octet to the
// promise about the time from the files to the first answer. The processes
// have imported their libraries by then, and the files are in memory.
func (m *session) compareLoads(ctx context.Context, name string, who []peer) (err error) {
	c := cell{name, int8Precision, 1}
	if err := m.fillPacked(ctx, c); err != nil {
		return err
	}
	t := m.table(c, append(slices.Clone(who), packedOctet), m.threads)
	defer func() { err = errors.Join(err, t.clear()) }()
	if err := t.rounds(ctx, m.loads, func(s *seat) error { return errors.Join(s.enter(ctx), s.leave()) }); err != nil {
		return err
	}
	figures := t.figures()
	m.record.Loads = append(m.record.Loads, cellRecord{c, figures})
	m.g.Printf("%s %s: load to first answer\n", name, int8Precision)
	for _, f := range figures {
		s := bench.Spread(f.Loads)
		m.g.Printf("  %-14s %7.0f ms (%.0f to %.0f), %.0f from the start of the process\n", f.Peer, 1e3*s.Median, 1e3*s.Min, 1e3*s.Max, 1e3*bench.Spread(f.Starts).Median)
	}
	load := func(f figure) (float64, bool) { return bench.Spread(f.Loads).Median, true }
	ours, best, err := rivals(figures, load, false)
	if err != nil {
		return fmt.Errorf("%s: %w", c, err)
	}
	a, b := bench.Spread(ours.Loads).Median, bench.Spread(best.Loads).Median
	m.g.AtMost(name+" INT8 load", a/b, wantedLoad, "", fmt.Sprintf("%.0f ms, %s %.0f ms", 1e3*a, best.Peer, 1e3*b))
	for _, f := range figures {
		if a = bench.Spread(f.Loads).Median; f.Peer == packedOctet.name {
			m.g.AtMost(name+" INT8 load, packed", a/b, wantedLoad, "", fmt.Sprintf("%.0f ms, %s %.0f ms", 1e3*a, best.Peer, 1e3*b))
		}
	}
	return nil
}

// settled is how old a model's files must be for a cache to know them again.
const settled = 2 * time.Second

// fillPacked starts Octet once so that the others of its starts find packed
// weights on disk.
func (m *session) fillPacked(ctx context.Context, c cell) error {
	select {
	case <-time.After(settled):
	case <-ctx.Done():
		return ctx.Err()
	}
	s := m.table(c, []peer{packedOctet}, m.threads).seats[0]
	return errors.Join(s.enter(ctx), s.leave())
}

// closest returns the figure of Octet that is held to the promises (as tuned,
// if it has been), the peer it is least ahead of, and how far: the throughputs
// of each round are compared with each other, since a virtual machine's CPUs
// are not equally fast from one moment to the next. overlapping tells whether
// peers count that have several requests in flight.
func closest(figures []figure, overlapping bool) (ours, best figure, ratio bench.Stat, err error) {
	ours, _, err = rivals(figures, func(figure) (float64, bool) { return 0, true }, true)
	if err != nil {
		return ours, best, ratio, err
	}
	found := false
	for _, f := range figures {
		if isOctet(f.Peer) || f.Overlaps && !overlapping {
			continue
		}
		turns := make([]float64, min(len(ours.Rates), len(f.Rates)))
		for i := range turns {
			turns[i] = ours.Rates[i] / f.Rates[i]
		}
		if len(turns) == 0 {
			continue
		}
		if s := bench.Spread(turns); !found || s.Median < ratio.Median {
			best, ratio, found = f, s, true
		}
	}
	if !found {
		return ours, best, ratio, errNoPeer
	}
	return ours, best, ratio, nil
}

func isOctet(name string) bool { return name == octet.name || name == tunedOctet.name }

// rivals returns the figure of Octet that is held to the promises (as tuned,
// if it has been) and the best of the peers that count.
func rivals(figures []figure, value func(figure) (float64, bool), more bool) (ours, best figure, err error) {
	found, top := false, 0.0
	for _, f := range figures {
		switch {
		case isOctet(f.Peer):
			ours = f
			continue
		case f.Peer == packedOctet.name:
			continue
		}
		if v, counts := value(f); counts && (!found || more == (v > top)) {
			best, top, found = f, v, true
		}
	}
	if !found {
		return ours, best, errNoPeer
	}
	return ours, best, nil
}
