//go:build cgo

package dnnl_test

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"unsafe"

	"github.com/octet-dnn/octet/dnnl"
)

// A smallmap is an FP32 convolution of a small map.
type smallmap struct {
	n, c, o, h, w, k, stride int
	pads                     [4]int // top, bottom, left, right
	post                     []dnnl.PostOp
	noBias                   bool
	loose                    bool // oneDNN adds up in another order
}

func (m smallmap) String() string {
	return fmt.Sprintf("%dx%dx%dx%d o%d k%d s%d p%v post %v", m.n, m.c, m.h, m.w, m.o, m.k, m.stride, m.pads, m.post)
}

func (m smallmap) out() (h, w int) {
	return (m.h+m.pads[0]+m.pads[1]-m.k)/m.stride + 1, (m.w+m.pads[2]+m.pads[3]-m.k)/m.stride + 1
}

func (m smallmap) spec(k *kit, impl string) dnnl.Convolution {
	k.Helper()
	oh, ow := m.out()
	s := dnnl.Convolution{
		Src: k.desc([]int{m.n, m.c, m.h, m.w}, dnnl.F32, dnnl.NHWC), Weights: k.desc([]int{m.o, m.c, m.k, m.k}, dnnl.F32, dnnl.Any),
		Dst:     k.desc([]int{m.n, m.o, oh, ow}, dnnl.F32, dnnl.NHWC),
		Strides: []int{m.stride, m.stride}, PadL: []int{m.pads[0], m.pads[2]}, PadR: []int{m.pads[1], m.pads[3]},
		Attr: dnnl.Attr{PostOps: m.post, Impl: impl},
	}
	if !m.noBias {
		s.Bias = k.desc([]int{m.o}, dnnl.F32, dnnl.A)
	}
	return s
}

// A smallmapData is what the implementations compute on, dst what a sum finds there.
type smallmapData struct{ src, weights, bias, dst []float32 }

func (m smallmap) data() smallmapData {
	r := rand.New(rand.NewPCG(uint64(m.c), uint64(m.o+m.w)))
	random := func(n int) []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = 2*r.Float32() - 1
		}
		return x
	}
	oh, ow := m.out()
	return smallmapData{random(m.n * m.c * m.h * m.w), random(m.o * m.c * m.k * m.k), random(m.o), random(m.n * m.o * oh * ow)}
}

// arguments gives p what it wants of x, all but src and dst.
func (m smallmap) arguments(k *kit, p *dnnl.Primitive, x smallmapData) []dnnl.ArgMem {
	k.Helper()
	plain := tensor(k, k.desc([]int{m.o, m.c, m.k, m.k}, dnnl.F32, dnnl.NCHW), x.weights...)
	weights := k.memory(p.Desc(dnnl.ArgWeights))
	r := k.primitive(dnnl.Reorder{Src: plain.Desc(), Dst: weights.Desc()})
	k.run(r, dnnl.ArgMem{Arg: dnnl.ArgSrc, Mem: plain}, dnnl.ArgMem{Arg: dnnl.ArgDst, Mem: weights})
	args := []dnnl.ArgMem{{Arg: dnnl.ArgWeights, Mem: weights}}
	if !m.noBias {
		args = append(args, dnnl.ArgMem{Arg: dnnl.ArgBias, Mem: tensor(k, k.desc([]int{m.o}, dnnl.F32, dnnl.A), x.bias...)})
	}
	return k.withScratchpad(p, args)
}

// compute runs m by impl on threads and returns dst. Src and dst are one
// element off any alignment, and what lies around dst must stay as it is.
func (m smallmap) compute(k *kit, threads int, impl string, x smallmapData) (dst []float32, chosen string) {
	k.Helper()
	s := must(k, func() (*dnnl.Stream, error) { return dnnl.NewStreamThreads(k.engine, threads) })
	p := k.primitive(m.spec(k, impl))
	src, out := k.unplaced(p.Desc(dnnl.ArgSrc)), k.unplaced(p.Desc(dnnl.ArgDst))
	args := append(m.arguments(k, p, x), dnnl.ArgMem{Arg: dnnl.ArgSrc, Mem: src}, dnnl.ArgMem{Arg: dnnl.ArgDst, Mem: out})
	const guard = 17
	from, to := k.buffer(4*(len(x.src)+1)), k.buffer(4*(len(x.dst)+2*guard))
	copy(dnnl.View[float32](from)[1:], x.src)
	all := dnnl.View[float32](to)[:len(x.dst)+2*guard]
	for i := range all {
		all[i] = 12345
	}
	copy(all[guard:], x.dst)
	bound := []dnnl.Bound{{Mem: src, Offset: 4}, {Mem: out, Pointer: 1, Offset: 4 * guard}}
	c := must(k, func() (*dnnl.Chain, error) { return dnnl.NewChain([]dnnl.Step{{Primitive: p, Args: args}}, bound) })
	if err := c.Run(s, []unsafe.Pointer{from.At(0), to.At(0)}); err != nil {
		k.Fatal(err)
	}
	for i, v := range all {
		if (i < guard || i >= len(all)-guard) && v != 12345 {
			k.Fatalf("%v: wrote element %d around dst of %d", m, i-guard, len(x.dst))
		}
	}
	return append([]float32(nil), all[guard:len(all)-guard]...), p.Impl()
}

