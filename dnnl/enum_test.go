//go:build cgo

package dnnl_test

import (
	"strings"
	"testing"

	"github.com/octet-dnn/octet/cgo"
	"github.com/octet-dnn/octet/dnnl"
)

// want gives the Go value of every constant that the C header is asked for.
// Those with a String method are checked to carry oneDNN's name as well.
func wantConstants() map[string]any {
	want := map[string]any{
		"dnnl_success": dnnl.StatusSuccess, "dnnl_out_of_memory": dnnl.StatusOutOfMemory,
		"dnnl_invalid_arguments": dnnl.StatusInvalidArguments, "dnnl_unimplemented": dnnl.StatusUnimplemented,
		"dnnl_last_impl_reached": dnnl.StatusLastImplReached, "dnnl_runtime_error": dnnl.StatusRuntimeError,
		"dnnl_not_required": dnnl.StatusNotRequired,

		"dnnl_format_kind_undef": cgo.FormatUndef, "dnnl_format_kind_any": cgo.FormatAny,
		"dnnl_blocked": cgo.FormatBlocked, "dnnl_format_kind_opaque": cgo.FormatOpaque,

		"dnnl_reorder": cgo.KindReorder, "dnnl_shuffle": cgo.KindShuffle, "dnnl_concat": cgo.KindConcat,
		"dnnl_sum": cgo.KindSum, "dnnl_convolution": cgo.KindConvolution, "dnnl_deconvolution": cgo.KindDeconvolution,
		"dnnl_eltwise": cgo.KindEltwise, "dnnl_lrn": cgo.KindLRN, "dnnl_inner_product": cgo.KindInnerProduct,
		"dnnl_binary": cgo.KindBinary, "dnnl_matmul": cgo.KindMatMul, "dnnl_resampling": cgo.KindResampling,
		"dnnl_pooling": cgo.KindPooling, "dnnl_reduction": cgo.KindReduction, "dnnl_softmax": cgo.KindSoftmax,
		"dnnl_layer_normalization": cgo.KindLayerNorm,

		// Chosen by fields of the specs: 0x1 and so on are in alg.go and norm.go.
		"dnnl_convolution_direct": 0x1, "dnnl_deconvolution_direct": 0xa, "dnnl_lrn_across_channels": 0xaff,
		"dnnl_lrn_within_channel": 0xbff, "dnnl_softmax_accurate": 0x30000, "dnnl_softmax_log": 0x30001,
		"dnnl_use_scale": 2, "dnnl_use_shift": 4,

		"DNNL_ARG_SRC_0": dnnl.ArgSrc0, "DNNL_ARG_SRC_1": dnnl.ArgSrc1, "DNNL_ARG_DST": dnnl.ArgDst,
		"DNNL_ARG_WEIGHTS": dnnl.ArgWeights, "DNNL_ARG_BIAS": dnnl.ArgBias, "DNNL_ARG_MEAN": dnnl.ArgMean,
		"DNNL_ARG_VARIANCE": dnnl.ArgVariance, "DNNL_ARG_SCALE": dnnl.ArgNormScale, "DNNL_ARG_SHIFT": dnnl.ArgNormShift,
		"DNNL_ARG_WORKSPACE": dnnl.ArgWorkspace, "DNNL_ARG_SCRATCHPAD": dnnl.ArgScratchpad,
		"DNNL_ARG_MULTIPLE_SRC": dnnl.ArgMultipleSrc(0), "DNNL_ARG_ATTR_SCALES": dnnl.ArgScale(0),
		"DNNL_ARG_ATTR_ZERO_POINTS": dnnl.ArgZeroPoint(0),
		"DNNL_ARG_ATTR_POST_OP_DW":  dnnl.ArgPostOpWeights(0) &^ dnnl.ArgWeights,

		"DNNL_ARG_ATTR_MULTIPLE_POST_OP_BASE": dnnl.ArgPostOpSrc1(0) &^ dnnl.ArgSrc1,

		"DNNL_MAX_NDIMS": cgo.MaxDims, "DNNL_RUNTIME_SEQ": 1, "DNNL_RUNTIME_OMP": 2, "DNNL_RUNTIME_TBB": 4,
		"DNNL_RUNTIME_THREADPOOL": 8,
	}
	addNamed(want, "dnnl_", dnnl.F16, dnnl.BF16, dnnl.F32, dnnl.S32, dnnl.S8, dnnl.U8)
	want["dnnl_format_tag_any"] = dnnl.Any
	addNamed(want, "dnnl_", dnnl.A, dnnl.AB, dnnl.ABC, dnnl.ABCD, dnnl.ABCDE, dnnl.ABCDEF,
		dnnl.BA, dnnl.ACB, dnnl.BAC, dnnl.BCA, dnnl.CAB, dnnl.CBA,
		dnnl.ABDC, dnnl.ACBD, dnnl.ACDB, dnnl.ADBC, dnnl.ADCB, dnnl.BACD, dnnl.BCDA, dnnl.CDAB, dnnl.CDBA, dnnl.DCAB,
		dnnl.ABCED, dnnl.ABDEC, dnnl.ACBDE, dnnl.ACDEB, dnnl.ADECB, dnnl.BACDE, dnnl.BCDEA, dnnl.CDEAB, dnnl.CDEBA,
		dnnl.DECAB, dnnl.NCW8c, dnnl.NCW16c, dnnl.NCHW8c, dnnl.NCHW16c, dnnl.NCDHW8c, dnnl.NCDHW16c, dnnl.OIHW16i16o)
	addNamed(want, "dnnl_eltwise_", dnnl.EltwiseReLU, dnnl.EltwiseTanh, dnnl.EltwiseElu, dnnl.EltwiseSquare,
		dnnl.EltwiseAbs, dnnl.EltwiseSqrt, dnnl.EltwiseLinear, dnnl.EltwiseSoftReLU, dnnl.EltwiseHardsigmoid,
		dnnl.EltwiseLogistic, dnnl.EltwiseExp, dnnl.EltwiseGELUTanh, dnnl.EltwiseSwish, dnnl.EltwiseLog,
		dnnl.EltwiseClip, dnnl.EltwiseClipV2, dnnl.EltwisePow, dnnl.EltwiseGELUErf, dnnl.EltwiseRound,
		dnnl.EltwiseMish, dnnl.EltwiseHardswish)
	addNamed(want, "dnnl_binary_", dnnl.BinaryAdd, dnnl.BinaryMul, dnnl.BinaryMax, dnnl.BinaryMin, dnnl.BinaryDiv,
		dnnl.BinarySub, dnnl.BinaryGE, dnnl.BinaryGT, dnnl.BinaryLE, dnnl.BinaryLT, dnnl.BinaryEQ, dnnl.BinaryNE)
	addNamed(want, "dnnl_pooling_", dnnl.PoolMax, dnnl.PoolAvgIncludePadding, dnnl.PoolAvgExcludePadding)
	addNamed(want, "dnnl_reduction_", dnnl.ReductionMax, dnnl.ReductionMin, dnnl.ReductionSum, dnnl.ReductionMul,
		dnnl.ReductionMean, dnnl.ReductionNormMax, dnnl.ReductionNormSum, dnnl.ReductionPowerPMax,
		dnnl.ReductionPowerPSum)
	addNamed(want, "dnnl_resampling_", dnnl.ResampleNearest, dnnl.ResampleLinear)
	addNamed(want, "dnnl_cpu_isa_", dnnl.ISADefault, dnnl.ISASSE41, dnnl.ISAAVX, dnnl.ISAAVX2, dnnl.ISAAVX2VNNI,
		dnnl.ISAAVX2VNNI2, dnnl.ISAAVX512Core, dnnl.ISAAVX512CoreVNNI, dnnl.ISAAVX512CoreBF16,
		dnnl.ISAAVX512CoreFP16, dnnl.ISAAVX512CoreAMX, dnnl.ISAAMXFP16)
	return want
}

