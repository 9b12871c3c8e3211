//go:build cgo

package dnnl_test

import (
	"math"
	"strings"
	"testing"

	"github.com/octet-dnn/octet/dnnl"
)

// One small case of every kind of primitive, with a result worked out by hand:
// it shows that every field of a spec arrives at oneDNN in its place. What the
// primitives compute over many shapes and types is the conformance suite's.
func TestEveryPrimitive(t *testing.T) {
	k := open(t)
	ramp := func(n int) []float32 { // 1, 2, 3 ...
		v := make([]float32, n)
		for i := range v {
			v[i] = float32(i + 1)
		}
		return v
	}
	img, four := k.f32(1, 1, 3, 3), k.f32(1, 4)
	ones2x2, bias := tensor[float32](k, k.f32(1, 1, 2, 2), 1, 1, 1, 1), tensor[float32](k, k.f32(1), 0.5)
	src := tensor(k, img, ramp(9)...)
	row := tensor[float32](k, four, 1, -2, 3, -4)
	one := tensor(k, four, 1, 1, 1, float32(1))
	src1 := dnnl.ArgMem{Arg: dnnl.ArgSrc1, Mem: one}
	args := func(src *dnnl.Memory, more ...dnnl.ArgMem) []dnnl.ArgMem {
		return append([]dnnl.ArgMem{{Arg: dnnl.ArgSrc, Mem: src}}, more...)
	}
	weights := func(w, b *dnnl.Memory) []dnnl.ArgMem {
		return []dnnl.ArgMem{{Arg: dnnl.ArgWeights, Mem: w}, {Arg: dnnl.ArgBias, Mem: b}}
	}
	two := []dnnl.ArgMem{{Arg: dnnl.ArgMultipleSrc(0), Mem: row}, {Arg: dnnl.ArgMultipleSrc(1), Mem: one}}
	ipWeights := tensor[float32](k, k.f32(2, 4), 1, 0, 0, 0, 1, 1, 1, 1)
	mmWeights := tensor[float32](k, k.f32(4, 2), 1, 1, 0, 1, 0, 1, 0, 1)
	bias2 := tensor[float32](k, k.f32(2), 10, 20)
	rowBias := tensor[float32](k, k.f32(1, 2), 10, 20)
	chans := tensor(k, k.f32(1, 4, 1, 1), ramp(4)...)
	ln := tensor[float32](k, k.f32(2, 2), 1, 3, -5, 5)
	ones := []int{1, 1}
	e := float32(math.E)

	tests := []struct {
		name string
		spec spec
		args []dnnl.ArgMem
		dst  *dnnl.Desc
		want []float32
	}{
		{"convolution", dnnl.Convolution{Src: img, Weights: ones2x2.Desc(), Bias: bias.Desc(), Dst: k.f32(1, 1, 2, 2)},
			args(src, weights(ones2x2, bias)...), k.f32(1, 1, 2, 2), []float32{12.5, 16.5, 24.5, 28.5}},
		{"convolution, strided and padded on the left", dnnl.Convolution{Src: img, Weights: ones2x2.Desc(),
			Bias: bias.Desc(), Dst: k.f32(1, 1, 2, 2), Strides: []int{2, 2}, PadL: ones},
			args(src, weights(ones2x2, bias)...), k.f32(1, 1, 2, 2), []float32{1.5, 5.5, 11.5, 28.5}},
		{"convolution, dilated", dnnl.Convolution{Src: img, Weights: ones2x2.Desc(), Bias: bias.Desc(),
			Dst: k.f32(1, 1, 1, 1), Dilations: ones},
			args(src, weights(ones2x2, bias)...), k.f32(1, 1, 1, 1), []float32{20.5}},
		{"deconvolution", dnnl.Deconvolution{Src: k.f32(1, 1, 1, 1), Weights: ones2x2.Desc(), Bias: bias.Desc(),
			Dst: k.f32(1, 1, 2, 2)},
			args(tensor[float32](k, k.f32(1, 1, 1, 1), 3), weights(ones2x2, bias)...), k.f32(1, 1, 2, 2),
			[]float32{3.5, 3.5, 3.5, 3.5}},
		{"inner product", dnnl.InnerProduct{Src: four, Weights: ipWeights.Desc(), Bias: bias2.Desc(), Dst: k.f32(1, 2)},
			args(row, weights(ipWeights, bias2)...), k.f32(1, 2), []float32{11, 18}},
		{"matmul", dnnl.MatMul{Src: four, Weights: mmWeights.Desc(), Bias: rowBias.Desc(), Dst: k.f32(1, 2)},
			args(row, weights(mmWeights, rowBias)...), k.f32(1, 2), []float32{11, 18}},
		{"max pooling", dnnl.Pooling{Alg: dnnl.PoolMax, Src: img, Dst: k.f32(1, 1, 2, 2), Kernel: []int{2, 2}},
			args(src), k.f32(1, 1, 2, 2), []float32{5, 6, 8, 9}},
		{"average pooling, padded on the right", dnnl.Pooling{Alg: dnnl.PoolAvgExcludePadding, Src: img,
			Dst: k.f32(1, 1, 2, 2), Kernel: []int{2, 2}, Strides: []int{2, 2}, PadR: ones},
			args(src), k.f32(1, 1, 2, 2), []float32{3, 4.5, 7.5, 9}},
		{"average pooling with padding", dnnl.Pooling{Alg: dnnl.PoolAvgIncludePadding, Src: img,
			Dst: k.f32(1, 1, 2, 2), Kernel: []int{2, 2}, Strides: []int{2, 2}, PadR: ones},
			args(src), k.f32(1, 1, 2, 2), []float32{3, 2.25, 3.75, 2.25}},
		{"reorder", dnnl.Reorder{Src: k.f32(2, 2), Dst: k.desc([]int{2, 2}, dnnl.F32, dnnl.BA)},
			args(tensor(k, k.f32(2, 2), ramp(4)...)), k.desc([]int{2, 2}, dnnl.F32, dnnl.BA), []float32{1, 3, 2, 4}},
		{"eltwise", dnnl.Eltwise{Alg: dnnl.EltwiseLinear, Src: four, Dst: four, Alpha: 2, Beta: -1},
			args(row), four, []float32{1, -5, 5, -9}},
		{"binary", dnnl.Binary{Alg: dnnl.BinarySub, Src0: four, Src1: four, Dst: four},
			args(row, src1), four, []float32{0, -3, 2, -5}},
		{"softmax", dnnl.Softmax{Src: k.f32(2, 2), Dst: k.f32(2, 2), Axis: 1},
			args(tensor[float32](k, k.f32(2, 2), 5, 5, 0, 1)), k.f32(2, 2), []float32{0.5, 0.5, 1 / (1 + e), e / (1 + e)}},
		{"softmax along the other axis, log", dnnl.Softmax{Src: k.f32(2, 1), Dst: k.f32(2, 1), Axis: 0, Log: true},
			args(tensor[float32](k, k.f32(2, 1), 7, 7)), k.f32(2, 1), []float32{-math.Ln2, -math.Ln2}},
		{"concat", dnnl.Concat{Axis: 0, Srcs: []*dnnl.Desc{four, four}}, two, k.f32(2, 4),
			[]float32{1, -2, 3, -4, 1, 1, 1, 1}},
		{"concat into a given dst", dnnl.Concat{Axis: 1, Srcs: []*dnnl.Desc{four, four}, Dst: k.f32(1, 8)}, two,
			k.f32(1, 8), []float32{1, -2, 3, -4, 1, 1, 1, 1}},
		{"sum", dnnl.Sum{Scales: []float32{2, 10}, Srcs: []*dnnl.Desc{four, four}}, two, four,
			[]float32{12, 6, 16, 2}},
		// x / (k + alpha/size * sum of squares)^beta over 3 channels: 2 / (1 + (1+4+9)/3*3)^1 and so on.
		{"lrn", dnnl.LRN{Src: k.f32(1, 4, 1, 1), Dst: k.f32(1, 4, 1, 1), LocalSize: 3, Alpha: 3, Beta: 1, K: 1},
			args(chans), k.f32(1, 4, 1, 1), []float32{1. / 6, 2. / 15, 3. / 30, 4. / 26}},
		{"lrn within a channel", dnnl.LRN{Src: k.f32(1, 4, 1, 1), Dst: k.f32(1, 4, 1, 1), LocalSize: 1, Alpha: 1,
			Beta: 1, K: 1, WithinChannel: true},
			args(chans), k.f32(1, 4, 1, 1), []float32{1. / 2, 2. / 5, 3. / 10, 4. / 17}},
		{"resampling", dnnl.Resampling{Alg: dnnl.ResampleNearest, Src: k.f32(1, 4, 1, 1), Dst: k.f32(1, 4, 1, 2),
			Factors: []float32{1, 2}}, args(chans), k.f32(1, 4, 1, 2), []float32{1, 1, 2, 2, 3, 3, 4, 4}},
		{"resampling, linear", dnnl.Resampling{Alg: dnnl.ResampleLinear, Src: k.f32(1, 1, 2), Dst: k.f32(1, 1, 4)},
			args(tensor[float32](k, k.f32(1, 1, 2), 0, 4)), k.f32(1, 1, 4), []float32{0, 1, 3, 4}},
		{"reduction", dnnl.Reduction{Alg: dnnl.ReductionMean, Src: four, Dst: k.f32(1, 1)},
			args(row), k.f32(1, 1), []float32{-0.5}},
		{"reduction to a norm", dnnl.Reduction{Alg: dnnl.ReductionNormSum, Src: four, Dst: k.f32(1, 1), P: 2, Eps: 6},
			args(row), k.f32(1, 1), []float32{6}},
		{"shuffle", dnnl.Shuffle{Src: k.f32(1, 4, 1, 1), Dst: k.f32(1, 4, 1, 1), Axis: 1, GroupSize: 2},
			args(chans), k.f32(1, 4, 1, 1), []float32{1, 3, 2, 4}},
		{"layer normalisation", dnnl.LayerNorm{Src: k.f32(2, 2), Dst: k.f32(2, 2), Eps: 0, UseScale: true, UseShift: true},
			args(ln, dnnl.ArgMem{Arg: dnnl.ArgNormScale, Mem: tensor[float32](k, k.f32(2), 1, 2)},
				dnnl.ArgMem{Arg: dnnl.ArgNormShift, Mem: tensor[float32](k, k.f32(2), 10, 20)}),
			k.f32(2, 2), []float32{9, 22, 9, 22}},
		{"post-ops", dnnl.Binary{Alg: dnnl.BinaryAdd, Src0: four, Src1: four, Dst: four,
			Attr: dnnl.Attr{PostOps: []dnnl.PostOp{
				dnnl.EltwisePostOp(dnnl.EltwiseLinear, 2, 1), dnnl.BinaryPostOp(dnnl.BinaryMul, four)}}},
			args(row, src1, dnnl.ArgMem{Arg: dnnl.ArgPostOpSrc1(1), Mem: row}), four, []float32{5, 2, 27, 20}},
	}
	const tolerance = 5e-6 // the worst seen is log softmax: 2e-6, from oneDNN's polynomials for exp and log
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := k.primitive(tt.spec)
			if got := p.Desc(dnnl.ArgDst); !got.Equal(tt.dst) {
				t.Errorf("dst is %s, want %s", got, tt.dst)
			}
			if p.Impl() == "" || !strings.Contains(p.String(), p.Impl()) {
				t.Errorf("%q names no implementation %q", p, p.Impl())
			}
			out := k.buffer(tt.dst.Size())
			dst := must(k, func() (*dnnl.Memory, error) { return out.Memory(k.engine, tt.dst, 0) })
			k.run(p, append(tt.args, dnnl.ArgMem{Arg: dnnl.ArgDst, Mem: dst})...)
			for i, got := range dnnl.View[float32](out) {
				if math.Abs(float64(got-tt.want[i])) > tolerance*max(1, math.Abs(float64(tt.want[i]))) {
					t.Fatalf("got %v, want %v", dnnl.View[float32](out), tt.want)
				}
			}
		})
	}
}

