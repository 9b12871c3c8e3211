// Octet's own kernels: steps for which oneDNN has nothing fast. To all other
// code a kernel is a primitive, made from an octet_spec, with descriptors and
// arguments; see octet_primitive in shim.h.
#ifndef OCTET_KERNEL_H
#define OCTET_KERNEL_H

#include "shim.h"

enum { octet_kernel_most_args = 16 };

typedef struct octet_kernel octet_kernel;

// What all kernels have in common, the first member of each one's own struct.
struct octet_kernel {
    const char *impl; // its name: octet_ and what it does, the instructions
    int nargs;
    // The execution arguments, each once, the scratchpad among them if it has
    // one. desc is owned; NULL for scales, whose number the mask tells.
    struct {
        int arg;
        dnnl_memory_desc_t desc;
    } args[octet_kernel_most_args];
    // Where each entry of the kernel's own list of arguments is in args, -1
    // where it has none.
    int slot[octet_kernel_most_args];
    // How many parts the work can be cut into: no more threads are asked for.
    int64_t most_parts;
    // Does part of parts of the work; at[i] is where args[i] lies. It runs on
    // several threads at once and must not change the kernel.
    void (*work)(const octet_kernel *k, void *const *at, int part, int parts);
};

// Makes a kernel for spec, or returns dnnl_unimplemented where it does not fit:
// another kind of layer, a CPU or a cap of oneDNN's without its instructions.
typedef dnnl_status_t (*octet_kernel_maker)(
        const octet_spec *spec, octet_kernel **out);

dnnl_status_t octet_dw_vnni_create(const octet_spec *spec, octet_kernel **out);
dnnl_status_t octet_stem_amx_create(const octet_spec *spec, octet_kernel **out);
dnnl_status_t octet_stem_vnni_create(const octet_spec *spec, octet_kernel **out);
dnnl_status_t octet_stem_f32_create(const octet_spec *spec, octet_kernel **out);
dnnl_status_t octet_smallmap_create(const octet_spec *spec, octet_kernel **out);

// Whether an implementation's name asks for a kernel of ours.
int octet_kernel_named(const char *impl);

// Makes the kernel of the name in spec, or for the name "octet" the first one
// that fits.
dnnl_status_t octet_kernel_create(const octet_spec *spec, octet_kernel **out);

// Writes the names of the kernels that fit spec, each followed by a newline,
// into names, and returns the bytes used, without the 0 at the end.
size_t octet_kernel_impls(const octet_spec *spec, char *names, size_t size);

// Executes k, on as many OpenMP threads as the calling thread may use.
dnnl_status_t octet_kernel_execute(
        const octet_kernel *k, int nargs, const dnnl_exec_arg_t *args);

const_dnnl_memory_desc_t octet_kernel_desc(const octet_kernel *k, int arg);

void octet_kernel_destroy(octet_kernel *k);

// ---- for makers ----

// Allocates a kernel struct of that size, zeroed.
octet_kernel *octet_kernel_new(size_t size, const char *impl);

// An argument that a kernel may have. desc may be NULL.
typedef struct {
    int arg, has;
    const_dnnl_memory_desc_t desc;
} octet_kernel_operand;

// Gives k those of the n entries of its list that it has, with copies of desc.
dnnl_status_t octet_kernel_args(
        octet_kernel *k, const octet_kernel_operand *list, int n);

// What entry which of the list points to while work runs, or NULL.
static inline void *octet_kernel_at(
        const octet_kernel *k, void *const *at, int which) {
    return k->slot[which] < 0 ? NULL : at[k->slot[which]];
}

// Whether oneDNN may use all these instructions, bits of dnnl_cpu_isa_t: the
// CPU has them and no cap forbids them.
int octet_kernel_may_use(int isa);

// Writes the name of the implementation that oneDNN would choose for spec.
dnnl_status_t octet_onednn_choice(
        const octet_spec *spec, char *name, size_t size);

// The share of n that falls to a part of parts, from *begin to before *end.
void octet_kernel_share(
        int64_t n, int part, int parts, int64_t *begin, int64_t *end);

// Whether the type is u8 or s8.
int octet_is_byte(int32_t data_type);

// Whether spec has no post-op but an activation that clips, to *low and *high:
// infinite where it does not.
int octet_spec_clips(const octet_spec *s, float *low, float *high);

// Whether a kernel can take the bias of spec, an FP32 vector of channels, or has
// none to take. *has is set where there is one.
int octet_spec_bias(const octet_spec *s, int64_t channels, int *has);

// Whether weights described as given may come in the layout wanted.
int octet_spec_takes(
        const_dnnl_memory_desc_t given, const_dnnl_memory_desc_t wanted);

// Whether all of oneDNN's kernels multiply a sum by the product of the scales of
// source and weights, as they did until 3.9.
int octet_onednn_joins_scales(void);

// ---- threads ----

// How many threads the team of the calling thread may have.
int octet_threads(void);

// Calls work(data, part, parts) for every part, at most most of them, each on
// its own thread of the team that oneDNN's loops use.
void octet_parallel(void (*work)(void *data, int part, int parts), void *data,
        int64_t most);

#endif
