package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/octet-dnn/octet/bench"
	"github.com/octet-dnn/octet/bench/hog"
)

// What is promised beside a process that keeps one CPU busy, at the same
// priority: the 99th percentile of the latency of single pictures, as a
// multiple of what one thread needs on the quiet machine, and the throughput
// as a percentage of the quiet machine's.
const (
	wantedHogLatency    = 3
	wantedHogThroughput = 60
	hogBatch            = 64
)

// A hogRecord is what one peer did on the quiet machine and beside the hog.
type hogRecord struct {
	Model string `json:"model"`
	Peer  string `json:"peer"`
	// Quiet and Hogged have the median and the 99th percentile of the latency
	// of a single picture, in seconds, and the images a second of large batches.
	Quiet  hogFigure `json:"quiet"`
	Hogged hogFigure `json:"hogged"`
}

type hogFigure struct {
	P50        float64 `json:"p50"`
	P99        float64 `json:"p99"`
	Throughput float64 `json:"throughput"`
}

// hogged measures every peer on the quiet machine and beside a hog, in INT8.
// Windows are long: a library that notices the hog needs some time to.
func (m *session) hogged(ctx context.Context, name string, who []peer) error {
	alone, err := m.oneThread(ctx, name)
	if err != nil {
		return err
	}
	quiet, err := m.hogFigures(ctx, name, who)
	if err != nil {
		return err
	}
	busy, err := hog.Start(ctx)
	if err != nil {
		return err
	}
	hogged, err := m.hogFigures(ctx, name, who)
	if err := errors.Join(err, busy.End()); err != nil {
		return err
	}
	m.g.Printf("%s %s: quiet, and beside a process that keeps one CPU busy; one thread of Octet alone: %.1f ms\n", name, int8Precision, 1e3*alone)
	for _, p := range who {
		q, h := quiet[p.name], hogged[p.name]
		if q == nil || h == nil {
			continue
		}
		m.record.Hogged = append(m.record.Hogged, hogRecord{name, p.name, *q, *h})
		m.g.Printf("  %-14s batch 1 p50 %6.1f -> %6.1f ms, p99 %6.1f -> %6.1f ms; batch %d %6.1f -> %6.1f img/s (%.0f %%)\n",
			p.name, 1e3*q.P50, 1e3*h.P50, 1e3*q.P99, 1e3*h.P99, hogBatch, q.Throughput, h.Throughput, 100*h.Throughput/q.Throughput)
	}
	q, h := quiet[octet.name], hogged[octet.name]
	m.g.AtMost(name+" p99 of one thread's latency", h.P99/alone, wantedHogLatency, "", fmt.Sprintf("%.1f ms", 1e3*h.P99))
	m.g.AtLeast(name+" throughput of the quiet machine's", 100*h.Throughput/q.Throughput, wantedHogThroughput, " %", fmt.Sprintf("%.1f img/s", h.Throughput))
	return nil
}

// oneThread returns the median latency of a single picture on one thread of Octet.
func (m *session) oneThread(ctx context.Context, name string) (s float64, err error) {
	t := m.table(cell{name, int8Precision, 1}, []peer{octet}, 1)
	defer func() { err = errors.Join(err, t.clear()) }()
	if err := t.rounds(ctx, m.rounds, func(s *seat) error { return s.window(ctx, m.seconds) }); err != nil {
		return 0, err
	}
	return bench.Quantile(t.seats[0].Runs, 0.5), nil
}

// hogFigures measures latency and throughput of every peer as the machine is.
func (m *session) hogFigures(ctx context.Context, name string, who []peer) (map[string]*hogFigure, error) {
	all := map[string]*hogFigure{}
	for _, batch := range []int{1, hogBatch} {
		figures, err := m.compare(ctx, cell{name, int8Precision, batch}, who)
		if err != nil {
			return nil, err
		}
		for _, f := range figures {
			if batch == 1 {
				all[f.Peer] = &hogFigure{P50: bench.Quantile(f.Runs, 0.5), P99: bench.Quantile(f.Runs, 0.99)}
			} else if h := all[f.Peer]; h != nil {
				h.Throughput = bench.Spread(f.Rates).Median
			}
		}
	}
	return all, nil
}
