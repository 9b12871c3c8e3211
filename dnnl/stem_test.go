//go:build cgo

package dnnl_test

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/octet-dnn/octet/dnnl"
)

// A stem is a convolution of a picture, quantised by it or before.
type stem struct {
	n, c, h, w, oc int
	k, stride      int
	padL, padR     []int
	layout         dnnl.Tag // of the picture
	pixels, dst    dnnl.DataType
	post           []dnnl.PostOp
	noBias         bool
	oneScale       bool // of the weights
	special        bool // some pixels are no numbers, or far out of range
}

func (s stem) String() string {
	return fmt.Sprintf("%v>%v_%dx%dx%dx%d_oc%d_k%d_s%d_p%v:%v_post%v", s.pixels, s.dst, s.n, s.c, s.h, s.w, s.oc, s.k, s.stride, s.padL, s.padR, s.post)
}

func (s stem) out() (h, w int) {
	return (s.h+s.padL[0]+s.padR[0]-s.k)/s.stride + 1, (s.w+s.padL[1]+s.padR[1]-s.k)/s.stride + 1
}

func (s stem) conv(k *kit, impl string) dnnl.Convolution {
	k.Helper()
	oh, ow := s.out()
	mask := 1
	if s.oneScale {
		mask = 0
	}
	c := dnnl.Convolution{
		Src: k.desc([]int{s.n, s.c, s.h, s.w}, s.pixels, dnnl.NHWC), Weights: k.desc([]int{s.oc, s.c, s.k, s.k}, dnnl.S8, dnnl.Any),
		Dst:     k.desc([]int{s.n, s.oc, oh, ow}, s.dst, dnnl.NHWC),
		Strides: []int{s.stride, s.stride}, PadL: s.padL, PadR: s.padR,
		Attr: dnnl.Attr{Scales: []dnnl.ScaleMask{{Arg: dnnl.ArgSrc}, {Arg: dnnl.ArgWeights, Mask: mask}, {Arg: dnnl.ArgDst}}, PostOps: s.post, Impl: impl},
	}
	if !s.noBias {
		c.Bias = k.desc([]int{s.oc}, dnnl.F32, dnnl.A)
	}
	return c
}

// A stemData is what the implementations compute on, with an odd scale for
// everything, so that roundings show.
type stemData struct {
	picture                        []float32
	weights                        []byte
	bias, scales                   []float32
	factor, pixelScale, outerScale float32
}

func (s stem) data() stemData {
	r := rand.New(rand.NewPCG(uint64(s.w*s.oc+s.k), 2))
	x := stemData{picture: make([]float32, s.n*s.c*s.h*s.w), weights: make([]byte, s.oc*s.c*s.k*s.k), bias: make([]float32, s.oc),
		scales: make([]float32, s.oc), factor: 64, pixelScale: 1 / 57.3, outerScale: 6. / 255}
	special := []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)), 1e30, -1e30, math.MaxFloat32, 3e9, -3e9}
	for i := range x.picture {
		x.picture[i] = 2.2 * float32(r.NormFloat64())
		switch r.IntN(8) {
		case 0:
			x.picture[i] = (float32(r.IntN(300)-150) + 0.5) / 64 // a tie
		case 1:
			if s.special {
				x.picture[i] = special[r.IntN(len(special))]
			}
		}
	}
	for i := range x.weights {
		x.weights[i] = byte(r.Uint32())
	}
	for i := range x.bias {
		x.bias[i], x.scales[i] = 2*r.Float32()-1, (0.5+r.Float32())/400/float32(s.k)
	}
	if s.oneScale {
		x.scales = x.scales[:1]
	}
	return x
}

