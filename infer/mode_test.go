package infer

import "testing"

func TestModeText(t *testing.T) {
	for _, m := range []Mode{Auto, Throughput, Latency} {
		text, err := m.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		back := Mode(-1)
		if err := back.UnmarshalText(text); err != nil || back != m {
			t.Errorf("%q is read back as %v, %v: want %v", text, back, err, m)
		}
	}
	if text, err := Mode(7).MarshalText(); err == nil {
		t.Errorf("mode 7 was written as %q", text)
	}
	m := Auto
	if err := m.UnmarshalText([]byte("fast")); err == nil {
		t.Errorf("mode %q was read as %v", "fast", m)
	}
}