// The sum post-op reads its dst, here s8 bytes of a u8 tensor; zero points
// shift src and dst.
func TestInt8Attributes(t *testing.T) {
	k := open(t)
	u8 := k.desc([]int{1, 2, 1, 1}, dnnl.U8, dnnl.NHWC)
	wei := tensor[int8](k, k.desc([]int{2, 2, 1, 1}, dnnl.S8, dnnl.OIHW), 1, 0, 0, -1)
	f := k.f32(1)
	p := k.primitive(dnnl.Convolution{Src: u8, Weights: wei.Desc(), Dst: u8, Attr: dnnl.Attr{
		Scales:     []dnnl.ScaleMask{{Arg: dnnl.ArgSrc}, {Arg: dnnl.ArgWeights, Mask: 1}, {Arg: dnnl.ArgDst}},
		ZeroPoints: []dnnl.ScaleMask{{Arg: dnnl.ArgSrc}, {Arg: dnnl.ArgDst}},
		PostOps:    []dnnl.PostOp{dnnl.SumPostOp(2, 1, dnnl.S8)},
	}})
	out := k.buffer(2)
	copy(out.Bytes(), []byte{3, 0xfe}) // 3 and -2 as s8
	dst := must(k, func() (*dnnl.Memory, error) { return out.Memory(k.engine, u8, 0) })
	zp := func(v int32) *dnnl.Memory { return tensor(k, k.desc([]int{1}, dnnl.S32, dnnl.A), v) }
	k.run(p,
		dnnl.ArgMem{Arg: dnnl.ArgSrc, Mem: tensor[uint8](k, u8, 30, 4)},
		dnnl.ArgMem{Arg: dnnl.ArgWeights, Mem: wei},
		dnnl.ArgMem{Arg: dnnl.ArgDst, Mem: dst},
		dnnl.ArgMem{Arg: dnnl.ArgScale(dnnl.ArgSrc), Mem: tensor[float32](k, f, 0.5)},
		dnnl.ArgMem{Arg: dnnl.ArgScale(dnnl.ArgWeights), Mem: tensor[float32](k, k.f32(2), 2, 4)},
		dnnl.ArgMem{Arg: dnnl.ArgScale(dnnl.ArgDst), Mem: tensor[float32](k, f, 2)},
		dnnl.ArgMem{Arg: dnnl.ArgZeroPoint(dnnl.ArgSrc), Mem: zp(10)},
		dnnl.ArgMem{Arg: dnnl.ArgZeroPoint(dnnl.ArgDst), Mem: zp(100)})
	// (30-10)*0.5*2 + 2*(3-1) = 24; (4-10)*-1*0.5*4 + 2*(-2-1) = 6; each /2 + 100
	if got := out.Bytes(); got[0] != 112 || got[1] != 103 {
		t.Errorf("got %v, want [112 103]", got)
	}
}

