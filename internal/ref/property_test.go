package ref

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// random fills a tensor with small integers, on which all sums are exact.
func random(rng *rand.Rand, dims ...int) *Tensor {
	t := NewTensor(F32, dims...)
	for i := range t.Data {
		t.Data[i] = float64(rng.IntN(17) - 8)
	}
	return t
}

func run(t *testing.T, op Op) []float64 {
	t.Helper()
	if err := op.Run(); err != nil {
		t.Fatal(err)
	}
	return op.Result().Data
}

// TestDeconvolutionIsAdjoint holds <conv(x), y> = <x, deconv(y)>, which
// defines the transpose of a linear map, for geometries of every kind. The
// weights of the transpose have input and output channels swapped.
func TestDeconvolutionIsAdjoint(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		groups, ic, oc := 1+rng.IntN(2), 1+rng.IntN(3), 1+rng.IntN(3)
		kernel, stride, dilation := 1+rng.IntN(3), 1+rng.IntN(3), rng.IntN(2)
		reach := 1 + (kernel-1)*(dilation+1)
		padL, padR := rng.IntN(reach), rng.IntN(reach)
		small := 1 + rng.IntN(4)
		large := (small-1)*stride + reach - padL - padR
		if large < 1 {
			continue
		}
		x := random(rng, 2, groups*ic, large)
		y := random(rng, 2, groups*oc, small)
		w := random(rng, groups, oc, ic, kernel)
		swapped := NewTensor(F32, groups, ic, oc, kernel)
		for i, index := range Indices(w.Dims) {
			swapped.Data[offset(swapped.Dims, []int{index[0], index[2], index[1], index[3]})] = w.Data[i]
		}
		s, d, l, r := []int{stride}, []int{dilation}, []int{padL}, []int{padR}
		cx := run(t, &Convolution{Src: x, Weights: w, Dst: NewTensor(F32, y.Dims...), Strides: s, Dilations: d, PadL: l, PadR: r})
		dy := run(t, &Deconvolution{Src: y, Weights: swapped, Dst: NewTensor(F32, x.Dims...), Strides: s, Dilations: d, PadL: l, PadR: r})
		if left, right := ExactDot(cx, y.Data), ExactDot(x.Data, dy); left != right {
			t.Fatalf("k%d s%d d%d p%d:%d, %d -> %d: %v and %v", kernel, stride, dilation, padL, padR, large, small, left, right)
		}
	}
}

// TestConvolutionOfWholeImage: a kernel as large as the image is an inner
// product, and an inner product is a matrix product with the transpose.
func TestConvolutionOfWholeImage(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	x, w, b := random(rng, 3, 4, 2, 5), random(rng, 6, 4, 2, 5), random(rng, 6)
	conv := run(t, &Convolution{
		Src: x, Weights: w, Bias: b, Dst: NewTensor(F32, 3, 6, 1, 1),
		Strides: []int{1, 1}, PadL: []int{0, 0}, PadR: []int{0, 0},
	})
	inner := run(t, &InnerProduct{Src: x, Weights: w, Bias: b, Dst: NewTensor(F32, 3, 6)})
	wt := NewTensor(F32, 40, 6)
	for i, v := range w.Data {
		wt.Data[i%40*6+i/40] = v
	}
	flat := &Tensor{DType: F32, Dims: []int{3, 40}, Data: x.Data}
	bias := &Tensor{DType: F32, Dims: []int{1, 6}, Data: b.Data}
	mat := run(t, &MatMul{Src: flat, Weights: wt, Bias: bias, Dst: NewTensor(F32, 3, 6)})
	if diff := cmp.Diff(conv, inner); diff != "" {
		t.Errorf("convolution and inner product:\n%s", diff)
	}
	if diff := cmp.Diff(inner, mat); diff != "" {
		t.Errorf("inner product and matmul:\n%s", diff)
	}
}

