//go:build cgo

package dnnl_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/octet-dnn/octet/dnnl"
)

// pictureSpec describes m with a source that is one row of each channel.
func (m smallmap) pictureSpec(k *kit, impl string) dnnl.Convolution {
	k.Helper()
	s := m.spec(k, impl)
	s.Src = k.desc([]int{m.n, m.c, m.h, m.w}, dnnl.F32, dnnl.NCHW)
	return s
}

// computePicture runs m by Octet's kernel on the picture, or by oneDNN's first
// choice on the picture turned before.
func (m smallmap) computePicture(k *kit, threads int, impl string, x smallmapData) (dst []float32, chosen string) {
	k.Helper()
	s := must(k, func() (*dnnl.Stream, error) { return dnnl.NewStreamThreads(k.engine, threads) })
	src := tensor(k, k.desc([]int{m.n, m.c, m.h, m.w}, dnnl.F32, dnnl.NCHW), x.src...)
	spec := m.pictureSpec(k, impl)
	if impl == "" {
		spec = m.spec(k, impl)
		turned := k.memory(spec.Src)
		r := k.primitive(dnnl.Reorder{Src: src.Desc(), Dst: spec.Src})
		k.run(r, dnnl.ArgMem{Arg: dnnl.ArgSrc, Mem: src}, dnnl.ArgMem{Arg: dnnl.ArgDst, Mem: turned})
		src = turned
	}
	p := k.primitive(spec)
	out := k.buffer(p.Desc(dnnl.ArgDst).Size())
	to := must(k, func() (*dnnl.Memory, error) { return out.Memory(k.engine, p.Desc(dnnl.ArgDst), 0) })
	args := append(m.arguments(k, p, x), dnnl.ArgMem{Arg: dnnl.ArgSrc, Mem: src}, dnnl.ArgMem{Arg: dnnl.ArgDst, Mem: to})
	if err := p.Execute(s, args...); err != nil {
		k.Fatal(err)
	}
	return append(dst, dnnl.View[float32](out)...), p.Impl()
}

func (m smallmap) comparePicture(t *testing.T, threads int) {
	t.Helper()
	k, x := open(t), m.data()
	got, impl := m.computePicture(k, threads, dnnl.Own, x)
	if impl != "octet_stem_f32:avx512_core" {
		t.Fatalf("%v: made %s", m, impl)
	}
	want, impl := m.computePicture(k, threads, "", x)
	// Sums of at most 4·11·11 products below 1, each rounded by 2^-24 of at most
	// a few tens.
	tolerance := 1e-4
	if strings.HasPrefix(impl, "brg") {
		tolerance = 0
	}
	for i := range want {
		if d := math.Abs(float64(got[i] - want[i])); !(d <= tolerance) {
			_, ow := m.out()
			t.Fatalf("%v: %v, %s %v at pixel %d,%d channel %d", m, got[i], impl, want[i], i/m.o/ow, i/m.o%ow, i%m.o)
		}
	}
}

// Octet's kernel gives oneDNN's bytes without the picture being turned first.
func TestPictureEqualsOneDNN(t *testing.T) {
	needAVX512(t)
	base := smallmap{n: 1, c: 3, o: 32, h: 37, w: 41, k: 3, stride: 2, pads: [4]int{1, 1, 1, 1}}
	cases := []smallmap{base}
	for _, change := range []func(*smallmap){
		func(m *smallmap) { m.n, m.stride = 3, 1 },
		func(m *smallmap) { m.k, m.o, m.pads = 7, 64, [4]int{3, 3, 3, 3} },
		func(m *smallmap) { m.k, m.o, m.pads = 5, 48, [4]int{0, 4, 4, 0} },
		func(m *smallmap) { m.c, m.k, m.pads = 4, 11, [4]int{2, 2, 2, 2} },
		func(m *smallmap) { m.k, m.pads, m.h, m.w = 2, [4]int{}, 9, 200 },
		func(m *smallmap) { m.o = 24 },
		func(m *smallmap) { m.o = 16 },
		func(m *smallmap) { m.o = 7 },
		func(m *smallmap) { m.noBias, m.post = true, []dnnl.PostOp{dnnl.EltwisePostOp(dnnl.EltwiseReLU, 0, 0)} },
		func(m *smallmap) { m.post = []dnnl.PostOp{dnnl.EltwisePostOp(dnnl.EltwiseClip, 0, 1)} },
		func(m *smallmap) { m.h, m.w = 1, 3 },
	} {
		m := base
		change(&m)
		cases = append(cases, m)
	}
	for _, m := range cases {
		for _, threads := range []int{1, 2} {
			t.Run(fmt.Sprintf("%s/%d", strings.ReplaceAll(m.String(), " ", "_"), threads), func(t *testing.T) { m.comparePicture(t, threads) })
		}
	}
}

// What the kernel does not do is refused.
func TestPictureRefuses(t *testing.T) {
	k := open(t)
	base := smallmap{n: 1, c: 3, o: 32, h: 37, w: 41, k: 3, stride: 2, pads: [4]int{1, 1, 1, 1}}
	for name, change := range map[string]func(*smallmap){
		"one channel":   func(m *smallmap) { m.c = 1 },
		"five channels": func(m *smallmap) { m.c = 5 },
		"1x1":           func(m *smallmap) { m.k, m.pads = 1, [4]int{} },
		"stride 3":      func(m *smallmap) { m.stride = 3 },
		"sum":           func(m *smallmap) { m.post = []dnnl.PostOp{dnnl.SumPostOp(1, 0, dnnl.F32)} },
	} {
		m := base
		change(&m)
		if p, err := m.pictureSpec(k, dnnl.Own).New(k.engine); err == nil {
			t.Errorf("%s: made %v", name, p)
			p.Close()
		}
	}
}
