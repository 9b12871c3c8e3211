package ref

import (
	"errors"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// tensor builds a tensor of the values, or counts up from 1 where there are none.
func tensor(t *testing.T, dt DType, dims []int, values ...float64) *Tensor {
	t.Helper()
	if values == nil {
		for i := range Elems(dims) {
			values = append(values, float64(i+1))
		}
	}
	x, err := FromValues(dt, dims, values)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func one(values ...float64) Param { return Param{Values: values} }

// TestGoldens compares each operation with values worked out by hand; the
// working stands beside them.
func TestGoldens(t *testing.T) {
	line := func(n int) []int { return []int{1, 1, n} } // N, C, W
	unit := []int{1}
	none := []int{0}
	tests := []struct {
		name string
		op   Op
		want []float64
	}{
		{
			// 1*1+2*2+4*3+5*4 = 37, one further right 47, one further down 67 and 77.
			"convolution 2x2 on 3x3",
			&Convolution{
				Src: tensor(t, F32, []int{1, 1, 3, 3}), Weights: tensor(t, F32, []int{1, 1, 2, 2}), Dst: NewTensor(F32, 1, 1, 2, 2),
				Strides: []int{1, 1}, PadL: []int{0, 0}, PadR: []int{0, 0},
			},
			[]float64{37, 47, 67, 77},
		},
		{
			// Padding left only, stride 2, dilation 1: taps (-1,1) (1,3): 10*2, 1*2+10*4.
			"convolution with asymmetric pads, stride and dilation",
			&Convolution{
				Src: tensor(t, F32, line(4)), Weights: tensor(t, F32, line(2), 1, 10), Dst: NewTensor(F32, 1, 1, 2),
				Strides: []int{2}, Dilations: []int{1}, PadL: unit, PadR: none,
			},
			[]float64{20, 42},
		},
		{
			// Two groups of one channel: 2*1, 3*1 | 2*10, 3*10 and the bias 100, 200.
			"depthwise convolution with bias",
			&Convolution{
				Src: tensor(t, F32, []int{1, 2, 2}, 1, 1, 10, 10), Weights: tensor(t, F32, []int{2, 1, 1, 1}, 2, 3),
				Bias: tensor(t, F32, []int{2}, 100, 200), Dst: NewTensor(F32, 1, 2, 2), Strides: unit, PadL: none, PadR: none,
			},
			[]float64{102, 102, 230, 230},
		},
		{
			// Source 5,7 with zero point 3 is 2,4; the padding is 0 and not -3:
			// 0*1+2*1+4*1 = 6, 2+4+0 = 6. Times 0.5*2, + bias 0.5 = 6.5, /0.25 = 26, + zero point 1.
			"quantised convolution with zero points",
			&Convolution{
				Src: tensor(t, U8, line(2), 5, 7), Weights: tensor(t, S8, line(3), 1, 1, 1), Bias: tensor(t, F32, unit, 0.5),
				Dst: NewTensor(U8, 1, 1, 2), Strides: unit, PadL: unit, PadR: unit,
				Attr: Attr{
					Scales:     map[Arg]Param{ArgSrc: one(0.5), ArgWeights: one(2), ArgDst: one(0.25)},
					ZeroPoints: map[Arg]Param{ArgSrc: one(3), ArgDst: one(1)},
				},
			},
			[]float64{27, 27},
		},
		{
			// 10 + 0.5*(old 3 - 1) = 11, then 6 by the clip, then times 4: order counts.
			"post-ops in order",
			&Convolution{
				Src: tensor(t, F32, line(1), 10), Weights: tensor(t, F32, line(1), 1), Dst: tensor(t, F32, line(1), 3),
				Strides: unit, PadL: none, PadR: none,
				Attr: Attr{PostOps: []PostOp{
					SumPostOp{Scale: 0.5, ZeroPoint: 1}, EltwisePostOp{Alg: Clip, Alpha: 0, Beta: 6},
					BinaryPostOp{Mul, tensor(t, F32, line(1), 4)},
				}},
			},
			[]float64{24},
		},
		{
			// The byte 200 read as s8 is -56: 100-56.
			"sum post-op of another type",
			&Reorder{
				Src: tensor(t, F32, unit, 100), Dst: tensor(t, U8, unit, 200),
				Attr: Attr{PostOps: []PostOp{SumPostOp{Scale: 1, As: S8}}},
			},
			[]float64{44},
		},
		{
			// 1x1 by 2: 2,4,6; depthwise 3-tap sum with padding 1 and stride 2: 0+2+4, 4+6+0.
			"fused depthwise",
			&Convolution{
				Src: tensor(t, F32, line(3)), Weights: tensor(t, F32, line(1), 2), Dst: NewTensor(F32, 1, 1, 2),
				Strides: unit, PadL: none, PadR: none,
				Attr: Attr{PostOps: []PostOp{DepthwisePostOp{
					Mid: F32, Weights: tensor(t, F32, []int{1, 1, 1, 3}, 1, 1, 1), Stride: 2, Padding: 1,
				}}},
			},
			[]float64{6, 10},
		},
		{
			// Each input spreads 1,10 at stride 2: 1,10,2,20.
			"deconvolution",
			&Deconvolution{
				Src: tensor(t, F32, line(2)), Weights: tensor(t, F32, line(2), 1, 10), Dst: NewTensor(F32, 1, 1, 4),
				Strides: []int{2}, PadL: none, PadR: none,
			},
			[]float64{1, 10, 2, 20},
		},
		{
			// Rows (1,2) (3,4) with weight rows (1,10) (1,-1), bias 0 and 5.
			"inner product",
			&InnerProduct{
				Src: tensor(t, F32, []int{2, 2}), Weights: tensor(t, F32, []int{2, 2}, 1, 10, 1, -1),
				Bias: tensor(t, F32, []int{2}, 0, 5), Dst: NewTensor(F32, 2, 2),
			},
			[]float64{21, 4, 43, 4},
		},
		{
			// Two 1x2 sources share one 2x1 matrix (1,10); zero point 1 makes them (0,1) and (2,3).
			"matmul with broadcast batch and zero point",
			&MatMul{
				Src: tensor(t, U8, []int{2, 1, 2}), Weights: tensor(t, S8, []int{1, 2, 1}, 1, 10), Dst: NewTensor(S32, 2, 1, 1),
				Attr: Attr{ZeroPoints: map[Arg]Param{ArgSrc: one(1)}},
			},
			[]float64{10, 32},
		},
		{"max pooling ignores padding", &Pooling{
			Alg: PoolMax, Src: tensor(t, S8, line(2), -5, -7), Dst: NewTensor(S8, 1, 1, 1),
			Kernel: []int{3}, Strides: unit, PadL: unit, PadR: none,
		}, []float64{-5}},
		// (0+1+2)/3 = 1, (1+2+0)/3 = 1, against 3/2 = 1.5.
		{"average pooling with padding", &Pooling{
			Alg: PoolAvgInclude, Src: tensor(t, F32, line(2)), Dst: NewTensor(F32, 1, 1, 2),
			Kernel: []int{3}, Strides: unit, PadL: unit, PadR: unit,
		}, []float64{1, 1}},
		{"average pooling without padding, ties to even", &Pooling{
			Alg: PoolAvgExclude, Src: tensor(t, U8, line(4), 1, 2, 2, 3), Dst: NewTensor(U8, 1, 1, 2),
			Kernel: []int{2}, Strides: []int{2}, PadL: none, PadR: none,
		}, []float64{2, 2}},
		// 0.5, 1.5 and 2.5 are ties; -1 and 300 saturate.
		{"quantise", &Reorder{
			Src: tensor(t, F32, []int{5}, 0.25, 0.75, 1.25, -0.5, 150), Dst: NewTensor(U8, 5),
			Attr: Attr{Scales: map[Arg]Param{ArgDst: one(0.5)}},
		}, []float64{0, 2, 2, 0, 255}},
		{"dequantise by channel", &Reorder{
			Src: tensor(t, S8, []int{1, 2, 2}, 1, 2, -1, -2), Dst: NewTensor(F32, 1, 2, 2),
			Attr: Attr{Scales: map[Arg]Param{ArgSrc: {Mask: 2, Values: []float64{0.5, 10}}}},
		}, []float64{0.5, 1, -10, -20}},
		{"binary with broadcast and scales", &Binary{
			Alg: Sub, Src0: tensor(t, S8, []int{1, 2, 2}), Src1: tensor(t, S8, []int{1, 2, 1}, 10, 20), Dst: NewTensor(F32, 1, 2, 2),
			Attr: Attr{Scales: map[Arg]Param{ArgSrc: one(2), ArgSrc1: one(0.5)}},
		}, []float64{-3, -1, -4, -2}},
		// e^0 : e^ln3 = 1 : 3.
		{"softmax", &Softmax{
			Src: tensor(t, F32, []int{2, 1}, 0, math.Log(3)), Dst: NewTensor(F32, 2, 1), Axis: 0,
		}, []float64{0.25, 0.75}},
		{"concat", &Concat{
			Srcs: []*Tensor{tensor(t, S8, []int{2, 1}, 1, 2), tensor(t, S8, []int{2, 2}, 3, 4, 5, 6)}, Dst: NewTensor(S8, 2, 3), Axis: 1,
			Attr: Attr{Scales: map[Arg]Param{ArgSrcN(1): one(2)}},
		}, []float64{1, 6, 8, 2, 10, 12}},
		{"sum", &Sum{
			Srcs: []*Tensor{tensor(t, F32, []int{2}), tensor(t, F32, []int{2}, 10, 20)}, Scales: []float64{2, 0.5}, Dst: NewTensor(F32, 2),
		}, []float64{7, 14}},
		// Channels 1,2,3, size 3, alpha 3, k 1, beta 1: 1/(1+1+4), 2/(1+1+4+9), 3/(1+4+9).
		{"lrn across channels", &LRN{
			Src: tensor(t, F32, []int{1, 3, 1}), Dst: NewTensor(F32, 1, 3, 1), LocalSize: 3, Alpha: 3, Beta: 1, K: 1,
		}, []float64{1. / 6, 2. / 15, 3. / 14}},
		// Positions 1,2 on a 1x2 plane: n is 3*3 = 9, so alpha 9: 1/(1+1+4), 2/(1+1+4).
		{"lrn within a channel", &LRN{
			Src: tensor(t, F32, []int{1, 1, 1, 2}), Dst: NewTensor(F32, 1, 1, 1, 2), LocalSize: 3, Alpha: 9, Beta: 1, K: 1, WithinChannel: true,
		}, []float64{1. / 6, 2. / 6}},
		// Mean 2, variance 1, so -1 and 1; times (2,3) plus (10,20).
		{"layer norm", &LayerNorm{
			Src: tensor(t, F32, []int{1, 2}, 1, 3), Dst: NewTensor(F32, 1, 2), Scale: tensor(t, F32, []int{2}, 2, 3), Shift: tensor(t, F32, []int{2}, 10, 20),
		}, []float64{8, 23}},
		// Coordinates -0.25, 0.25, 0.75, 1.25.
		{"linear resampling", &Resampling{
			Alg: Linearly, Src: tensor(t, F32, line(2), 0, 8), Dst: NewTensor(F32, 1, 1, 4),
		}, []float64{0, 2, 6, 8}},
		// Coordinates 0.5 and 2.5 round away from zero.
		{"nearest resampling", &Resampling{
			Alg: Nearest, Src: tensor(t, F32, line(4)), Dst: NewTensor(F32, 1, 1, 2),
		}, []float64{2, 4}},
		{"mean over two axes", &Reduction{
			Alg: ReduceMean, Src: tensor(t, F32, []int{2, 2, 2}), Dst: NewTensor(F32, 1, 2, 1),
		}, []float64{3.5, 5.5}},
		// sqrt(3^2+4^2+11).
		{"norm with eps", &Reduction{
			Alg: ReduceNormSum, Src: tensor(t, F32, []int{2}, 3, -4), Dst: NewTensor(F32, 1), P: 2, Eps: 11,
		}, []float64{6}},
		// Rows (1,2) (3,4) (5,6), transposed.
		{"shuffle", &Shuffle{
			Src: tensor(t, S8, []int{6}), Dst: NewTensor(S8, 6), GroupSize: 2,
		}, []float64{1, 3, 5, 2, 4, 6}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if err := test.op.Run(); err != nil {
				t.Fatal(err)
			}
			dst := test.op.Result()
			want := tensor(t, dst.DType, dst.Dims, test.want...)
			if diff := cmp.Diff(want.Data, dst.Data); diff != "" {
				t.Errorf("%v differs (-want +got):\n%s", dst, diff)
			}
		})
	}
}

// TestPairSaturation repeats the example of the oneDNN developer guide,
// "Nuances of int8 Computations": 255*127 twice is 32767 and not 64770, and
// for s8 sources 255 and not 32258.
func TestPairSaturation(t *testing.T) {
	wei := []float64{127, 127, 127, 127}
	for _, test := range []struct {
		name string
		dot  Dot
		src  []float64
		want float64
	}{
		{"exact", ExactDot, []float64{255, 255, 0, 0}, 64770},
		{"u8", PairSaturatedDot, []float64{255, 255, 0, 0}, 32767},
		{"u8, pairs not adjacent", PairSaturatedDot, []float64{0, 255, 255, 0}, 64770},
		{"s8", ShiftedPairSaturatedDot, []float64{127, 127, 0, 0}, 255},
		{"odd tail", PairSaturatedDot, []float64{0, 0, 255}, 32385},
	} {
		if got := test.dot(test.src, wei); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

func TestErrors(t *testing.T) {
	square := []int{1, 1, 3, 3}
	x := NewTensor(F32, square...)
	bad := map[string]Op{
		"convolution of a wrong size": &Convolution{
			Src: x, Weights: NewTensor(F32, 1, 1, 2, 2), Dst: NewTensor(F32, 1, 1, 3, 3),
			Strides: []int{1, 1}, PadL: []int{0, 0}, PadR: []int{0, 0},
		},
		"convolution of wrong channels": &Convolution{
			Src: x, Weights: NewTensor(F32, 1, 2, 1, 1), Dst: x.Clone(),
			Strides: []int{1, 1}, PadL: []int{0, 0}, PadR: []int{0, 0},
		},
		"scales not as many as the mask says": &Reorder{
			Src: x, Dst: x.Clone(), Attr: Attr{Scales: map[Arg]Param{ArgSrc: {Mask: 4, Values: []float64{1, 2}}}},
		},
		"post-op that does not broadcast": &Reorder{
			Src: x, Dst: x.Clone(), Attr: Attr{PostOps: []PostOp{BinaryPostOp{Add, NewTensor(F32, 1, 2, 3, 3)}}},
		},
		"unknown function": &Eltwise{Alg: "no", Src: x, Dst: x.Clone()},
		"concat too short": &Concat{Srcs: []*Tensor{x}, Dst: NewTensor(F32, 1, 1, 3, 4), Axis: 3},
		"axis":             &Softmax{Src: x, Dst: x.Clone(), Axis: 4},
		"matmul":           &MatMul{Src: x, Weights: NewTensor(F32, 1, 1, 2, 3), Dst: x.Clone()},
	}
	for name, op := range bad {
		if err := op.Run(); !errors.Is(err, ErrShape) {
			t.Errorf("%s: error %v, want ErrShape", name, err)
		}
	}
}
