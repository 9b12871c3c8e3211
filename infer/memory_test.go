package infer

import (
	"testing"

	"github.com/octet-dnn/octet/dnnl"
)

// TestMemoryStats looks at what a predictor holds as it serves more shapes.
func TestMemoryStats(t *testing.T) {
	alive := dnnl.Live()
	p := newTiny(t, Options{Streams: 1, Threads: 1, MicroBatch: 4})
	if s := p.MemoryStats(); s != (MemoryStats{}) {
		t.Errorf("before the first run: %+v, want nothing", s)
	}
	run := func(n int) MemoryStats {
		t.Helper()
		if _, err := p.Run(t.Context(), images(t, n, 1)); err != nil {
			t.Fatal(err)
		}
		return p.MemoryStats()
	}
	one := run(1)
	if one.Plans != 1 || one.WeightsBytes < 4*16*16*9 || one.ArenaBytes < 4*16*16*16 {
		t.Errorf("after one image: %+v", one)
	}
	four := run(4) // the arena grows, and the first plan's instance goes with it
	if four.Plans != 2 || four.WeightsBytes > 2*one.WeightsBytes || four.ArenaBytes < 2*one.ArenaBytes {
		t.Errorf("after four images: %+v, after one %+v", four, one)
	}
	if again := run(1); again != four {
		t.Errorf("after one image again: %+v, before %+v: the streams' arenas are not shared", again, four)
	}
	p.Close()
	if s := p.MemoryStats(); s != (MemoryStats{}) {
		t.Errorf("after Close: %+v", s)
	}
	if n := dnnl.Live(); n != alive {
		t.Errorf("%d oneDNN objects alive after Close, %d before", n, alive)
	}
}