// The fused depthwise convolution has weights and bias of its own.
func TestDepthwisePostOp(t *testing.T) {
	k := open(t)
	const channels, side = 16, 8
	act := k.desc([]int{1, channels, side, side}, dnnl.F32, dnnl.NHWC)
	eye := make([]float32, channels*channels)
	for c := range channels {
		eye[c*channels+c] = 1
	}
	pointwise := tensor(k, k.f32(channels, channels, 1, 1), eye...)
	p := k.primitive(dnnl.Convolution{Src: act, Weights: k.desc([]int{channels, channels, 1, 1}, dnnl.F32, dnnl.Any),
		Dst: act, Attr: dnnl.Attr{PostOps: []dnnl.PostOp{dnnl.DepthwisePostOp(dnnl.F32, dnnl.F32, dnnl.F32, 3, 1, 1)}}})

	place := func(a dnnl.Arg, from *dnnl.Memory) dnnl.ArgMem {
		to := k.memory(p.Desc(a))
		k.run(k.primitive(dnnl.Reorder{Src: from.Desc(), Dst: to.Desc()}),
			dnnl.ArgMem{Arg: dnnl.ArgSrc, Mem: from}, dnnl.ArgMem{Arg: dnnl.ArgDst, Mem: to})
		return dnnl.ArgMem{Arg: a, Mem: to}
	}
	fill := func(n int, v float32) []float32 {
		s := make([]float32, n)
		for i := range s {
			s[i] = v
		}
		return s
	}
	depthwise := tensor(k, k.f32(channels, 1, 1, 3, 3), fill(channels*9, 1)...)
	out := k.buffer(act.Size())
	dst := must(k, func() (*dnnl.Memory, error) { return out.Memory(k.engine, act, 0) })
	k.run(p,
		dnnl.ArgMem{Arg: dnnl.ArgSrc, Mem: tensor(k, act, fill(channels*side*side, 1)...)},
		dnnl.ArgMem{Arg: dnnl.ArgDst, Mem: dst},
		place(dnnl.ArgWeights, pointwise),
		place(dnnl.ArgPostOpWeights(0), depthwise),
		dnnl.ArgMem{Arg: dnnl.ArgPostOpBias(0), Mem: tensor(k, k.f32(channels), fill(channels, 0.5)...)})
	got := dnnl.View[float32](out)
	if corner, inside := got[0], got[(side+1)*channels]; corner != 4.5 || inside != 9.5 {
		t.Errorf("got %g in the corner and %g inside, want 4.5 and 9.5 (%s)", corner, inside, p)
	}
}