// arguments gives p what it wants of x, all but src and dst.
func (x stemData) arguments(k *kit, p *dnnl.Primitive, s stem) []dnnl.ArgMem {
	k.Helper()
	plain := tensor(k, k.desc([]int{s.oc, s.c, s.k, s.k}, dnnl.S8, dnnl.ABCD), x.weights...)
	weights := k.memory(p.Desc(dnnl.ArgWeights))
	k.run(k.primitive(dnnl.Reorder{Src: plain.Desc(), Dst: weights.Desc()}),
		dnnl.ArgMem{Arg: dnnl.ArgSrc, Mem: plain}, dnnl.ArgMem{Arg: dnnl.ArgDst, Mem: weights})
	floats := func(v ...float32) *dnnl.Memory { return tensor(k, k.desc([]int{len(v)}, dnnl.F32, dnnl.A), v...) }
	args := []dnnl.ArgMem{
		{Arg: dnnl.ArgWeights, Mem: weights}, {Arg: dnnl.ArgScale(dnnl.ArgSrc), Mem: floats(x.pixelScale)},
		{Arg: dnnl.ArgScale(dnnl.ArgWeights), Mem: floats(x.scales...)}, {Arg: dnnl.ArgScale(dnnl.ArgDst), Mem: floats(x.outerScale)},
	}
	if !s.noBias {
		args = append(args, dnnl.ArgMem{Arg: dnnl.ArgBias, Mem: floats(x.bias...)})
	}
	return k.withScratchpad(p, args)
}

// compute runs conv on bytes src, one byte off any alignment where that is
// possible, and returns dst; what lies around dst must stay as it is.
func (s stem) compute(k *kit, st *dnnl.Stream, p *dnnl.Primitive, x stemData, src []byte, more ...dnnl.ArgMem) []byte {
	k.Helper()
	from, to := k.unplaced(p.Desc(dnnl.ArgSrc)), k.unplaced(p.Desc(dnnl.ArgDst))
	args := append(x.arguments(k, p, s), dnnl.ArgMem{Arg: dnnl.ArgSrc, Mem: from}, dnnl.ArgMem{Arg: dnnl.ArgDst, Mem: to})
	const guard = 65
	off := p.Desc(dnnl.ArgSrc).DataType().Size()
	in, out := k.buffer(len(src)+off), k.buffer(to.Desc().Size()+2*guard)
	copy(in.Bytes()[off:], src)
	for i := range out.Bytes() {
		out.Bytes()[i] = 0xa5
	}
	bound := []dnnl.Bound{{Mem: from, Offset: off}, {Mem: to, Pointer: 1, Offset: guard}}
	c := must(k, func() (*dnnl.Chain, error) {
		return dnnl.NewChain([]dnnl.Step{{Primitive: p, Args: append(args, more...)}}, bound)
	})
	if err := c.Run(st, []unsafe.Pointer{in.At(0), out.At(0)}); err != nil {
		k.Fatal(err)
	}
	all := out.Bytes()
	for i, b := range all {
		if (i < guard || i >= len(all)-guard) && b != 0xa5 {
			k.Fatalf("%v: wrote byte %d around dst of %d", s, i-guard, len(all)-2*guard)
		}
	}
	return bytes.Clone(all[guard : len(all)-guard])
}

// quantise has oneDNN quantise the picture.
func (s stem) quantise(k *kit, picture *dnnl.Memory, factor *dnnl.Memory) []byte {
	k.Helper()
	b := k.buffer(s.n * s.c * s.h * s.w)
	dst := must(k, func() (*dnnl.Memory, error) {
		return b.Memory(k.engine, k.desc([]int{s.n, s.c, s.h, s.w}, s.pixels, dnnl.NHWC), 0)
	})
	r := k.primitive(dnnl.Reorder{Src: picture.Desc(), Dst: dst.Desc(), Attr: dnnl.Attr{Scales: []dnnl.ScaleMask{{Arg: dnnl.ArgSrc}}}})
	k.run(r, dnnl.ArgMem{Arg: dnnl.ArgSrc, Mem: picture}, dnnl.ArgMem{Arg: dnnl.ArgDst, Mem: dst},
		dnnl.ArgMem{Arg: dnnl.ArgScale(dnnl.ArgSrc), Mem: factor})
	return b.Bytes()
}

// ownStems names the kernels that this CPU can run.
func ownStems(t testing.TB) []string {
	t.Helper()
	var names []string
	isa := dnnl.EffectiveCPUISA()
	if isa&dnnl.ISAAVX512CoreAMX == dnnl.ISAAVX512CoreAMX {
		names = append(names, "octet_stem:avx512_core_amx")
	}
	if isa&dnnl.ISAAVX512CoreVNNI == dnnl.ISAAVX512CoreVNNI {
		names = append(names, "octet_stem:avx512_core_vnni")
	}
	if names == nil {
		t.Skipf("SKIP-HARDWARE: %v has no AVX-512 VNNI", isa)
	}
	return names
}

