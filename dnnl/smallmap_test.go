//go:build cgo

package dnnl_test

import (
	"cmp"
	"fmt"
	"testing"

	"github.com/octet-dnn/octet/dnnl"
)

// A smallmap is an FP32 convolution of a small square map, with a 1x1 or a
// padded 3x3 kernel. What Octet's kernel computes of it, package conformance tests.
type smallmap struct{ c, o, size, k, stride int }

func (m smallmap) out() int { return (m.size-1)/m.stride + 1 }

func (m smallmap) spec(k *kit, impl string) dnnl.Convolution {
	k.Helper()
	pad := []int{m.k / 2, m.k / 2}
	return dnnl.Convolution{
		Src: k.desc([]int{1, m.c, m.size, m.size}, dnnl.F32, dnnl.NHWC), Weights: k.desc([]int{m.o, m.c, m.k, m.k}, dnnl.F32, dnnl.Any),
		Dst:     k.desc([]int{1, m.o, m.out(), m.out()}, dnnl.F32, dnnl.NHWC),
		Strides: []int{m.stride, m.stride}, PadL: pad, PadR: pad, Attr: dnnl.Attr{Impl: impl},
	}
}

// BenchmarkSmallMap shows the last layers of ResNet-50 and MobileNet-V1 in
// multiply-adds, by Octet's kernel and by oneDNN, on two threads. Each run finds
// its weights in memory, as they come by once an image.
func BenchmarkSmallMap(b *testing.B) {
	if isa := dnnl.EffectiveCPUISA(); isa&dnnl.ISAAVX512Core != dnnl.ISAAVX512Core {
		b.Skipf("SKIP-HARDWARE: %v has no AVX-512", isa)
	}
	for _, m := range []smallmap{
		{512, 2048, 7, 1, 1}, {2048, 512, 7, 1, 1}, {512, 512, 7, 3, 1}, {512, 512, 14, 3, 2}, {1024, 2048, 14, 1, 2}, {1024, 1024, 7, 1, 1},
	} {
		for _, impl := range []string{dnnl.Own, ""} {
			b.Run(fmt.Sprintf("%d_%dx%d_o%d_k%d_s%d/%s", m.c, m.size, m.size, m.o, m.k, m.stride, cmp.Or(impl, "onednn")), func(b *testing.B) { m.bench(b, impl) })
		}
	}
}

func (m smallmap) bench(b *testing.B, impl string) {
	k := open(b)
	s := must(k, func() (*dnnl.Stream, error) { return dnnl.NewStreamThreads(k.engine, 2) })
	p := k.primitive(m.spec(k, impl))
	src, dst := k.memory(p.Desc(dnnl.ArgSrc)), k.memory(p.Desc(dnnl.ArgDst))
	const bytes = 128 << 20 // of different weights: more than caches hold of them
	weights := m.o * m.c * m.k * m.k
	var steps []dnnl.Step
	for range bytes / (4 * weights) {
		own := k.buffer(p.Desc(dnnl.ArgWeights).Size())
		for i := range dnnl.View[float32](own) {
			dnnl.View[float32](own)[i] = float32(i%17 - 8) // so that the pages are there
		}
		w := must(k, func() (*dnnl.Memory, error) { return own.Memory(k.engine, p.Desc(dnnl.ArgWeights), 0) })
		args := k.withScratchpad(p, []dnnl.ArgMem{{Arg: dnnl.ArgSrc, Mem: src}, {Arg: dnnl.ArgWeights, Mem: w}, {Arg: dnnl.ArgDst, Mem: dst}})
		steps = append(steps, dnnl.Step{Primitive: p, Args: args})
	}
	c := must(k, func() (*dnnl.Chain, error) { return dnnl.NewChain(steps, nil) })
	for b.Loop() {
		if err := c.Run(s, nil); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(m.out()*m.out()*weights*len(steps)*b.N)/float64(b.Elapsed().Nanoseconds()), "GMAC/s")
}
