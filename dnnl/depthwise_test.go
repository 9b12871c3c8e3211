//go:build cgo

package dnnl_test

import (
	"cmp"
	"fmt"
	"slices"
	"testing"

	"github.com/octet-dnn/octet/dnnl"
)

// What Octet's kernels compute, package conformance tests: here is what its cases
// cannot say.

// A depthwise is a depthwise convolution of a square map, u8, 3x3.
type depthwise struct{ c, size, stride int }

func (d depthwise) out() int { return (d.size-1)/d.stride + 1 }

// spec describes d for implementation impl.
func (d depthwise) spec(k *kit, impl string) dnnl.Convolution {
	k.Helper()
	return dnnl.Convolution{
		Src: k.desc([]int{1, d.c, d.size, d.size}, dnnl.U8, dnnl.NHWC), Weights: k.desc([]int{d.c, 1, 1, 3, 3}, dnnl.S8, dnnl.Any),
		Bias: k.desc([]int{d.c}, dnnl.F32, dnnl.A), Dst: k.desc([]int{1, d.c, d.out(), d.out()}, dnnl.U8, dnnl.NHWC),
		Strides: []int{d.stride, d.stride}, PadL: []int{1, 1}, PadR: []int{1, 1},
		Attr: dnnl.Attr{
			Scales:  []dnnl.ScaleMask{{Arg: dnnl.ArgSrc}, {Arg: dnnl.ArgWeights, Mask: 3}, {Arg: dnnl.ArgDst}},
			PostOps: []dnnl.PostOp{dnnl.EltwisePostOp(dnnl.EltwiseClip, 0, 6)}, Impl: impl,
		},
	}
}

// arguments gives p memories for what it wants: zeros, and scales of one.
func (d depthwise) arguments(k *kit, p *dnnl.Primitive) []dnnl.ArgMem {
	k.Helper()
	var args []dnnl.ArgMem
	for _, a := range []dnnl.Arg{dnnl.ArgSrc, dnnl.ArgWeights, dnnl.ArgBias, dnnl.ArgDst} {
		args = append(args, dnnl.ArgMem{Arg: a, Mem: k.memory(p.Desc(a))})
	}
	for a, n := range map[dnnl.Arg]int{dnnl.ArgSrc: 1, dnnl.ArgWeights: d.c, dnnl.ArgDst: 1} {
		ones := slices.Repeat([]float32{1}, n)
		args = append(args, dnnl.ArgMem{Arg: dnnl.ArgScale(a), Mem: tensor(k, k.f32(n), ones...)})
	}
	return k.withScratchpad(p, args)
}

// needOwnDepthwise skips where Octet has no kernel for the CPU.
func needOwnDepthwise(t testing.TB) {
	t.Helper()
	if isa := dnnl.EffectiveCPUISA(); isa&dnnl.ISAAVX512CoreVNNI != dnnl.ISAAVX512CoreVNNI {
		t.Skipf("SKIP-HARDWARE: %v has no AVX-512 VNNI", isa)
	}
}

// A kernel trusts the sizes: it takes none that do not agree.
func TestDepthwiseRefusesAWrongSize(t *testing.T) {
	k := open(t)
	s := depthwise{c: 64, size: 9, stride: 1}.spec(k, dnnl.Own)
	s.Dst = k.desc([]int{1, 64, 10, 9}, dnnl.U8, dnnl.NHWC)
	if p, err := s.New(k.engine); err == nil {
		t.Errorf("made %v", p)
		p.Close()
	}
}

// The kernels are listed before oneDNN's where they fit.
func TestDepthwiseIsListed(t *testing.T) {
	needOwnDepthwise(t)
	k := open(t)
	d := depthwise{c: 64, size: 9, stride: 1}
	names, err := d.spec(k, "").Impls(k.engine)
	if err != nil {
		t.Fatal(err)
	}
	if len(names) < 2 || names[0] != "octet_dw:avx512_core_vnni" {
		t.Errorf("implementations %v", names)
	}
	p := k.primitive(d.spec(k, names[0]))
	if p.Impl() != names[0] || p.Reference() {
		t.Errorf("%v: reference %v", p, p.Reference())
	}
	if err := p.Execute(k.stream); err == nil {
		t.Error("executed without arguments")
	}
}

// BenchmarkDepthwise shows the layers of MobileNet-V1 in multiply-adds, by
// Octet's kernel and by oneDNN, on one thread and with the maps in the cache.
func BenchmarkDepthwise(b *testing.B) {
	for _, l := range [][3]int{{32, 112, 1}, {64, 112, 2}, {128, 56, 1}, {128, 56, 2}, {256, 28, 1}, {256, 28, 2}, {512, 14, 1}, {512, 14, 2}, {1024, 7, 1}} {
		d := depthwise{c: l[0], size: l[1], stride: l[2]}
		for _, impl := range []string{dnnl.Own, ""} {
			b.Run(fmt.Sprintf("%dx%dx%d_s%d/%s", l[0], l[1], l[1], l[2], cmp.Or(impl, "onednn")), func(b *testing.B) {
				oneThread()
				k := open(b)
				p, err := d.spec(k, impl).New(k.engine)
				if err != nil {
					b.Skipf("SKIP-HARDWARE: %v", err)
				}
				defer p.Close()
				args := d.arguments(k, p)
				for b.Loop() {
					if err := p.Execute(k.stream, args...); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(d.c*d.out()*d.out()*9*b.N)/float64(b.Elapsed().Nanoseconds()), "GMAC/s")
			})
		}
	}
}