// TestGroupsAreConvolutions: a grouped convolution is one convolution a group,
// concatenated; a dilated one is dense with zeros between its weights.
func TestGroupsAreConvolutions(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	x, w := random(rng, 2, 6, 7, 7), random(rng, 3, 4, 2, 3, 3)
	pad, stride := []int{2, 2}, []int{1, 1}
	whole := run(t, &Convolution{
		Src: x, Weights: w, Dst: NewTensor(F32, 2, 12, 7, 7),
		Strides: stride, Dilations: []int{1, 1}, PadL: pad, PadR: pad,
	})
	var parts []*Tensor
	for g := range 3 {
		src, wei := NewTensor(F32, 2, 2, 7, 7), NewTensor(F32, 4, 2, 5, 5)
		for i, index := range Indices(src.Dims) {
			src.Data[i] = x.Data[offset(x.Dims, []int{index[0], 2*g + index[1], index[2], index[3]})]
		}
		for i, index := range Indices([]int{4, 2, 3, 3}) {
			wei.Data[offset(wei.Dims, []int{index[0], index[1], 2 * index[2], 2 * index[3]})] = w.Data[g*72+i]
		}
		part := &Convolution{Src: src, Weights: wei, Dst: NewTensor(F32, 2, 4, 7, 7), Strides: stride, PadL: pad, PadR: pad}
		run(t, part)
		parts = append(parts, part.Dst)
	}
	if diff := cmp.Diff(run(t, &Concat{Srcs: parts, Dst: NewTensor(F32, 2, 12, 7, 7), Axis: 1}), whole); diff != "" {
		t.Error(diff)
	}
}

// TestSaturationNeedsBigWeights: with weights of 7 bits the arithmetic of CPUs
// without VNNI is exact; with 8 bits it is not, or the test shows nothing.
func TestSaturationNeedsBigWeights(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for _, limit := range []int{63, 127} {
		differ := 0
		for range 1000 {
			src, wei := make([]float64, 9), make([]float64, 9)
			for i := range src {
				src[i], wei[i] = float64(rng.IntN(256)), float64(rng.IntN(2*limit+1)-limit)
			}
			if PairSaturatedDot(src, wei) != ExactDot(src, wei) {
				differ++
			}
		}
		if (differ > 0) != (limit == 127) {
			t.Errorf("weights to %d: %d of 1000 sums saturated", limit, differ)
		}
	}
}

// TestEltwiseIdentities checks formulas against other ways to write them.
func TestEltwiseIdentities(t *testing.T) {
	for x := -6.0; x <= 6; x += 0.37 {
		for name, pair := range map[string][2]float64{
			"swish":        {Swish.Apply(x, 2, 0), x * Logistic.Apply(2*x, 0, 0)},
			"logistic":     {Logistic.Apply(x, 0, 0), 0.5 + 0.5*math.Tanh(x/2)},
			"mish":         {Mish.Apply(x, 0, 0), x * math.Tanh(math.Log(1+math.Exp(x)))},
			"soft relu":    {SoftReLU.Apply(x, -1, 0), math.Log(Logistic.Apply(x, 0, 0))},
			"gelu":         {GELUErf.Apply(x, 0, 0), 0.5 * x * (1 + math.Erf(x/math.Sqrt2))},
			"gelu by tanh": {GELUTanh.Apply(x, 0, 0), x * Logistic.Apply(2*math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x), 0, 0)},
			"hard swish":   {HardSwish.Apply(x, 1./6, 0.5), x * min(max(x+3, 0), 6) / 6},
			"elu":          {ELU.Apply(-math.Abs(x), 2, 0), 2 * (math.Exp(-math.Abs(x)) - 1)},
			"pow":          {Pow.Apply(math.Abs(x), 3, 0.5), 3 * Sqrt.Apply(math.Abs(x), 0, 0)},
			"leaky relu":   {ReLU.Apply(x, 0.25, 0), max(x, 0) + 0.25*min(x, 0)},
			"linear":       {Linear.Apply(x, 2, 3), 2*x + 3},
			"log":          {Log.Apply(Exp.Apply(x, 0, 0), 0, 0), x},
		} {
			// Both sides are a few float64 roundings; 1e-13 allows for the cancellation in them.
			if math.Abs(pair[0]-pair[1]) > 1e-13*(1+math.Abs(x)) {
				t.Errorf("%s at %v: %v, other form %v", name, x, pair[0], pair[1])
			}
		}
	}
	if !slices.Equal([]float64{2, -2, 0}, []float64{Round.Apply(2.5, 0, 0), Round.Apply(-1.5, 0, 0), ClipV2.Apply(-1, 0, 6)}) {
		t.Error("round or clip_v2")
	}
}
