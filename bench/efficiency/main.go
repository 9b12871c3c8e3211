// Efficiency measures what share of the INT8 matmul rate of this machine the
// networks reach, and fails where they fall short of what Octet promises:
// ResNet-50 94 %, MobileNet-V1 75 %.
//
// The matmul runs on all CPUs at once, one thread each, as the networks' streams
// do. Short windows of matmul stand before and after every short window of a
// network, and each network window is compared with its own neighbours: the CPUs
// of a virtual machine are not equally fast from one second to the next. The
// multiply-adds of the networks are counted with those of zero padding, which
// kernels may skip.
package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/octet-dnn/octet/bench"
	"github.com/octet-dnn/octet/bench/gate"
	"github.com/octet-dnn/octet/bench/nets"
	"github.com/octet-dnn/octet/infer"
	"github.com/octet-dnn/octet/model"
)

// A promise is the share of the matmul rate to reach, in percent.
type promise struct {
	name  string
	build func(seed uint64) *model.Model
	batch int // large enough for full micro-batches, small enough for short windows
	least float64
}

var promises = []promise{
	{"resnet50", nets.ResNet50, 32, 94},
	{"mobilenet_v1", nets.MobileNetV1, 128, 75},
}

const (
	rounds       = 30
	matmulWindow = 100 * time.Millisecond
	netWindow    = 250 * time.Millisecond
)

func main() { gate.Main("efficiency", run) }

func run(ctx context.Context, g *gate.Gate) error {
	m, err := bench.NewMatmul(ctx, true, infer.CPULimit())
	if err != nil {
		return err
	}
	defer m.Close()
	for _, p := range promises {
		if err := p.check(ctx, g, m); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return nil
}

func (p promise) check(ctx context.Context, g *gate.Gate, m *bench.Matmul) (err error) {
	net, macs, err := bench.INT8(ctx, p.build(1), infer.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, net.Close()) }()
	in, err := bench.Inputs(net.Inputs(), p.batch)
	if err != nil {
		return err
	}
	probe, err := bench.NewProbe(ctx, net, in)
	if err != nil {
		return err
	}
	var shares, images, peaks []float64
	before, err := m.Window(ctx, matmulWindow)
	for range rounds {
		if err != nil {
			return err
		}
		rate, err := probe.Window(ctx, netWindow)
		if err != nil {
			return err
		}
		after, err := m.Window(ctx, matmulWindow)
		if err != nil {
			return err
		}
		peak := (before + after) / 2
		shares = append(shares, 100*rate*float64(macs)/peak)
		images, peaks, before = append(images, rate), append(peaks, peak/1e9), after
	}
	s := bench.Spread(shares)
	g.AtLeast(p.name+" INT8 of matmul", s.Median, p.least, " %",
		fmt.Sprintf("from %.1f to %.1f in %d rounds; %.1f img/s beside a matmul of %.0f GMAC/s (size %d)",
			s.Min, s.Max, rounds, bench.Spread(images).Median, bench.Spread(peaks).Median, m.Size))
	return nil
}
