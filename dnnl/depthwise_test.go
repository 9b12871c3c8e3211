//go:build cgo

package dnnl_test

import (
	"bytes"
	"cmp"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unsafe"

	"github.com/octet-dnn/octet/dnnl"
)

// A depthwise is a depthwise convolution of 8-bit integers.
type depthwise struct {
	n, c, h, w int
	k, stride  int
	padL, padR []int
	src, dst   dnnl.DataType
	post       []dnnl.PostOp
	noBias     bool
	oneScale   bool // of the weights
}

func (d depthwise) String() string {
	return fmt.Sprintf("%v>%v %dx%dx%dx%d k%d s%d p%v:%v post %v", d.src, d.dst, d.n, d.c, d.h, d.w, d.k, d.stride, d.padL, d.padR, d.post)
}

func (d depthwise) out() (h, w int) {
	return (d.h+d.padL[0]+d.padR[0]-d.k)/d.stride + 1, (d.w+d.padL[1]+d.padR[1]-d.k)/d.stride + 1
}

func (d depthwise) scales() []dnnl.ScaleMask {
	mask := 3
	if d.oneScale {
		mask = 0
	}
	return []dnnl.ScaleMask{{Arg: dnnl.ArgSrc}, {Arg: dnnl.ArgWeights, Mask: mask}, {Arg: dnnl.ArgDst}}
}

// spec describes d for implementation impl.
func (d depthwise) spec(k *kit, impl string) dnnl.Convolution {
	k.Helper()
	oh, ow := d.out()
	s := dnnl.Convolution{
		Src: k.desc([]int{d.n, d.c, d.h, d.w}, d.src, dnnl.NHWC), Weights: k.desc([]int{d.c, 1, 1, d.k, d.k}, dnnl.S8, dnnl.Any),
		Dst:     k.desc([]int{d.n, d.c, oh, ow}, d.dst, dnnl.NHWC),
		Strides: []int{d.stride, d.stride}, PadL: d.padL, PadR: d.padR,
		Attr: dnnl.Attr{Scales: d.scales(), PostOps: d.post, Impl: impl},
	}
	if !d.noBias {
		s.Bias = k.desc([]int{d.c}, dnnl.F32, dnnl.A)
	}
	return s
}

// A depthwiseData is what the implementations compute on. It is of full range,
// with an odd scale for everything, so that roundings show.
type depthwiseData struct {
	src, weights []byte
	bias, scales []float32
	srcScale     []float32
	dstScale     []float32
}

func (d depthwise) data(seed uint64) depthwiseData {
	r := rand.New(rand.NewPCG(seed, 1))
	random := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return b
	}
	reals := func(n int, scale float32) []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = scale * (0.5 + r.Float32())
		}
		return x
	}
	x := depthwiseData{src: random(d.n * d.c * d.h * d.w), weights: random(d.c * d.k * d.k), bias: reals(d.c, 2)}
	x.srcScale, x.scales, x.dstScale = reals(1, 0.02), reals(d.c, 0.01), []float32{6. / 255}
	if d.oneScale {
		x.scales = x.scales[:1]
	}
	for i := range x.bias {
		x.bias[i] -= 2
	}
	return x
}

// arguments gives p what it wants of x, all but src and dst.
func (x depthwiseData) arguments(k *kit, p *dnnl.Primitive, d depthwise) []dnnl.ArgMem {
	k.Helper()
	plain := tensor(k, k.desc([]int{d.c, 1, 1, d.k, d.k}, dnnl.S8, dnnl.ABCDE), x.weights...)
	weights := k.memory(p.Desc(dnnl.ArgWeights))
	r := k.primitive(dnnl.Reorder{Src: plain.Desc(), Dst: weights.Desc()})
	k.run(r, dnnl.ArgMem{Arg: dnnl.ArgSrc, Mem: plain}, dnnl.ArgMem{Arg: dnnl.ArgDst, Mem: weights})
	floats := func(v []float32) *dnnl.Memory { return tensor(k, k.desc([]int{len(v)}, dnnl.F32, dnnl.A), v...) }
	args := []dnnl.ArgMem{
		{Arg: dnnl.ArgWeights, Mem: weights}, {Arg: dnnl.ArgScale(dnnl.ArgSrc), Mem: floats(x.srcScale)},
		{Arg: dnnl.ArgScale(dnnl.ArgWeights), Mem: floats(x.scales)}, {Arg: dnnl.ArgScale(dnnl.ArgDst), Mem: floats(x.dstScale)},
	}
	if !d.noBias {
		args = append(args, dnnl.ArgMem{Arg: dnnl.ArgBias, Mem: floats(x.bias)})
	}
	return k.withScratchpad(p, args)
}