func addNamed[E interface{ String() string }](want map[string]any, prefix string, values ...E) {
	for _, v := range values {
		want[prefix+v.String()] = v
	}
}

// The Go constants are spelled out, so that packages that only need them build
// without C; here they meet the header this was built with.
func TestConstantsAreTheHeaders(t *testing.T) {
	got := cgo.Constants()
	want := wantConstants()
	for name, w := range want {
		value, ok := got[name]
		if !ok {
			t.Errorf("%s is not among the header's constants", name)
		} else if value != number(w) {
			t.Errorf("%s: header %d, Go %d", name, value, number(w))
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%s of the header is compared with nothing", name)
		}
	}
}

func number(v any) int64 {
	switch v := v.(type) {
	case int:
		return int64(v)
	case dnnl.Status:
		return int64(v)
	case dnnl.DataType:
		return int64(v)
	case dnnl.Tag:
		return int64(v)
	case dnnl.Arg:
		return int64(v)
	case dnnl.EltwiseAlg:
		return int64(v)
	case dnnl.BinaryAlg:
		return int64(v)
	case dnnl.PoolAlg:
		return int64(v)
	case dnnl.ReductionAlg:
		return int64(v)
	case dnnl.ResampleAlg:
		return int64(v)
	case dnnl.ISA:
		return int64(v)
	default:
		return -1 << 62
	}
}

