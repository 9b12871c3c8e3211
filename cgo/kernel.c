#include "kernel.h"

#include <stdlib.h>
#include <string.h>

// In the order in which they are offered: the faster ones first.
static const octet_kernel_maker makers[] = {
        octet_dw_vnni_create,
        octet_stem_amx_create,
        octet_stem_vnni_create,
        octet_stem_f32_create,
        octet_smallmap_create,
};

enum { nmakers = sizeof(makers) / sizeof(*makers) };

static const char any[] = "octet";

int octet_kernel_named(const char *impl) {
    return impl && strncmp(impl, any, sizeof(any) - 1) == 0;
}

dnnl_status_t octet_kernel_create(const octet_spec *spec, octet_kernel **out) {
    for (int i = 0; i < nmakers; i++) {
        octet_kernel *k = NULL;
        dnnl_status_t status = makers[i](spec, &k);
        if (status == dnnl_unimplemented) continue;
        if (status != dnnl_success) return status;
        if (strcmp(spec->impl, any) == 0 || strcmp(spec->impl, k->impl) == 0) {
            *out = k;
            return dnnl_success;
        }
        octet_kernel_destroy(k);
    }
    return dnnl_unimplemented;
}

size_t octet_kernel_impls(const octet_spec *spec, char *names, size_t size) {
    size_t used = 0;
    names[0] = 0;
    for (int i = 0; i < nmakers; i++) {
        octet_kernel *k = NULL;
        if (makers[i](spec, &k) != dnnl_success) continue;
        size_t n = strlen(k->impl);
        if (used + n + 2 <= size) {
            memcpy(names + used, k->impl, n);
            used += n;
            names[used++] = '\n';
            names[used] = 0;
        }
        octet_kernel_destroy(k);
    }
    return used;
}

const_dnnl_memory_desc_t octet_kernel_desc(const octet_kernel *k, int arg) {
    for (int i = 0; i < k->nargs; i++)
        if (k->args[i].arg == arg) return k->args[i].desc;
    return NULL;
}

void octet_kernel_destroy(octet_kernel *k) {
    if (!k) return;
    for (int i = 0; i < k->nargs; i++)
        if (k->args[i].desc) dnnl_memory_desc_destroy(k->args[i].desc);
    free(k);
}

octet_kernel *octet_kernel_new(size_t size, const char *impl) {
    octet_kernel *k = calloc(1, size);
    if (k) k->impl = impl;
    return k;
}

static dnnl_status_t add_arg(
        octet_kernel *k, int arg, const_dnnl_memory_desc_t desc) {
    if (k->nargs == octet_kernel_most_args) return dnnl_unimplemented;
    dnnl_memory_desc_t copy = NULL;
    dnnl_status_t status
            = desc ? dnnl_memory_desc_clone(&copy, desc) : dnnl_success;
    if (status != dnnl_success) return status;
    k->args[k->nargs].arg = arg;
    k->args[k->nargs++].desc = copy;
    return dnnl_success;
}

dnnl_status_t octet_kernel_args(
        octet_kernel *k, const octet_kernel_operand *list, int n) {
    dnnl_status_t status = dnnl_success;
    for (int i = 0; i < n; i++) {
        k->slot[i] = list[i].has ? k->nargs : -1;
        if (list[i].has && status == dnnl_success)
            status = add_arg(k, list[i].arg, list[i].desc);
    }
    return status;
}

int octet_kernel_may_use(int isa) {
    return ((int)dnnl_get_effective_cpu_isa() & isa) == isa;
}

void octet_kernel_share(
        int64_t n, int part, int parts, int64_t *begin, int64_t *end) {
    *begin = n / parts * part + (part < n % parts ? part : n % parts);
    *end = *begin + n / parts + (part < n % parts);
}

typedef struct {
    const octet_kernel *kernel;
    void *at[octet_kernel_most_args];
} execution;

static void work(void *data, int part, int parts) {
    const execution *x = data;
    x->kernel->work(x->kernel, x->at, part, parts);
}

dnnl_status_t octet_kernel_execute(
        const octet_kernel *k, int nargs, const dnnl_exec_arg_t *args) {
    execution x = {k, {NULL}};
    for (int i = 0; i < k->nargs; i++) {
        for (int j = 0; j < nargs; j++) {
            if (args[j].arg != k->args[i].arg) continue;
            dnnl_status_t status
                    = dnnl_memory_get_data_handle(args[j].memory, &x.at[i]);
            if (status != dnnl_success) return status;
        }
        if (!x.at[i]) return dnnl_invalid_arguments;
    }
    octet_parallel(work, &x, k->most_parts);
    return dnnl_success;
}