func needAVX512(t testing.TB) {
	t.Helper()
	if isa := dnnl.EffectiveCPUISA(); isa&dnnl.ISAAVX512Core != dnnl.ISAAVX512Core {
		t.Skipf("SKIP-HARDWARE: %v has no AVX-512", isa)
	}
}

// compare asks for oneDNN's bytes where it took the kernel whose order of
// addition Octet's has, and for its numbers else.
func (m smallmap) compare(t *testing.T, threads int) {
	t.Helper()
	k, x := open(t), m.data()
	got, impl := m.compute(k, threads, dnnl.Own, x)
	if impl != "octet_smallmap:avx512_core" {
		t.Fatalf("%v: made %s", m, impl)
	}
	want, impl := m.compute(k, threads, "", x)
	// Each of n additions of products below 1 rounds a sum of some √n/3, by 2^-24 of
	// it: together √n·√n/3·2^-24, 9e-5 for the largest n of 4608, on average. The
	// worst of thousands of differences is ten times that.
	tolerance := 1e-3
	if strings.HasPrefix(impl, "brg") && !m.loose {
		tolerance = 0
	}
	for i := range want {
		if d := math.Abs(float64(got[i] - want[i])); !(d <= tolerance) {
			_, ow := m.out()
			t.Fatalf("%v: %v, %s %v at pixel %d,%d channel %d", m, got[i], impl, want[i], i/m.o/ow, i/m.o%ow, i%m.o)
		}
	}
}

// smallmaps are of every width, both strides, with every epilogue.
func smallmaps() (cases []smallmap) {
	for w := 5; w <= 14; w++ {
		cases = append(cases, smallmap{n: 1, c: 32, o: 512, h: 5, w: w, k: 1, stride: 1},
			smallmap{n: 1, c: 272, o: 64, h: 6, w: w, k: 3, stride: 1, pads: [4]int{1, 1, 1, 1}},
			smallmap{n: 1, c: 16, o: 64, h: 9, w: 2*w - 1, k: 3, stride: 2, pads: [4]int{1, 1, 1, 1}})
	}
	relu, relu6 := dnnl.EltwisePostOp(dnnl.EltwiseReLU, 0, 0), dnnl.EltwisePostOp(dnnl.EltwiseClip, 0, 6)
	base := smallmap{n: 1, c: 528, o: 512, h: 7, w: 7, k: 1, stride: 1}
	for _, post := range [][]dnnl.PostOp{{relu}, {relu6}, {dnnl.SumPostOp(1, 0, dnnl.F32)}, {dnnl.SumPostOp(1, 0, dnnl.F32), relu}} {
		m := base
		m.post = post
		cases = append(cases, m)
	}
	for _, change := range []func(*smallmap){
		func(m *smallmap) { m.noBias = true },
		func(m *smallmap) { m.c = 2048 }, // sums of sums
		func(m *smallmap) { m.n = 2 },
		func(m *smallmap) { m.h, m.w, m.stride = 14, 14, 2 },
		func(m *smallmap) { m.c, m.k, m.pads, m.loose = 512, 3, [4]int{0, 2, 2, 1}, true },
		func(m *smallmap) { m.c, m.k, m.h, m.w = 480, 5, 11, 11 },
	} {
		m := base
		change(&m)
		cases = append(cases, m)
	}
	return cases
}

// Octet's kernel gives oneDNN's bytes for everything that it takes, on any number of threads.
func TestSmallMapEqualsOneDNN(t *testing.T) {
	needAVX512(t)
	for _, m := range smallmaps() {
		for _, threads := range []int{1, 2} {
			t.Run(fmt.Sprintf("%s/%d", strings.ReplaceAll(m.String(), " ", "_"), threads), func(t *testing.T) { m.compare(t, threads) })
		}
	}
}

