// The flat C side of the binding: what needs more than one oneDNN call, or a
// loop that must not cross between Go and C, is a function here. Everything
// returns a dnnl_status_t as int and never keeps a pointer it was given, except
// where a comment says so.
#ifndef OCTET_SHIM_H
#define OCTET_SHIM_H

#include <stddef.h>
#include <stdint.h>

#include "onednn.h"

// ---- memory descriptors ----

// What a memory descriptor says about itself. The arrays hold ndims entries,
// blocks and block_dims hold nblocks.
typedef struct {
    int32_t ndims;
    int32_t data_type;
    int32_t format_kind;
    int32_t nblocks;
    int64_t dims[DNNL_MAX_NDIMS];
    int64_t padded_dims[DNNL_MAX_NDIMS];
    int64_t strides[DNNL_MAX_NDIMS];
    int64_t blocks[DNNL_MAX_NDIMS];
    int64_t block_dims[DNNL_MAX_NDIMS];
    int64_t offset;
    uint64_t size;
} octet_desc_info;

int octet_desc_describe(const_dnnl_memory_desc_t desc, octet_desc_info *info);

// ---- buffers ----

// Zeroed memory, aligned to 64 bytes, or to a huge page from one huge page up.
// NULL when there is none. Pages of the system are not touched, so that they
// take no memory yet. Freed with octet_buffer_free and the same size.
void *octet_buffer_alloc(size_t size);
void octet_buffer_free(void *p, size_t size);

// ---- primitives ----

typedef struct {
    int32_t arg;
    int32_t mask;
} octet_mask;

enum {
    octet_post_op_sum = 1,
    octet_post_op_eltwise = 2,
    octet_post_op_binary = 3,
    octet_post_op_depthwise = 4
};

typedef struct {
    int32_t kind;
    int32_t alg;
    int32_t zero_point;
    int32_t data_type; // of sum
    float alpha; // of eltwise; the scale of sum
    float beta;
    int32_t weights_type, bias_type, dst_type; // of depthwise
    int32_t kernel, stride, padding; // of depthwise
    const_dnnl_memory_desc_t src1; // of binary
} octet_post_op;

// One description for every kind of primitive; each kind reads its own fields.
typedef struct {
    int32_t kind; // dnnl_primitive_kind_t
    int32_t alg;
    int32_t axis;
    uint32_t flags;
    int64_t count; // LRN's local size, shuffle's group size
    float alpha, beta, k; // reduction: p and eps; layer normalisation: eps in alpha
    const_dnnl_memory_desc_t src, weights, bias, dst;
    // Of layer normalisation: mean and variance. Of a convolution: the picture
    // that a kernel of Octet's quantises, which then is the source; src tells the
    // type of the result.
    const_dnnl_memory_desc_t stat;
    int64_t kernel[DNNL_MAX_NDIMS];
    int64_t strides[DNNL_MAX_NDIMS];
    int64_t dilations[DNNL_MAX_NDIMS];
    int64_t pad_l[DNNL_MAX_NDIMS];
    int64_t pad_r[DNNL_MAX_NDIMS];
    const_dnnl_memory_desc_t *srcs; // concat, sum
    int32_t nsrcs;
    const float *factors; // resampling factors, scales of sum; may be NULL
    const octet_mask *scales;
    int32_t nscales;
    const octet_mask *zero_points;
    int32_t nzero_points;
    const octet_post_op *post_ops;
    int32_t npost_ops;
    const char *impl; // the implementation wanted; NULL for oneDNN's choice
} octet_spec;

// A primitive of oneDNN, or one of Octet's own kernels, which look the same
// from here: see kernel.h.
typedef struct octet_primitive octet_primitive;

// Builds attribute, primitive descriptor and primitive. The scratchpad is
// always the user's. dnnl_unimplemented if no implementation has that name, or
// the kernel of Octet's that has it does not fit; the name "octet" stands for
// whichever of these fits.
int octet_primitive_create(
        dnnl_engine_t engine, const octet_spec *spec, octet_primitive **out);
void octet_primitive_destroy(octet_primitive *p);