// compare holds the kernels, on FP32 and on integers, against a reorder and a
// convolution of oneDNN's.
func (s stem) compare(t *testing.T, threads int) {
	t.Helper()
	names := ownStems(t)
	k := open(t)
	oneThread()
	st := must(k, func() (*dnnl.Stream, error) { return dnnl.NewStreamThreads(k.engine, threads) })
	x := s.data()
	picture := tensor(k, k.desc([]int{s.n, s.c, s.h, s.w}, dnnl.F32, s.layout), x.picture...)
	factor := tensor(k, k.desc([]int{1}, dnnl.F32, dnnl.A), x.factor)
	pixels := s.quantise(k, picture, factor)
	want := s.compute(k, st, k.primitive(s.conv(k, "")), x, pixels)
	floats := unsafe.Slice((*byte)(unsafe.Pointer(&x.picture[0])), 4*len(x.picture))
	dnnl.SetNumThreads(threads) // that a kernel has memory for
	for _, name := range names {
		p := k.primitive(dnnl.Stem{Picture: picture.Desc(), Conv: s.conv(k, name)})
		s.equal(t, name, s.compute(k, st, p, x, floats, dnnl.ArgMem{Arg: dnnl.ArgFactor, Mem: factor}), want)
		s.equal(t, name+" on integers", s.compute(k, st, k.primitive(s.conv(k, name)), x, pixels), want)
	}
}

// compareShifted is compare for kernels that shift what they read, on FP32 and
// on integers, against a convolution of oneDNN's of what that becomes, padding
// included.
func (s stem) compareShifted(t *testing.T) {
	t.Helper()
	names := ownStems(t)
	k := open(t)
	x := s.data()
	factors, shifts := []float32{31.1, 57.375, 64, 12.5}[:s.c], []float32{103.53, 16, -7.25, 127.5}[:s.c]
	whole := s.padded(x.picture, factors, shifts)
	around := s
	around.h, around.w, around.padL, around.padR = s.h+s.padL[0]+s.padR[0], s.w+s.padL[1]+s.padR[1], []int{0, 0}, []int{0, 0}
	want := around.compute(k, k.stream, k.primitive(around.conv(k, "")), x, whole)
	factor := tensor(k, k.desc([]int{s.c}, dnnl.F32, dnnl.A), factors...)
	shift := dnnl.ArgMem{Arg: dnnl.ArgShift, Mem: tensor(k, k.desc([]int{s.c}, dnnl.F32, dnnl.A), shifts...)}
	floats := unsafe.Slice((*byte)(unsafe.Pointer(&x.picture[0])), 4*len(x.picture))
	picture := k.desc([]int{s.n, s.c, s.h, s.w}, dnnl.F32, s.layout)
	bytes := k.desc([]int{s.n, s.c, s.h, s.w}, s.pixels, s.layout)
	inner := s.inner(whole)
	for _, name := range names {
		p := k.primitive(dnnl.Stem{Picture: picture, Conv: s.conv(k, name), Shift: true})
		s.equal(t, name+" shifted", s.compute(k, k.stream, p, x, floats, dnnl.ArgMem{Arg: dnnl.ArgFactor, Mem: factor}, shift), want)
		p = k.primitive(dnnl.Stem{Picture: bytes, Conv: s.conv(k, name), Shift: true})
		s.equal(t, name+" shifted, on integers", s.compute(k, k.stream, p, x, inner, shift), want)
	}
}

// at is where pixel y, x of channel c of image n lies in a picture of s's layout.
func (s stem) at(n, c, y, x int) int {
	if s.layout == dnnl.NHWC {
		return ((n*s.h+y)*s.w+x)*s.c + c
	}
	return ((n*s.c+c)*s.h+y)*s.w + x
}

// padded quantises a picture in plain Go, and puts the padding around it: NHWC.
func (s stem) padded(picture, factors, shifts []float32) []byte {
	low, high := float32(math.MinInt8), float32(math.MaxInt8)
	if s.pixels == dnnl.U8 {
		low, high = 0, math.MaxUint8
	}
	var all []byte
	for n := range s.n {
		for y := -s.padL[0]; y < s.h+s.padR[0]; y++ {
			for x := -s.padL[1]; x < s.w+s.padR[1]; x++ {
				for c := range s.c {
					v := shifts[c]
					if y >= 0 && y < s.h && x >= 0 && x < s.w {
						v += float32(picture[s.at(n, c, y, x)] * factors[c])
					}
					if v != v {
						v = low
					}
					all = append(all, byte(int(math.RoundToEven(float64(min(max(v, low), high))))))
				}
			}
		}
	}
	return all
}

