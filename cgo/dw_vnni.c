#include "dw.h"

static const char name[] = "octet_dw:avx512_core_vnni";

#if defined(__x86_64__) && defined(__GNUC__)

#define TARGET \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")))

#include <immintrin.h>

typedef __m512i taps;

TARGET static inline taps prepare(__m512i weights) {
    return weights;
}

TARGET static inline __m512i dot(__m512i sum, __m512i quads, const taps *w) {
    return _mm512_dpbusd_epi32(sum, quads, *w);
}

#include "dw_body.h"

dnnl_status_t octet_dw_vnni_create(const octet_spec *spec, octet_kernel **out) {
    if (!octet_kernel_may_use(dnnl_cpu_isa_avx512_core_vnni))
        return dnnl_unimplemented;
    octet_dw *dw = NULL;
    dnnl_status_t status = octet_dw_describe(spec, name, &dw);
    if (status != dnnl_success) return status;
    dw->base.work = work;
    *out = &dw->base;
    return dnnl_success;
}

#else

dnnl_status_t octet_dw_vnni_create(const octet_spec *spec, octet_kernel **out) {
    (void)spec, (void)out, (void)name;
    return dnnl_unimplemented;
}

#endif
