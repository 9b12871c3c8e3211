package bench

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/octet-dnn/octet/bench/nets"
	"github.com/octet-dnn/octet/infer"
)

// The networks are calibrated and compiled once, by the first benchmark that
// needs them, and live until the process ends.
var pairs = []struct {
	name string
	open func() (*Pair, error)
}{
	{"resnet50", sync.OnceValues(func() (*Pair, error) {
		return NewPair(context.Background(), "resnet50", nets.ResNet50(1), infer.Options{})
	})},
	{"mobilenet_v1", sync.OnceValues(func() (*Pair, error) {
		return NewPair(context.Background(), "mobilenet_v1", nets.MobileNetV1(1), infer.Options{})
	})},
}

// BenchmarkInfer is the table of octet bench as Go benchmarks, for benchstat.
func BenchmarkInfer(b *testing.B) {
	for _, pair := range pairs {
		for _, prec := range []string{"fp32", "int8"} {
			for _, batch := range []int{1, 64} {
				b.Run(fmt.Sprintf("model=%s/prec=%s/batch=%d", pair.name, prec, batch), func(b *testing.B) {
					p, err := pair.open()
					if err != nil {
						b.Fatal(err)
					}
					net := p.FP32
					if prec == "int8" {
						net = p.INT8
					}
					benchmarkRun(b, net, batch)
				})
			}
		}
	}
}

func benchmarkRun(b *testing.B, net *infer.Predictor, batch int) {
	in, err := Inputs(net.Inputs(), batch)
	if err != nil {
		b.Fatal(err)
	}
	out, err := net.Run(b.Context(), in)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := net.RunInto(b.Context(), in, out); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(batch)*float64(b.N)/b.Elapsed().Seconds(), "img/s")
}