// compute runs d by impl on stream s and returns dst. Both tensors are bound,
// one byte off any alignment, and what lies around dst must stay as it is.
func (d depthwise) compute(k *kit, s *dnnl.Stream, impl string, x depthwiseData) []byte {
	k.Helper()
	p := k.primitive(d.spec(k, impl))
	src, dst := k.unplaced(p.Desc(dnnl.ArgSrc)), k.unplaced(p.Desc(dnnl.ArgDst))
	args := append(x.arguments(k, p, d), dnnl.ArgMem{Arg: dnnl.ArgSrc, Mem: src}, dnnl.ArgMem{Arg: dnnl.ArgDst, Mem: dst})
	const guard = 65
	from, to := k.buffer(len(x.src)+1), k.buffer(dst.Desc().Size()+2*guard)
	copy(from.Bytes()[1:], x.src)
	for i := range to.Bytes() {
		to.Bytes()[i] = 0xa5
	}
	bound := []dnnl.Bound{{Mem: src, Offset: 1}, {Mem: dst, Pointer: 1, Offset: guard}}
	c := must(k, func() (*dnnl.Chain, error) { return dnnl.NewChain([]dnnl.Step{{Primitive: p, Args: args}}, bound) })
	if err := c.Run(s, []unsafe.Pointer{from.At(0), to.At(0)}); err != nil {
		k.Fatal(err)
	}
	all := to.Bytes()
	for i, b := range all {
		if (i < guard || i >= len(all)-guard) && b != 0xa5 {
			k.Fatalf("%v: wrote byte %d around dst of %d", d, i-guard, len(all)-2*guard)
		}
	}
	return bytes.Clone(all[guard : len(all)-guard])
}

// needOwnDepthwise skips where Octet has no kernel for the CPU, and byte
// equality could not be asked for.
func needOwnDepthwise(t testing.TB) {
	t.Helper()
	if isa := dnnl.EffectiveCPUISA(); isa&dnnl.ISAAVX512CoreVNNI != dnnl.ISAAVX512CoreVNNI {
		t.Skipf("SKIP-HARDWARE: %v has no AVX-512 VNNI", isa)
	}
}

func (d depthwise) compare(t *testing.T, threads int) {
	t.Helper()
	k := open(t)
	s := must(k, func() (*dnnl.Stream, error) { return dnnl.NewStreamThreads(k.engine, threads) })
	x := d.data(uint64(d.c*d.h + d.w))
	got, want := d.compute(k, s, dnnl.Own, x), d.compute(k, s, "", x)
	for i := range want {
		if got[i] != want[i] {
			_, ow := d.out()
			t.Fatalf("%v: %d, oneDNN %d at pixel %d,%d channel %d", d, got[i], want[i], i/d.c/ow, i/d.c%ow, i%d.c)
		}
	}
}

// Octet's kernel gives oneDNN's bytes for everything that it takes.
func TestDepthwiseEqualsOneDNN(t *testing.T) {
	needOwnDepthwise(t)
	relu6 := []dnnl.PostOp{dnnl.EltwisePostOp(dnnl.EltwiseClip, 0, 6)}
	base := depthwise{n: 1, c: 64, h: 9, w: 9, k: 3, stride: 1, padL: []int{1, 1}, padR: []int{1, 1}, src: dnnl.U8, dst: dnnl.U8}
	var cases []depthwise
	add := func(change func(*depthwise)) {
		for _, k := range []int{3, 5} {
			for _, stride := range []int{1, 2} {
				for _, src := range []dnnl.DataType{dnnl.U8, dnnl.S8} {
					d := base
					d.k, d.stride, d.src = k, stride, src
					d.padL, d.padR = []int{k / 2, k / 2}, []int{k / 2, k / 2}
					change(&d)
					cases = append(cases, d)
				}
			}
		}
	}
	for c := 1; c <= 130; c += 1 + c/24 {
		add(func(d *depthwise) { d.c = c })
	}
	for w := 1; w <= 11; w++ {
		add(func(d *depthwise) { d.w, d.c = w, 64 })
		add(func(d *depthwise) { d.w, d.c, d.h = w, 32, 1+w/2 })
		add(func(d *depthwise) { d.w, d.h, d.c = w, 12-w, 80 })
	}
	for _, p := range [][]int{{0, 1, 1, 0}, {1, 0, 0, 1}, {2, 0, 0, 2}, {0, 2, 2, 1}, {3, 3, 3, 3}, {0, 0, 0, 0}} {
		add(func(d *depthwise) { d.padL, d.padR, d.c = p[:2], p[2:], 96 })
	}
	for _, post := range [][]dnnl.PostOp{
		relu6, {dnnl.EltwisePostOp(dnnl.EltwiseReLU, 0, 0)}, {dnnl.EltwisePostOp(dnnl.EltwiseClip, 0, 3)},
		{dnnl.EltwisePostOp(dnnl.EltwiseClip, -1, 2)}, {dnnl.EltwisePostOp(dnnl.EltwiseClip, 0.5, 2.5)},
	} {
		for _, dst := range []dnnl.DataType{dnnl.U8, dnnl.S8} {
			add(func(d *depthwise) { d.post, d.dst = post, dst })
		}
	}
	add(func(d *depthwise) { d.noBias = true })
	add(func(d *depthwise) { d.oneScale, d.n = true, 3 })
	add(func(d *depthwise) { d.n, d.h, d.w, d.c = 2, 28, 28, 160 })
	for _, d := range cases {
		t.Run(strings.ReplaceAll(d.String(), " ", "_"), func(t *testing.T) { d.compare(t, 1) })
	}
}

