package main

import (
	"errors"
	"testing"
)

func TestClosest(t *testing.T) {
	ours := figure{Peer: octet.name, Rates: []float64{100, 200, 100}}
	for _, c := range []struct {
		name        string
		overlapping bool
		others      []figure
		peer        string
		ratio       float64
	}{
		{name: "turns of one round are compared", others: []figure{{Peer: "a", Rates: []float64{50, 100, 80}}}, peer: "a", ratio: 2},
		{name: "the nearest counts, not the one with the highest median",
			others: []figure{{Peer: "a", Rates: []float64{110, 40, 110}}, {Peer: "b", Rates: []float64{50, 250, 50}}}, peer: "a", ratio: 1 / 1.1},
		{name: "as tuned, if it has been",
			others: []figure{{Peer: tunedOctet.name, Rates: []float64{150, 150, 150}}, {Peer: "a", Rates: []float64{100, 100, 100}}}, peer: "a", ratio: 1.5},
		{name: "several requests in flight do not count",
			others: []figure{{Peer: "a", Rates: []float64{100, 100, 100}}, {Peer: "b", Rates: []float64{400, 400, 400}, Overlaps: true}}, peer: "a", ratio: 1},
		{name: "but do for large batches", overlapping: true,
			others: []figure{{Peer: "a", Rates: []float64{100, 100, 100}}, {Peer: "b", Rates: []float64{400, 400, 400}, Overlaps: true}}, peer: "b", ratio: 0.25},
	} {
		_, best, ratio, err := closest(append([]figure{ours}, c.others...), c.overlapping)
		if err != nil || best.Peer != c.peer || ratio.Median != c.ratio {
			t.Errorf("%s: %s at %v, %v: want %s at %v", c.name, best.Peer, ratio.Median, err, c.peer, c.ratio)
		}
	}
	if _, _, _, err := closest([]figure{ours}, true); !errors.Is(err, errNoPeer) {
		t.Errorf("alone: %v, want %v", err, errNoPeer)
	}
}