// What the kernel does not do is refused, so that oneDNN does it.
func TestSmallMapRefuses(t *testing.T) {
	k := open(t)
	base := smallmap{n: 1, c: 64, o: 512, h: 7, w: 7, k: 1, stride: 1}
	relu := dnnl.EltwisePostOp(dnnl.EltwiseReLU, 0, 0)
	for name, change := range map[string]func(*smallmap){
		"large map":       func(m *smallmap) { m.h, m.w = 14, 14 },
		"many images":     func(m *smallmap) { m.n = 3 },
		"narrow map":      func(m *smallmap) { m.w = 4 },
		"few weights":     func(m *smallmap) { m.o = 256 },
		"odd channels":    func(m *smallmap) { m.c = 72 },
		"sum of half":     func(m *smallmap) { m.post = []dnnl.PostOp{dnnl.SumPostOp(0.5, 0, dnnl.F32)} },
		"sum at last":     func(m *smallmap) { m.post = []dnnl.PostOp{relu, dnnl.SumPostOp(1, 0, dnnl.F32)} },
		"leaky relu":      func(m *smallmap) { m.post = []dnnl.PostOp{dnnl.EltwisePostOp(dnnl.EltwiseReLU, 0.1, 0)} },
		"3x3 of too many": func(m *smallmap) { m.c, m.k, m.pads = 528, 3, [4]int{1, 1, 1, 1} },
	} {
		m := base
		change(&m)
		if p, err := m.spec(k, dnnl.Own).New(k.engine); err == nil {
			t.Errorf("%s: made %v", name, p)
			p.Close()
		}
	}
}

// BenchmarkSmallMap shows the last layers of ResNet-50 and MobileNet-V1 in
// multiply-adds, by Octet's kernel and by oneDNN, on two threads. Each run finds
// its weights in memory, as they come by once an image.
func BenchmarkSmallMap(b *testing.B) {
	needAVX512(b)
	pad := [4]int{1, 1, 1, 1}
	for _, m := range []smallmap{
		{n: 1, c: 512, o: 2048, h: 7, w: 7, k: 1, stride: 1}, {n: 1, c: 2048, o: 512, h: 7, w: 7, k: 1, stride: 1},
		{n: 1, c: 512, o: 512, h: 7, w: 7, k: 3, stride: 1, pads: pad}, {n: 1, c: 512, o: 512, h: 14, w: 14, k: 3, stride: 2, pads: pad},
		{n: 1, c: 1024, o: 2048, h: 14, w: 14, k: 1, stride: 2}, {n: 1, c: 1024, o: 1024, h: 7, w: 7, k: 1, stride: 1},
	} {
		for _, impl := range []string{dnnl.Own, ""} {
			b.Run(fmt.Sprintf("%d_%dx%d_o%d_k%d_s%d/%s", m.c, m.h, m.w, m.o, m.k, m.stride, cmp.Or(impl, "onednn")), func(b *testing.B) { m.bench(b, impl) })
		}
	}
}

func (m smallmap) bench(b *testing.B, impl string) {
	k := open(b)
	s := must(k, func() (*dnnl.Stream, error) { return dnnl.NewStreamThreads(k.engine, 2) })
	p, x := k.primitive(m.spec(k, impl)), m.data()
	src, dst := k.memory(p.Desc(dnnl.ArgSrc)), k.memory(p.Desc(dnnl.ArgDst))
	const bytes = 128 << 20 // of different weights: more than caches hold of them
	var steps []dnnl.Step
	for range bytes / (4 * len(x.weights)) {
		args := append(m.arguments(k, p, x), dnnl.ArgMem{Arg: dnnl.ArgSrc, Mem: src}, dnnl.ArgMem{Arg: dnnl.ArgDst, Mem: dst})
		steps = append(steps, dnnl.Step{Primitive: p, Args: args})
	}
	c := must(k, func() (*dnnl.Chain, error) { return dnnl.NewChain(steps, nil) })
	for b.Loop() {
		if err := c.Run(s, nil); err != nil {
			b.Fatal(err)
		}
	}
	oh, ow := m.out()
	b.ReportMetric(float64(m.n*oh*ow*len(x.weights)*len(steps)*b.N)/float64(b.Elapsed().Nanoseconds()), "GMAC/s")
}