// Submits it to the stream; does not wait, but for a kernel of Octet's.
int octet_primitive_execute(const octet_primitive *p, dnnl_stream_t stream,
        int nargs, const dnnl_exec_arg_t *args);

// Writes the names of the implementations that could take the spec, Octet's
// own kernels first and then oneDNN's in its order, each followed by a newline,
// into names, which ends with a 0. What does not fit is left out.
int octet_primitive_impls(dnnl_engine_t engine, const octet_spec *spec,
        char *names, size_t size);

// A copy of the descriptor of one execution argument; the empty descriptor
// where the primitive does not use the argument.
int octet_primitive_arg_desc(
        const octet_primitive *p, int arg, dnnl_memory_desc_t *out);

// The bytes the primitive wants for an argument, 0 if it does not use it.
uint64_t octet_primitive_arg_size(const octet_primitive *p, int arg);

// The implementation's name; owned by the primitive. NULL if there is none.
const char *octet_primitive_impl(const octet_primitive *p);

// The index of the first argument whose memory is laid out differently from
// what the primitive was made for, or -1.
int octet_args_mismatch(
        const octet_primitive *p, int nargs, const dnnl_exec_arg_t *args);

// ---- chains ----

typedef struct octet_chain octet_chain;

// A memory that gets its place at each run: offset bytes after ptrs[pointer].
typedef struct {
    dnnl_memory_t memory;
    uint64_t offset;
    int32_t pointer;
} octet_bound;

// Who executes a step: all threads together, or the thread of a lane, alone.
typedef struct {
    int32_t lane; // from 1 on; 0 is all threads
    int32_t fence; // whether the threads of all lanes meet before it
} octet_lane;

// Copies everything it is given. counts[i] is the number of arguments of step
// i; args holds them one after the other. NULL when out of memory.
octet_chain *octet_chain_create(int nsteps,
        const octet_primitive *const *primitives, const octet_lane *lanes,
        const int *counts, const dnnl_exec_arg_t *args, int nbound,
        const octet_bound *bound);
void octet_chain_destroy(octet_chain *chain);

// CPUs of the system: bit i % 64 of bits[i / 64] is CPU i.
typedef struct {
    uint64_t bits[16];
} octet_cpus;

typedef struct {
    int32_t status;
    int32_t step; // where it failed; -1 while binding or waiting, or the next
} octet_result;

// The step of a failure to have a thread run on the CPUs it should.
enum { octet_step_pinning = -2 };

// Points the bound memories at their places in ptrs, executes every step in
// order, waits for the stream and points the bound memories at nothing again.
// With ns it waits after every step and writes how long that took. With runs
// other than 0 it executes all steps so many times, and ns, which must be there
// then, tells how long each time took. threads other than 0 is the number of
// OpenMP threads for the call. With cpus the calling thread runs on these CPUs
// only until the call is over; OpenMP threads that it started would stay there,
// so that it wants threads to be 1.
octet_result octet_chain_run(octet_chain *chain, dnnl_stream_t stream,
        int threads, const octet_cpus *cpus, const uintptr_t *ptrs,
        int64_t *ns, int runs);

// ---- teams ----

// A thread of its own on which chains run with any number of OpenMP threads.
typedef struct octet_team octet_team;

// NULL when the system has no thread left.
octet_team *octet_team_create(void);

// octet_chain_run on the team's thread. The caller sleeps meanwhile. No second
// call may come before it returns. The team's thread and those that OpenMP gives
// it run on cpus, where there are such, until a call comes with others.
octet_result octet_team_run(octet_team *team, octet_chain *chain,
        dnnl_stream_t stream, int threads, const octet_cpus *cpus,
        const uintptr_t *ptrs, int64_t *ns, int runs);

// Ends the thread and waits for its end.
void octet_team_destroy(octet_team *team);

// ---- the process ----

// Sets the OpenMP threads of the calling thread and returns how many it had. 0
// if there is no OpenMP.
int octet_set_num_threads(int n);

// Whether threads can be kept on CPUs here.
int octet_can_pin(void);

typedef struct {
    const char *name;
    int64_t value;
} octet_constant;

// The values the header gives to the names the Go side spells out: entry i,
// NULL past the last.
const octet_constant *octet_constant_at(int i);

#endif
