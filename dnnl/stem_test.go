//go:build cgo

package dnnl_test

import (
	"testing"

	"github.com/octet-dnn/octet/dnnl"
)

// What a stem computes, package conformance tests: here is what its cases
// cannot say.

// aStem is a stem of 3 channels.
func aStem(k *kit) dnnl.Stem {
	k.Helper()
	return dnnl.Stem{
		Picture: k.desc([]int{1, 3, 21, 37}, dnnl.F32, dnnl.NCHW),
		Conv: dnnl.Convolution{
			Src: k.desc([]int{1, 3, 21, 37}, dnnl.S8, dnnl.NHWC), Weights: k.desc([]int{32, 3, 3, 3}, dnnl.S8, dnnl.Any),
			Dst: k.desc([]int{1, 32, 11, 19}, dnnl.U8, dnnl.NHWC), Strides: []int{2, 2}, PadL: []int{1, 1}, PadR: []int{1, 1},
		},
	}
}

// needOwnStem skips where Octet has no kernel for the CPU.
func needOwnStem(t testing.TB) {
	t.Helper()
	if isa := dnnl.EffectiveCPUISA(); isa&dnnl.ISAAVX512CoreVNNI != dnnl.ISAAVX512CoreVNNI {
		t.Skipf("SKIP-HARDWARE: %v has no AVX-512 VNNI", isa)
	}
}

// The kernels trust the sizes, and the type of the bytes that they take as they
// are: they take none that do not agree.
func TestStemRefusesWhatDoesNotAgree(t *testing.T) {
	needOwnStem(t)
	k := open(t)
	must(k, func() (*dnnl.Primitive, error) { return aStem(k).New(k.engine) })
	for name, change := range map[string]func(*dnnl.Stem){
		"another picture": func(s *dnnl.Stem) { s.Picture = k.desc([]int{1, 3, 21, 38}, dnnl.F32, dnnl.NCHW) },
		"wrong size":      func(s *dnnl.Stem) { s.Conv.Dst = k.desc([]int{1, 32, 12, 19}, dnnl.U8, dnnl.NHWC) },
		"s8 taken as u8":  func(s *dnnl.Stem) { s.Picture = k.desc([]int{1, 3, 21, 37}, dnnl.U8, dnnl.NCHW) },
		"shifted s8 taken as u8": func(s *dnnl.Stem) {
			s.Picture, s.Shift = k.desc([]int{1, 3, 21, 37}, dnnl.U8, dnnl.NCHW), true
		},
	} {
		s := aStem(k)
		change(&s)
		if p, err := s.New(k.engine); err == nil {
			t.Errorf("%s: made %v", name, p)
			p.Close()
		}
	}
}

// An execution must give the factor of the pixels.
func TestStemNeedsFactor(t *testing.T) {
	needOwnStem(t)
	k := open(t)
	p := k.primitive(aStem(k))
	var args []dnnl.ArgMem
	for _, a := range []dnnl.Arg{dnnl.ArgSrc, dnnl.ArgWeights, dnnl.ArgDst} {
		args = append(args, dnnl.ArgMem{Arg: a, Mem: k.memory(p.Desc(a))})
	}
	args = k.withScratchpad(p, args)
	if err := p.Execute(k.stream, args...); err == nil {
		t.Error("executed without a factor")
	}
	args = append(args, dnnl.ArgMem{Arg: dnnl.ArgFactor, Mem: tensor(k, k.f32(1), float32(64))})
	if err := p.Execute(k.stream, args...); err != nil {
		t.Error(err)
	}
}