// Threads share the work; more than there is work for too.
func TestDepthwiseOnThreads(t *testing.T) {
	needOwnDepthwise(t)
	for _, threads := range []int{2, 3, 8} {
		for _, c := range []int{32, 64, 200} {
			d := depthwise{n: 2, c: c, h: 19, w: 7, k: 3, stride: 1, padL: []int{1, 1}, padR: []int{1, 1}, src: dnnl.S8, dst: dnnl.U8}
			t.Run(fmt.Sprintf("%d/%d", threads, c), func(t *testing.T) { d.compare(t, threads) })
		}
	}
}

// What the kernel does not do is refused, so that oneDNN does it.
func TestDepthwiseRefuses(t *testing.T) {
	k := open(t)
	base := depthwise{n: 1, c: 64, h: 9, w: 9, k: 3, stride: 1, padL: []int{1, 1}, padR: []int{1, 1}, src: dnnl.U8, dst: dnnl.U8}
	for name, change := range map[string]func(*dnnl.Convolution){
		"dilation": func(s *dnnl.Convolution) { s.Dilations, s.PadL, s.PadR = []int{1, 1}, []int{2, 2}, []int{2, 2} },
		"unequal stride": func(s *dnnl.Convolution) {
			s.Strides, s.Dst = []int{1, 2}, k.desc([]int{1, 64, 9, 5}, dnnl.U8, dnnl.NHWC)
		},
		"f32":            func(s *dnnl.Convolution) { s.Dst = k.desc([]int{1, 64, 9, 9}, dnnl.F32, dnnl.NHWC) },
		"channels first": func(s *dnnl.Convolution) { s.Src = k.desc([]int{1, 64, 9, 9}, dnnl.U8, dnnl.NCHW) },
		"sum":            func(s *dnnl.Convolution) { s.Attr.PostOps = []dnnl.PostOp{dnnl.SumPostOp(1, 0, 0)} },
		"leaky relu": func(s *dnnl.Convolution) {
			s.Attr.PostOps = []dnnl.PostOp{dnnl.EltwisePostOp(dnnl.EltwiseReLU, 0.1, 0)}
		},
		"zero point":    func(s *dnnl.Convolution) { s.Attr.ZeroPoints = []dnnl.ScaleMask{{Arg: dnnl.ArgSrc}} },
		"wrong size":    func(s *dnnl.Convolution) { s.Dst = k.desc([]int{1, 64, 10, 9}, dnnl.U8, dnnl.NHWC) },
		"given weights": func(s *dnnl.Convolution) { s.Weights = k.desc([]int{64, 1, 1, 3, 3}, dnnl.S8, dnnl.ABCDE) },
	} {
		s := base.spec(k, dnnl.Own)
		change(&s)
		if p, err := s.New(k.engine); err == nil {
			t.Errorf("%s: made %v", name, p)
			p.Close()
		}
	}
}

// The kernels are listed before oneDNN's where they fit.
func TestDepthwiseIsListed(t *testing.T) {
	needOwnDepthwise(t)
	k := open(t)
	d := depthwise{n: 1, c: 64, h: 9, w: 9, k: 3, stride: 1, padL: []int{1, 1}, padR: []int{1, 1}, src: dnnl.U8, dst: dnnl.U8}
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
		d := depthwise{n: 1, c: l[0], h: l[1], w: l[1], k: 3, stride: l[2], padL: []int{1, 1}, padR: []int{1, 1}, src: dnnl.U8, dst: dnnl.U8,
			post: []dnnl.PostOp{dnnl.EltwisePostOp(dnnl.EltwiseClip, 0, 6)}}
		for _, impl := range []string{dnnl.Own, ""} {
			b.Run(fmt.Sprintf("%dx%dx%d_s%d/%s", l[0], l[1], l[1], l[2], cmp.Or(impl, "onednn")), func(b *testing.B) {
				oneThread()
				k := open(b)
				p, err := d.spec(k, impl).New(k.engine)
				if err != nil {
					b.Skipf("SKIP-HARDWARE: %v", err)
				}
				defer p.Close()
				args := append(d.data(1).arguments(k, p, d), dnnl.ArgMem{Arg: dnnl.ArgSrc, Mem: k.memory(p.Desc(dnnl.ArgSrc))},
					dnnl.ArgMem{Arg: dnnl.ArgDst, Mem: k.memory(p.Desc(dnnl.ArgDst))})
				for b.Loop() {
					if err := p.Execute(k.stream, args...); err != nil {
						b.Fatal(err)
					}
				}
				oh, ow := d.out()
				b.ReportMetric(float64(d.c*oh*ow*9*b.N)/float64(b.Elapsed().Nanoseconds()), "GMAC/s")
			})
		}
	}
}
