package bench

import (
	"context"
	"flag"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/octet-dnn/octet/bench/nets"
	"github.com/octet-dnn/octet/dnnl"
	"github.com/octet-dnn/octet/infer"
	"github.com/octet-dnn/octet/model"
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

// BenchmarkTable is the table of Paddle 1.3's INT8 announcement: images a second
// in FP32 and INT8, and their ratio. An operation is one batch in each
// precision, one right after the other.
func BenchmarkTable(b *testing.B) {
	for _, pair := range pairs {
		for _, batch := range []int{1, 512} {
			b.Run(fmt.Sprintf("model=%s/batch=%d", pair.name, batch), func(b *testing.B) {
				p, err := pair.open()
				check(b, err)
				benchmarkPair(b, p, batch)
			})
		}
	}
}

func benchmarkPair(b *testing.B, p *Pair, batch int) {
	in, err := Inputs(p.FP32.Inputs(), batch)
	check(b, err)
	fp32, err := NewProbe(b.Context(), p.FP32, in)
	check(b, err)
	int8, err := NewProbe(b.Context(), p.INT8, in)
	check(b, err)
	var slow, fast, ratio []float64
	for b.Loop() {
		s, err := fp32.Window(b.Context(), 0)
		check(b, err)
		f, err := int8.Window(b.Context(), 0)
		check(b, err)
		slow, fast, ratio = append(slow, s), append(fast, f), append(ratio, f/s)
	}
	b.ReportMetric(Spread(slow).Median, "fp32-img/s")
	b.ReportMetric(Spread(fast).Median, "int8-img/s")
	b.ReportMetric(Spread(ratio).Median, "int8/fp32")
}

// BenchmarkLayer reports every distinct layer of the networks at the micro-batch
// of large batches, as it runs in the network with all streams at work: the time
// of one micro-batch, and how it compares with a matmul of the same minute.
// Layers that differ in nothing but weights are one.
func BenchmarkLayer(b *testing.B) {
	for _, pair := range pairs {
		for _, precision := range []string{"fp32", "int8"} {
			b.Run(fmt.Sprintf("model=%s/prec=%s", pair.name, precision), func(b *testing.B) {
				p, err := pair.open()
				check(b, err)
				l, err := ProfileLayers(b.Context(), p, precision == "int8", 64, benchTime())
				check(b, err)
				for _, r := range l.distinct() {
					b.Run("layer="+strings.ReplaceAll(r.Layer, "/", "_"), r.report)
				}
			})
		}
	}
}

// distinct returns the first of all layers that solve the same problem.
func (l *Layers) distinct() (rows []LayerRow) {
	seen := map[string]bool{}
	for _, r := range l.Rows {
		key := fmt.Sprint(r.Kind, r.Problem, r.Kernel, r.Out)
		if !seen[key] {
			rows = append(rows, r)
		}
		seen[key] = true
	}
	return rows
}

func (r LayerRow) report(b *testing.B) {
	b.ReportMetric(float64(r.Time), "ns/op")
	if r.MACs > 0 {
		b.ReportMetric(r.GMACs, "GMAC/s")
		b.ReportMetric(100*r.Peak, "%matmul")
	}
}

// benchTime is -benchtime where that is a time.
func benchTime() time.Duration {
	if d, err := time.ParseDuration(flag.Lookup("test.benchtime").Value.String()); err == nil {
		return d
	}
	return time.Second
}

// BenchmarkRun is one picture by either way. The time beyond the primitives
// alone is what make overhead limits.
func BenchmarkRun(b *testing.B) {
	for _, n := range []struct {
		name  string
		build func(uint64) *model.Model
	}{{"resnet50", nets.ResNet50}, {"mobilenet_v1", nets.MobileNetV1}} {
		q, err := Quantize(b.Context(), n.build(1))
		check(b, err)
		for _, mode := range []infer.Mode{infer.Throughput, infer.Latency} {
			b.Run(fmt.Sprintf("model=%s/mode=%v", n.name, mode), func(b *testing.B) {
				net, err := infer.NewPredictor(q, infer.Options{Mode: mode})
				check(b, err)
				defer net.Close()
				benchmarkRun(b, net)
			})
		}
	}
}

func benchmarkRun(b *testing.B, net *infer.Predictor) {
	in, err := Inputs(net.Inputs(), 1)
	check(b, err)
	out, err := net.Run(b.Context(), in)
	check(b, err)
	b.ReportAllocs()
	var alone []float64
	for b.Loop() {
		check(b, net.RunInto(b.Context(), in, out))
		b.StopTimer()
		var twice [2]time.Duration
		check(b, net.Bare(b.Context(), in, out, twice[:]))
		alone = append(alone, float64(twice[1]))
		b.StartTimer()
	}
	b.ReportMetric(Spread(alone).Median, "ns-primitives")
}

// BenchmarkPeak multiplies matrices: the multiply-adds a second that oneDNN gets
// out of one CPU, and out of all at once. With ONEDNN_MAX_CPU_ISA=AVX512_CORE it
// shows the most that INT8 can gain without VNNI.
func BenchmarkPeak(b *testing.B) {
	for _, cpus := range []int{1, infer.CPULimit()} {
		for _, precision := range []string{"fp32", "int8"} {
			b.Run(fmt.Sprintf("prec=%s/cpus=%d/isa=%s", precision, cpus, dnnl.EffectiveCPUISA()), func(b *testing.B) {
				m, err := NewMatmul(b.Context(), precision == "int8", cpus)
				check(b, err)
				defer m.Close()
				var rates []float64
				for b.Loop() {
					r, err := m.Window(b.Context(), tryTime)
					check(b, err)
					rates = append(rates, r/1e9)
				}
				b.ReportMetric(Spread(rates).Median, "GMAC/s")
			})
		}
	}
}

func check(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}