// The descriptor of an argument is made once and stays the primitive's.
func TestPrimitiveDesc(t *testing.T) {
	k := open(t)
	d := k.desc([]int{1, 16, 8, 8}, dnnl.F32, dnnl.Any)
	p := k.primitive(dnnl.Convolution{Src: d, Weights: k.desc([]int{16, 16, 3, 3}, dnnl.F32, dnnl.Any),
		Dst: k.desc([]int{1, 16, 6, 6}, dnnl.F32, dnnl.Any)})
	src := p.Desc(dnnl.ArgSrc)
	if src.Size() != 16*64*4 || src != p.Desc(dnnl.ArgSrc) {
		t.Errorf("src is %s", src)
	}
	if bias := p.Desc(dnnl.ArgBias); bias.Size() != 0 || len(bias.Dims()) != 0 || bias.String() != "empty" {
		t.Errorf("bias of a convolution without is %s", bias)
	}
	kept := must(k, src.Clone)
	p.Close()
	must(k, func() (*dnnl.Memory, error) { return dnnl.NewMemory(k.engine, kept, nil) })
}

// Every implementation that is listed can be asked for by name, whatever has
// been made before; no other can.
func TestImplByName(t *testing.T) {
	k := open(t)
	spec := dnnl.Convolution{Src: k.f32(1, 16, 8, 8), Weights: k.f32(16, 16, 3, 3), Dst: k.f32(1, 16, 6, 6)}
	names, err := spec.Impls(k.engine)
	if err != nil {
		t.Fatal(err)
	}
	if first := k.primitive(spec).Impl(); len(names) < 2 || names[0] != first {
		t.Fatalf("implementations %q: want several, and %q first", names, first)
	}
	for range 2 {
		for _, name := range names {
			spec.Attr.Impl = name
			if got := k.primitive(spec).Impl(); got != name {
				t.Errorf("asked for %q, got %q", name, got)
			}
		}
	}
	spec.Attr.Impl = "made_up:avx1024"
	_, err = spec.New(k.engine)
	expect(t, "made_up", err, dnnl.ErrUnimplemented)
}