func TestDataTypeSizes(t *testing.T) {
	for dt, size := range map[dnnl.DataType]int{
		dnnl.F32: 4, dnnl.S32: 4, dnnl.BF16: 2, dnnl.F16: 2, dnnl.S8: 1, dnnl.U8: 1, 0: 0, 99: 0,
	} {
		if dt.Size() != size {
			t.Errorf("%v: %d bytes, want %d", dt, dt.Size(), size)
		}
	}
}

func TestArgNames(t *testing.T) {
	for arg, want := range map[dnnl.Arg]string{
		dnnl.ArgSrc:                           "src",
		dnnl.ArgMultipleSrc(3):                "src 3",
		dnnl.ArgScale(dnnl.ArgWeights):        "scale of weights",
		dnnl.ArgZeroPoint(dnnl.ArgDst):        "zero point of dst",
		dnnl.ArgPostOpSrc1(0):                 "src1 of post-op 0",
		dnnl.ArgPostOpSrc1(4):                 "src1 of post-op 4",
		dnnl.ArgPostOpWeights(0):              "weights of the depthwise post-op",
		dnnl.ArgScale(dnnl.ArgMultipleSrc(1)): "scale of src 1",
		dnnl.Arg(7):                           "argument 7",
	} {
		if arg.String() != want {
			t.Errorf("%d: got %q, want %q", int32(arg), arg, want)
		}
	}
}

func TestISA(t *testing.T) {
	for isa, vnni := range map[dnnl.ISA]bool{
		dnnl.ISASSE41: false, dnnl.ISAAVX2: false, dnnl.ISAAVX512Core: false,
		dnnl.ISAAVX2VNNI: true, dnnl.ISAAVX512CoreVNNI: true, dnnl.ISAAVX512CoreAMX: true,
	} {
		if isa.HasVNNI() != vnni {
			t.Errorf("%v: HasVNNI is %v, want %v", isa, isa.HasVNNI(), vnni)
		}
	}
	if got := dnnl.EffectiveCPUISA(); got == dnnl.ISADefault {
		t.Errorf("effective instruction set: %v", got)
	}
	// It has been asked for, so it is too late to change it.
	if err := dnnl.SetMaxCPUISA(dnnl.ISASSE41); err == nil || !strings.Contains(err.Error(), "sse41") {
		t.Errorf("SetMaxCPUISA after use: got %v, want an error that names sse41", err)
	}
}

func TestLibraryVersion(t *testing.T) {
	v := dnnl.LibraryVersion()
	if v.Major != 3 || v.Minor < 1 || v.Hash == "" || v.Runtime == "unknown" {
		t.Errorf("version %+v: want 3.1 or newer, with a commit and a runtime", v)
	}
}

func TestSetNumThreads(t *testing.T) {
	if got, want := dnnl.SetNumThreads(1), dnnl.LibraryVersion().Runtime == "omp"; got != want {
		t.Errorf("SetNumThreads found OpenMP: %v, but the runtime is %s", got, dnnl.LibraryVersion().Runtime)
	}
	if dnnl.SetNumThreads(0) {
		t.Error("SetNumThreads(0) is said to work")
	}
}
