package onednn

import (
	"fmt"

	"github.com/octet-dnn/octet/dnnl"
	"github.com/octet-dnn/octet/internal/ref"
)

var dataTypes = map[ref.DType]dnnl.DataType{
	ref.F32: dnnl.F32, ref.BF16: dnnl.BF16, ref.S32: dnnl.S32, ref.S8: dnnl.S8, ref.U8: dnnl.U8,
}

var eltwiseAlgs = map[ref.EltwiseAlg]dnnl.EltwiseAlg{
	ref.Abs: dnnl.EltwiseAbs, ref.Clip: dnnl.EltwiseClip, ref.ClipV2: dnnl.EltwiseClipV2, ref.ELU: dnnl.EltwiseElu,
	ref.Exp: dnnl.EltwiseExp, ref.GELUErf: dnnl.EltwiseGELUErf, ref.GELUTanh: dnnl.EltwiseGELUTanh,
	ref.HardSigmoid: dnnl.EltwiseHardsigmoid, ref.HardSwish: dnnl.EltwiseHardswish, ref.Linear: dnnl.EltwiseLinear,
	ref.Log: dnnl.EltwiseLog, ref.Logistic: dnnl.EltwiseLogistic, ref.Mish: dnnl.EltwiseMish, ref.Pow: dnnl.EltwisePow,
	ref.ReLU: dnnl.EltwiseReLU, ref.Round: dnnl.EltwiseRound, ref.SoftReLU: dnnl.EltwiseSoftReLU, ref.Sqrt: dnnl.EltwiseSqrt,
	ref.Square: dnnl.EltwiseSquare, ref.Swish: dnnl.EltwiseSwish, ref.Tanh: dnnl.EltwiseTanh,
}

var binaryAlgs = map[ref.BinaryAlg]dnnl.BinaryAlg{
	ref.Add: dnnl.BinaryAdd, ref.Sub: dnnl.BinarySub, ref.Mul: dnnl.BinaryMul, ref.Div: dnnl.BinaryDiv,
	ref.Max: dnnl.BinaryMax, ref.Min: dnnl.BinaryMin, ref.GE: dnnl.BinaryGE, ref.GT: dnnl.BinaryGT,
	ref.LE: dnnl.BinaryLE, ref.LT: dnnl.BinaryLT, ref.EQ: dnnl.BinaryEQ, ref.NE: dnnl.BinaryNE,
}

var poolAlgs = map[ref.PoolAlg]dnnl.PoolAlg{
	ref.PoolMax: dnnl.PoolMax, ref.PoolAvgInclude: dnnl.PoolAvgIncludePadding, ref.PoolAvgExclude: dnnl.PoolAvgExcludePadding,
}

var resampleAlgs = map[ref.ResampleAlg]dnnl.ResampleAlg{
	ref.Nearest: dnnl.ResampleNearest, ref.Linearly: dnnl.ResampleLinear,
}

var reductionAlgs = map[ref.ReductionAlg]dnnl.ReductionAlg{
	ref.ReduceMax: dnnl.ReductionMax, ref.ReduceMin: dnnl.ReductionMin, ref.ReduceSum: dnnl.ReductionSum,
	ref.ReduceMul: dnnl.ReductionMul, ref.ReduceMean: dnnl.ReductionMean, ref.ReduceNormMax: dnnl.ReductionNormMax,
	ref.ReduceNormSum: dnnl.ReductionNormSum, ref.ReduceNormPowerPMax: dnnl.ReductionPowerPMax,
	ref.ReduceNormPowerPSum: dnnl.ReductionPowerPSum,
}

// rowMajor is the plain layout of so many dims.
var rowMajor = []dnnl.Tag{1: dnnl.A, dnnl.AB, dnnl.ABC, dnnl.ABCD, dnnl.ABCDE, dnnl.ABCDEF}

// tags are the layouts that a case may ask for, by oneDNN's names.
var tags = map[string]dnnl.Tag{}

func init() {
	for _, t := range []dnnl.Tag{
		dnnl.Any, dnnl.A, dnnl.AB, dnnl.BA, dnnl.ABC, dnnl.ACB, dnnl.BAC, dnnl.ABCD, dnnl.ACDB, dnnl.CDBA, dnnl.BACD, dnnl.ABDC,
		dnnl.ABCDE, dnnl.ACDEB, dnnl.NCW16c, dnnl.NCHW8c, dnnl.NCHW16c, dnnl.NCDHW16c, dnnl.OIHW16i16o,
	} {
		tags[t.String()] = t
	}
}

// plain describes a tensor as package ref holds it.
func (c *call) plain(t *ref.Tensor) *dnnl.Desc { return c.describe(t.DType, t.Dims, "") }

// desc describes a tensor in the layout that the case wants for arg.
func (c *call) desc(arg ref.Arg, t *ref.Tensor) *dnnl.Desc {
	if t == nil {
		return nil
	}
	return c.describe(t.DType, t.Dims, c.tags[arg])
}

func (c *call) describe(dt ref.DType, dims []int, name string) *dnnl.Desc {
	if c.err != nil {
		return nil
	}
	var tag dnnl.Tag
	if name != "" {
		tag = tags[name]
	} else if len(dims) < len(rowMajor) {
		tag = rowMajor[len(dims)]
	}
	if tag == 0 {
		c.err = fmt.Errorf("no layout %q for %d dims", name, len(dims))
		return nil
	}
	d, err := dnnl.NewDesc(dims, dataTypes[dt], tag)
	return keep(c, d, err)
}
