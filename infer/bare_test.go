package infer

import (
	"bytes"
	"testing"
	"time"
)

// TestBare checks that the primitives alone give a run's results and times, by
// either way, and that a batch that is cut is refused.
func TestBare(t *testing.T) {
	for _, o := range []Options{{Streams: 2, Mode: Throughput}, {Threads: 2, Mode: Latency}, {Streams: 1, MicroBatch: 4}} {
		p := newTiny(t, o)
		defer p.Close()
		in := images(t, 1, 7)
		want, err := p.Run(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		got, err := p.Run(t.Context(), images(t, 1, 8))
		if err != nil {
			t.Fatal(err)
		}
		times := make([]time.Duration, 3)
		if err := p.Bare(t.Context(), in, got, times); err != nil {
			t.Fatal(err)
		}
		for i, d := range times {
			if d <= 0 {
				t.Errorf("%+v: run %d took %v", o, i, d)
			}
		}
		if !bytes.Equal(got[0].Data, want[0].Data) {
			t.Errorf("%+v: results differ from Run's", o)
		}
		many := images(t, 5, 7)
		if got, err = p.Run(t.Context(), many); err != nil {
			t.Fatal(err)
		}
		if err := p.Bare(t.Context(), many, got, times); err == nil {
			t.Errorf("%+v: a batch of 5, which is cut, was accepted", o)
		}
	}
}
