#include "shim.h"

#define C(name) {#name, (int64_t)(name)}

static const octet_constant constants[] = {
        // status codes
        C(dnnl_success), C(dnnl_out_of_memory), C(dnnl_invalid_arguments),
        C(dnnl_unimplemented), C(dnnl_last_impl_reached),
        C(dnnl_runtime_error), C(dnnl_not_required),
        // data types
        C(dnnl_f16), C(dnnl_bf16), C(dnnl_f32), C(dnnl_s32), C(dnnl_s8),
        C(dnnl_u8),
        // format kinds
        C(dnnl_format_kind_undef), C(dnnl_format_kind_any), C(dnnl_blocked),
        C(dnnl_format_kind_opaque),
        // format tags
        C(dnnl_format_tag_any), C(dnnl_a), C(dnnl_ab), C(dnnl_abc),
        C(dnnl_abcd), C(dnnl_abcde), C(dnnl_abcdef), C(dnnl_ba), C(dnnl_acb),
        C(dnnl_bac), C(dnnl_bca), C(dnnl_cab), C(dnnl_cba), C(dnnl_abdc),
        C(dnnl_acbd), C(dnnl_acdb), C(dnnl_adbc), C(dnnl_adcb), C(dnnl_bacd),
        C(dnnl_bcda), C(dnnl_cdab), C(dnnl_cdba), C(dnnl_dcab), C(dnnl_abced),
        C(dnnl_abdec), C(dnnl_acbde), C(dnnl_acdeb), C(dnnl_adecb),
        C(dnnl_bacde), C(dnnl_bcdea), C(dnnl_cdeab), C(dnnl_cdeba),
        C(dnnl_decab), C(dnnl_aBc8b), C(dnnl_aBc16b), C(dnnl_aBcd8b),
        C(dnnl_aBcd16b), C(dnnl_aBcde8b), C(dnnl_aBcde16b),
        C(dnnl_ABcd16b16a),
        // primitive kinds
        C(dnnl_reorder), C(dnnl_shuffle), C(dnnl_concat), C(dnnl_sum),
        C(dnnl_convolution), C(dnnl_deconvolution), C(dnnl_eltwise),
        C(dnnl_lrn), C(dnnl_inner_product), C(dnnl_binary), C(dnnl_matmul),
        C(dnnl_resampling), C(dnnl_pooling), C(dnnl_reduction),
        C(dnnl_softmax), C(dnnl_layer_normalization),
        // algorithms
        C(dnnl_convolution_direct), C(dnnl_deconvolution_direct),
        C(dnnl_eltwise_relu), C(dnnl_eltwise_tanh), C(dnnl_eltwise_elu),
        C(dnnl_eltwise_square), C(dnnl_eltwise_abs), C(dnnl_eltwise_sqrt),
        C(dnnl_eltwise_linear), C(dnnl_eltwise_soft_relu),
        C(dnnl_eltwise_hardsigmoid), C(dnnl_eltwise_logistic),
        C(dnnl_eltwise_exp), C(dnnl_eltwise_gelu_tanh), C(dnnl_eltwise_swish),
        C(dnnl_eltwise_log), C(dnnl_eltwise_clip), C(dnnl_eltwise_clip_v2),
        C(dnnl_eltwise_pow), C(dnnl_eltwise_gelu_erf), C(dnnl_eltwise_round),
        C(dnnl_eltwise_mish), C(dnnl_eltwise_hardswish), C(dnnl_pooling_max),
        C(dnnl_pooling_avg_include_padding),
        C(dnnl_pooling_avg_exclude_padding), C(dnnl_lrn_across_channels),
        C(dnnl_lrn_within_channel), C(dnnl_binary_add), C(dnnl_binary_mul),
        C(dnnl_binary_max), C(dnnl_binary_min), C(dnnl_binary_div),
        C(dnnl_binary_sub), C(dnnl_binary_ge), C(dnnl_binary_gt),
        C(dnnl_binary_le), C(dnnl_binary_lt), C(dnnl_binary_eq),
        C(dnnl_binary_ne), C(dnnl_resampling_nearest),
        C(dnnl_resampling_linear), C(dnnl_reduction_max),
        C(dnnl_reduction_min), C(dnnl_reduction_sum), C(dnnl_reduction_mul),
        C(dnnl_reduction_mean), C(dnnl_reduction_norm_lp_max),
        C(dnnl_reduction_norm_lp_sum), C(dnnl_reduction_norm_lp_power_p_max),
        C(dnnl_reduction_norm_lp_power_p_sum), C(dnnl_softmax_accurate),
        C(dnnl_softmax_log), C(dnnl_use_scale), C(dnnl_use_shift),
        // execution arguments
        C(DNNL_ARG_SRC_0), C(DNNL_ARG_SRC_1), C(DNNL_ARG_DST),
        C(DNNL_ARG_WEIGHTS), C(DNNL_ARG_BIAS), C(DNNL_ARG_MEAN),
        C(DNNL_ARG_VARIANCE), C(DNNL_ARG_SCALE), C(DNNL_ARG_SHIFT),
        C(DNNL_ARG_WORKSPACE), C(DNNL_ARG_SCRATCHPAD),
        C(DNNL_ARG_MULTIPLE_SRC), C(DNNL_ARG_ATTR_SCALES),
        C(DNNL_ARG_ATTR_ZERO_POINTS), C(DNNL_ARG_ATTR_POST_OP_DW),
        C(DNNL_ARG_ATTR_MULTIPLE_POST_OP_BASE),
        // instruction sets
        C(dnnl_cpu_isa_default), C(dnnl_cpu_isa_sse41), C(dnnl_cpu_isa_avx),
        C(dnnl_cpu_isa_avx2), C(dnnl_cpu_isa_avx2_vnni),
        C(dnnl_cpu_isa_avx2_vnni_2), C(dnnl_cpu_isa_avx512_core),
        C(dnnl_cpu_isa_avx512_core_vnni), C(dnnl_cpu_isa_avx512_core_bf16),
        C(dnnl_cpu_isa_avx512_core_fp16), C(dnnl_cpu_isa_avx512_core_amx),
        C(dnnl_cpu_isa_avx512_core_amx_fp16),
        // the rest
        C(DNNL_MAX_NDIMS), C(DNNL_RUNTIME_SEQ), C(DNNL_RUNTIME_OMP),
        C(DNNL_RUNTIME_TBB),
        C(DNNL_RUNTIME_THREADPOOL)};

const octet_constant *octet_constant_at(int i) {
    const int n = (int)(sizeof(constants) / sizeof(constants[0]));
    return i >= 0 && i < n ? &constants[i] : NULL;
}