// inner takes the padding off again, into s's layout.
func (s stem) inner(padded []byte) []byte {
	b := make([]byte, s.n*s.c*s.h*s.w)
	h, w := s.h+s.padL[0]+s.padR[0], s.w+s.padL[1]+s.padR[1]
	for n := range s.n {
		for y := range s.h {
			for x := range s.w {
				for c := range s.c {
					b[s.at(n, c, y, x)] = padded[((n*h+y+s.padL[0])*w+x+s.padL[1])*s.c+c]
				}
			}
		}
	}
	return b
}

func (s stem) equal(t *testing.T, name string, got, want []byte) {
	t.Helper()
	_, ow := s.out()
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("%s, %v: %d, oneDNN %d at pixel %d,%d channel %d", name, s, got[i], want[i], i/s.oc/ow, i/s.oc%ow, i%s.oc)
		}
	}
}

var stemBase = stem{n: 1, c: 3, h: 21, w: 37, oc: 32, k: 3, stride: 2, padL: []int{1, 1}, padR: []int{1, 1},
	layout: dnnl.NCHW, pixels: dnnl.S8, dst: dnnl.U8, post: []dnnl.PostOp{dnnl.EltwisePostOp(dnnl.EltwiseReLU, 0, 0)}}

// Octet's kernels give the bytes of oneDNN's reorder and convolution.
func TestStemEqualsOneDNN(t *testing.T) {
	ownStems(t)
	relu6 := []dnnl.PostOp{dnnl.EltwisePostOp(dnnl.EltwiseClip, 0, 6)}
	var cases []stem
	add := func(change func(*stem)) {
		s := stemBase
		change(&s)
		cases = append(cases, s)
	}
	for c := 1; c <= 4; c++ {
		for _, k := range []int{2, 3, 5, 7, 11} {
			for _, layout := range []dnnl.Tag{dnnl.NCHW, dnnl.NHWC} {
				for _, pixels := range []dnnl.DataType{dnnl.S8, dnnl.U8} {
					add(func(s *stem) {
						s.c, s.k, s.layout, s.pixels, s.special = c, k, layout, pixels, true
						s.padL, s.padR = []int{k / 2, k / 2}, []int{k / 2, k / 2}
					})
				}
			}
		}
	}
	for _, oc := range []int{1, 8, 15, 16, 17, 31, 33, 48, 49, 63, 64, 65, 96, 100, 130} {
		for _, dst := range []dnnl.DataType{dnnl.U8, dnnl.S8} {
			add(func(s *stem) { s.oc, s.dst = oc, dst })
			add(func(s *stem) { s.oc, s.dst, s.post = oc, dst, nil })
		}
	}
	for w := 6; w <= 40; w++ {
		add(func(s *stem) { s.w, s.h, s.n = w, 8+w%5, 1+w%3 })
	}
	for stride := 1; stride <= 4; stride++ {
		add(func(s *stem) { s.stride, s.oc, s.k, s.n = stride, 64, 5, 2 })
		add(func(s *stem) { s.stride, s.padL, s.padR = stride, []int{0, 2}, []int{2, 1} })
	}
	for _, post := range [][]dnnl.PostOp{relu6, {dnnl.EltwisePostOp(dnnl.EltwiseClip, -1, 2)}} {
		add(func(s *stem) { s.post = post })
		add(func(s *stem) { s.post, s.dst = post, dnnl.S8 })
	}
	add(func(s *stem) { s.noBias = true })
	add(func(s *stem) { s.oneScale, s.n = true, 3 })
	add(func(s *stem) { s.h, s.w, s.k, s.oc, s.padL, s.padR = 96, 96, 7, 64, []int{3, 3}, []int{3, 3} })
	for _, s := range cases {
		t.Run(fmt.Sprintf("%v_%v", s, s.layout), func(t *testing.T) {
			s.compare(t, 1)
			s.compareShifted(t)
		})
	}
}

