package infer

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestKernelTable learns, is written and read, and is used and no longer
// changed by a predictor that must not learn.
func TestKernelTable(t *testing.T) {
	in := images(t, 4, 1)
	plain := newTiny(t, Options{Streams: 1})
	defer plain.Close()
	want, err := plain.Run(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	table := NewKernelTable()
	answers := func(o Options) {
		t.Helper()
		p := newTiny(t, o)
		defer p.Close()
		out, err := p.Run(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		// Implementations may sum in another order.
		if msg := compare(out[0], want[0], 1e-5); msg != "" {
			t.Error(msg)
		}
	}
	answers(Options{Streams: 1, Kernels: table, LearnKernels: true})
	if table.Len() == 0 {
		t.Error("nothing learned")
	}
	text, err := json.Marshal(table)
	if err != nil {
		t.Fatal(err)
	}
	again := NewKernelTable()
	if err := json.Unmarshal(text, again); err != nil {
		t.Fatal(err)
	}
	if again.Len() != table.Len() {
		t.Errorf("%d entries read, %d written", again.Len(), table.Len())
	}
	answers(Options{Streams: 1, Kernels: again})

	empty := NewKernelTable()
	answers(Options{Streams: 1, Kernels: empty})
	if empty.Len() != 0 {
		t.Errorf("%d entries learned without being asked", empty.Len())
	}
	if err := json.Unmarshal([]byte(`{"a": 1}`), again); err == nil || !strings.Contains(err.Error(), "kernel table") {
		t.Errorf("a number for a name: error %v", err)
	}
}

// TestKernelTableOfAnotherVersion has names that this oneDNN does not know.
func TestKernelTableOfAnotherVersion(t *testing.T) {
	table := NewKernelTable()
	p := newTiny(t, Options{Streams: 1, Kernels: table, LearnKernels: true})
	in := images(t, 1, 1)
	want, err := p.Run(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	p.Close()
	for key := range table.m {
		table.put(key, "made_up:avx1024")
	}
	p = newTiny(t, Options{Streams: 1, Kernels: table})
	defer p.Close()
	out, err := p.Run(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if msg := compare(out[0], want[0], 1e-5); msg != "" {
		t.Error(msg)
	}
}
