package infer

import (
	"context"
	"errors"
	"testing"

	"github.com/octet-dnn/octet/dnnl"
	"github.com/octet-dnn/octet/graph"
)

// TestProfile checks that a profile has every multiply-add of the network once,
// a time for every layer that runs, and streams as a batch of that size has.
func TestProfile(t *testing.T) {
	live := dnnl.Live()
	p := newTiny(t, Options{Streams: 2, Threads: 1, MicroBatch: 2})
	for _, c := range []struct{ batch, images, streams int }{{1, 1, 1}, {2, 1, 2}, {3, 2, 1}, {8, 2, 2}} {
		got, err := p.Profile(t.Context(), images(t, c.batch, 1), 3)
		if err != nil {
			t.Fatal(err)
		}
		if got.Images != c.images || got.Streams != c.streams {
			t.Errorf("batch %d: %d images at once in %d streams, want %d in %d", c.batch, got.Images, got.Streams, c.images, c.streams)
		}
		want, err := graph.MACs(p.graph, []graph.Shape{{c.images, 3, 16, 16}})
		if err != nil {
			t.Fatal(err)
		}
		took, macs := got.Total()
		if macs != want || took <= 0 {
			t.Errorf("batch %d: %d multiply-adds in %v, want %d in more than no time", c.batch, macs, took, want)
		}
		for _, l := range got.Layers {
			if l.Time <= 0 || l.Steps < 1 || l.Kernel == "" || len(l.Out) > 0 && l.Out[0] != c.images {
				t.Errorf("batch %d: layer %+v", c.batch, l)
			}
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Profile(ended, images(t, 1, 1), 1); !errors.Is(err, context.Canceled) {
		t.Errorf("with an ended context: %v", err)
	}
	if _, err := p.Profile(t.Context(), images(t, 1, 1), 0); err == nil {
		t.Error("a profile of no runs was accepted")
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Profile(t.Context(), images(t, 1, 1), 1); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	if n := dnnl.Live(); n != live {
		t.Errorf("%d oneDNN objects alive after Close, %d before", n, live)
	}
}
