package bench

import (
	"testing"
	"time"

	"github.com/octet-dnn/octet/bench/nets"
	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/infer"
)

func layerTime(name, kernel string, d time.Duration) infer.LayerTime {
	return infer.LayerTime{Layer: name, Kernel: kernel, Steps: 1, Time: d}
}

// Only what differs counts, by medians, at the speed of the rest.
func TestDifference(t *testing.T) {
	profile := func(layers ...infer.LayerTime) *infer.Profile { return &infer.Profile{Layers: layers} }
	a := []*infer.Profile{
		profile(layerTime("x", "int8", 10), layerTime("same", "int8", 100)),
		profile(layerTime("x", "int8", 900), layerTime("same", "int8", 900)),
		profile(layerTime("x", "int8", 12), layerTime("same", "int8", 100)),
	}
	b := []*infer.Profile{
		profile(layerTime("convert", "reorder", 3), layerTime("x", "fp32", 50), layerTime("same", "int8", 200)),
		profile(layerTime("convert", "reorder", 3), layerTime("x", "fp32", 55), layerTime("same", "int8", 200)),
		profile(layerTime("convert", "reorder", 4), layerTime("x", "fp32", 53), layerTime("same", "int8", 900)),
	}
	if got := difference(a, b); got != (3+53)/2-12 {
		t.Errorf("difference %d, want (3 + 53)/2 - 12: the machine was half as fast", got)
	}
	if got := difference(a, a); got != 0 {
		t.Errorf("difference from itself %d, want none", got)
	}
}

// A network costs nothing beside itself, and much more with all its layers in FP32.
func TestPricer(t *testing.T) {
	m := nets.MobileNetV1(1)
	q, err := Quantize(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	int8, err := graph.Build(q)
	if err != nil {
		t.Fatal(err)
	}
	fp32, err := graph.Build(m)
	if err != nil {
		t.Fatal(err)
	}
	p, err := NewPricer(int8)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if c, err := p.Price(t.Context(), int8); err != nil || c.Base <= 0 || c.Extra != 0 {
		t.Errorf("beside itself: %+v, %v", c, err)
	}
	// FP32 takes two to four times as long, on a busy machine too.
	if c, err := p.Price(t.Context(), fp32); err != nil || c.Extra < c.Base/4 {
		t.Errorf("FP32: %+v, %v: want at least a quarter more", c, err)
	}
}
