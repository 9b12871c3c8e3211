package infer

import (
	"fmt"

	"github.com/octet-dnn/octet/dnnl"
	"github.com/octet-dnn/octet/graph"
)

// An epilogue collects what a primitive does after its sum: scales and
// post-ops, with the tensors they take at run time.
type epilogue struct {
	attr   dnnl.Attr
	scales []scaleArg
	extra  []arg
	err    error
}

type scaleArg struct {
	arg    dnnl.Arg
	values []float32
}

// quantised sets the scales of an INT8 convolution or fully connected layer.
// Paddle's scales multiply real numbers; oneDNN's multiply integers.
//
// Given the scale of the source and those of the weights, oneDNN multiplies a sum
// by one after the other since 3.10, but by the product of the two before that, and
// with AMX still, so that results half between two integers would depend on its version and on
// the CPU. Given the product, rounded to FP32, as scales of the weights, all versions and
// kernels do as real Paddle 2.6 and 3.3 do (TestRounding).
func (e *epilogue) quantised(q *graph.Int8, grouped bool) {
	if q == nil {
		return
	}
	in := 1 / q.ScaleIn
	inverse := make([]float32, len(q.ScaleWeights))
	for i, s := range q.ScaleWeights {
		inverse[i] = in * (1 / s)
	}
	mask := 0
	if len(inverse) > 1 {
		mask = channelMask(grouped)
	}
	e.scale(dnnl.ArgWeights, mask, inverse...)
	if !q.ForceFP32 {
		e.scale(dnnl.ArgDst, 0, 1/q.ScaleOut)
	}
}

// channelMask has a bit for each dim of oneDNN's weights that counts output
// channels: O, or G and O/G.
func channelMask(grouped bool) int {
	if grouped {
		return 1<<0 | 1<<1
	}
	return 1 << 0
}

func (e *epilogue) scale(a dnnl.Arg, mask int, values ...float32) {
	e.attr.Scales = append(e.attr.Scales, dnnl.ScaleMask{Arg: a, Mask: mask})
	e.scales = append(e.scales, scaleArg{a, values})
}

// act appends an activation.
func (e *epilogue) act(a graph.Activation) {
	if a.Kind == graph.ActNone {
		return
	}
	alg, alpha, beta, err := eltwise(a)
	if err != nil {
		e.err = err
		return
	}
	e.attr.PostOps = append(e.attr.PostOps, dnnl.EltwisePostOp(alg, alpha, beta))
}

// binary appends an elementwise operation with another tensor.
func (e *epilogue) binary(alg dnnl.BinaryAlg, t *tensor) {
	e.extra = append(e.extra, arg{dnnl.ArgPostOpSrc1(len(e.attr.PostOps)), t})
	e.attr.PostOps = append(e.attr.PostOps, dnnl.BinaryPostOp(alg, t.desc))
}

// arguments returns the run-time arguments of e.
func (lw *lowering) arguments(e *epilogue) []arg {
	lw.fail(e.err)
	args := append([]arg(nil), e.extra...)
	for _, s := range e.scales {
		args = append(args, arg{dnnl.ArgScale(s.arg), lw.scale(s.values...)})
	}
	return args
}

// eltwise translates an activation into oneDNN's algorithm and parameters.
func eltwise(a graph.Activation) (alg dnnl.EltwiseAlg, alpha, beta float32, err error) {
	switch a.Kind {
	case graph.ActReLU:
		return dnnl.EltwiseReLU, 0, 0, nil
	case graph.ActClip:
		return dnnl.EltwiseClip, a.Alpha, a.Beta, nil
	case graph.ActLeakyReLU:
		return dnnl.EltwiseReLU, a.Alpha, 0, nil
	case graph.ActSigmoid:
		return dnnl.EltwiseLogistic, 0, 0, nil
	case graph.ActTanh:
		return dnnl.EltwiseTanh, 0, 0, nil
	case graph.ActSwish:
		return dnnl.EltwiseSwish, a.Alpha, 0, nil
	case graph.ActHardSwish:
		return dnnl.EltwiseHardswish, a.Alpha, a.Beta, nil
	case graph.ActHardSigmoid:
		return dnnl.EltwiseHardsigmoid, a.Alpha, a.Beta, nil
	case graph.ActGELUErf:
		return dnnl.EltwiseGELUErf, 0, 0, nil
	case graph.ActGELUTanh:
		return dnnl.EltwiseGELUTanh, 0, 0, nil
	case graph.ActMish:
		return dnnl.EltwiseMish, 0, 0, nil
	case graph.ActLinear:
		return dnnl.EltwiseLinear, a.Alpha, a.Beta, nil
	case graph.ActPow:
		return dnnl.EltwisePow, 1, a.Alpha, nil
	case graph.ActExp:
		return dnnl.EltwiseExp, 0, 0, nil
	case graph.ActSqrt:
		return dnnl.EltwiseSqrt, 0, 0, nil
	case graph.ActSquare:
		return dnnl.EltwiseSquare, 0, 0, nil
	case graph.ActAbs:
		return dnnl.EltwiseAbs, 0, 0, nil
	}
	return 0, 0, 0, fmt.Errorf("activation %d: %w", a.Kind, errUnsupported)
}