// Threads share the rows; more than there are rows too.
func TestStemOnThreads(t *testing.T) {
	ownStems(t)
	for _, threads := range []int{2, 3, 8} {
		for _, n := range []int{1, 2, 3} {
			s := stemBase
			s.n, s.h = n, 7
			t.Run(fmt.Sprintf("%d/%d", threads, n), func(t *testing.T) { s.compare(t, threads) })
		}
	}
}

// What the kernels do not do is refused, so that oneDNN does it.
func TestStemRefuses(t *testing.T) {
	k := open(t)
	oh, ow := stemBase.out()
	for name, change := range map[string]func(*dnnl.Stem){
		"five channels": func(s *dnnl.Stem) {
			s.Picture = k.desc([]int{1, 5, 21, 37}, dnnl.F32, dnnl.NCHW)
			s.Conv.Src, s.Conv.Weights = k.desc([]int{1, 5, 21, 37}, dnnl.S8, dnnl.NHWC), k.desc([]int{32, 5, 3, 3}, dnnl.S8, dnnl.Any)
		},
		"another picture": func(s *dnnl.Stem) { s.Picture = k.desc([]int{1, 3, 21, 38}, dnnl.F32, dnnl.NCHW) },
		"s8 taken as u8":  func(s *dnnl.Stem) { s.Picture = k.desc([]int{1, 3, 21, 37}, dnnl.U8, dnnl.NCHW) },
		"f32 result":      func(s *dnnl.Stem) { s.Conv.Dst = k.desc([]int{1, 32, oh, ow}, dnnl.F32, dnnl.NHWC) },
		"channels first":  func(s *dnnl.Stem) { s.Conv.Dst = k.desc([]int{1, 32, oh, ow}, dnnl.U8, dnnl.NCHW) },
		"wrong size":      func(s *dnnl.Stem) { s.Conv.Dst = k.desc([]int{1, 32, oh + 1, ow}, dnnl.U8, dnnl.NHWC) },
		"dilation":        func(s *dnnl.Stem) { s.Conv.Dilations = []int{1, 1} },
		"zero point":      func(s *dnnl.Stem) { s.Conv.Attr.ZeroPoints = []dnnl.ScaleMask{{Arg: dnnl.ArgSrc}} },
		"leaky relu": func(s *dnnl.Stem) {
			s.Conv.Attr.PostOps = []dnnl.PostOp{dnnl.EltwisePostOp(dnnl.EltwiseReLU, 0.1, 0)}
		},
		"a floor above 0": func(s *dnnl.Stem) {
			s.Conv.Attr.PostOps = []dnnl.PostOp{dnnl.EltwisePostOp(dnnl.EltwiseClip, 1, 2)}
		},
		"shifted s8 taken as u8": func(s *dnnl.Stem) {
			s.Picture, s.Shift = k.desc([]int{1, 3, 21, 37}, dnnl.U8, dnnl.NCHW), true
		},
		"given weights": func(s *dnnl.Stem) { s.Conv.Weights = k.desc([]int{32, 3, 3, 3}, dnnl.S8, dnnl.ABCD) },
	} {
		s := dnnl.Stem{Picture: k.desc([]int{1, 3, 21, 37}, dnnl.F32, dnnl.NCHW), Conv: stemBase.conv(k, "")}
		change(&s)
		if p, err := s.New(k.engine); err == nil {
			t.Errorf("%s: made %v", name, p)
			p.Close()
		}
	}
}

// An execution must give the factor of the pixels.
func TestStemNeedsFactor(t *testing.T) {
	ownStems(t)
	k := open(t)
	picture := k.memory(k.desc([]int{1, 3, 21, 37}, dnnl.F32, dnnl.NCHW))
	p := k.primitive(dnnl.Stem{Picture: picture.Desc(), Conv: stemBase.conv(k, "")})
	args := append(stemBase.data().arguments(k, p, stemBase), dnnl.ArgMem{Arg: dnnl.ArgSrc, Mem: picture}, dnnl.ArgMem{Arg: dnnl.ArgDst, Mem: k.memory(p.Desc(dnnl.ArgDst))})
	if err := p.Execute(k.stream, args...); err == nil {
		t.Error("executed without a factor")
	}
}