func TestReference(t *testing.T) {
	k := open(t)
	f32 := func(tag dnnl.Tag, dims ...int) *dnnl.Desc { return k.desc(dims, dnnl.F32, tag) }
	tests := []struct {
		name string
		spec spec
		slow bool
	}{
		{"channels-last convolution", dnnl.Convolution{Src: f32(dnnl.NHWC, 1, 16, 8, 8), Weights: f32(dnnl.Any, 16, 16, 3, 3),
			Dst: f32(dnnl.NHWC, 1, 16, 6, 6)}, false},
		{"convolution from channels-first to channels-last", dnnl.Convolution{Src: f32(dnnl.NCHW, 1, 16, 8, 8),
			Weights: f32(dnnl.Any, 16, 16, 3, 3), Dst: f32(dnnl.NHWC, 1, 16, 6, 6)}, true},
		{"reorder between plain layouts", dnnl.Reorder{Src: f32(dnnl.NCHW, 1, 16, 8, 8), Dst: f32(dnnl.NHWC, 1, 16, 8, 8)}, false},
		{"mean reduction", dnnl.Reduction{Alg: dnnl.ReductionMean, Src: f32(dnnl.NHWC, 1, 16, 8, 8),
			Dst: f32(dnnl.NHWC, 1, 16, 1, 1)}, true},
		// Slow on every CPU: a reorder to f16 is not where there is AVX512-FP16.
		{"reorder with one scale of src and one for each channel of dst", dnnl.Reorder{Src: f32(dnnl.NCHW, 1, 16, 8, 8),
			Dst:  k.desc([]int{1, 16, 8, 8}, dnnl.S8, dnnl.NHWC),
			Attr: dnnl.Attr{Scales: []dnnl.ScaleMask{{Arg: dnnl.ArgSrc, Mask: 0}, {Arg: dnnl.ArgDst, Mask: 2}}}}, true},
		{"shuffle of channels", dnnl.Shuffle{Src: f32(dnnl.NCHW, 1, 16, 8, 8), Dst: f32(dnnl.NCHW, 1, 16, 8, 8),
			Axis: 1, GroupSize: 4}, false},
		{"shuffle of columns", dnnl.Shuffle{Src: f32(dnnl.NCHW, 1, 16, 8, 8), Dst: f32(dnnl.NCHW, 1, 16, 8, 8),
			Axis: 3, GroupSize: 4}, true},
		{"concat", dnnl.Concat{Axis: 1, Srcs: []*dnnl.Desc{f32(dnnl.NHWC, 1, 16, 8, 8), f32(dnnl.NHWC, 1, 16, 8, 8)}}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if p := k.primitive(tt.spec); p.Reference() != tt.slow {
				t.Errorf("Reference is %v for %s, want %v", p.Reference(), p.Impl(), tt.slow)
			}
		})
	}
}
