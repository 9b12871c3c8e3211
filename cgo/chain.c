#include "chain.h"
#include "cpus.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

struct octet_chain {
    int nsteps;
    int nbound;
    octet_step *steps;
    dnnl_exec_arg_t *args;
    octet_bound *bound;
};

void octet_chain_destroy(octet_chain *chain) {
    if (!chain) return;
    free(chain->steps);
    free(chain->args);
    free(chain->bound);
    free(chain);
}

// calloc of n elements, one if n is none, so that NULL only means failure.
static void *array(size_t n, size_t size) {
    return calloc(n ? n : 1, size);
}

octet_chain *octet_chain_create(int nsteps,
        const octet_primitive *const *primitives, const octet_lane *lanes,
        const int *counts, const dnnl_exec_arg_t *args, int nbound,
        const octet_bound *bound) {
    size_t nargs = 0;
    for (int i = 0; i < nsteps; i++)
        nargs += (size_t)counts[i];

    octet_chain *c = calloc(1, sizeof(*c));
    if (!c) return NULL;
    c->nsteps = nsteps;
    c->nbound = nbound;
    c->steps = array((size_t)nsteps, sizeof(*c->steps));
    c->args = array(nargs, sizeof(*c->args));
    c->bound = array((size_t)nbound, sizeof(*c->bound));
    if (!c->steps || !c->args || !c->bound) {
        octet_chain_destroy(c);
        return NULL;
    }
    if (nargs) memcpy(c->args, args, nargs * sizeof(*args));
    if (nbound) memcpy(c->bound, bound, (size_t)nbound * sizeof(*bound));
    const dnnl_exec_arg_t *next = c->args;
    for (int i = 0; i < nsteps; i++) {
        c->steps[i] = (octet_step) {primitives[i], lanes[i], counts[i], next};
        next += counts[i];
    }
    return c;
}

static dnnl_status_t bind(octet_chain *c, const uintptr_t *ptrs) {
    for (int i = 0; i < c->nbound; i++) {
        const octet_bound *b = &c->bound[i];
        dnnl_status_t status = dnnl_memory_set_data_handle(
                b->memory, (void *)(ptrs[b->pointer] + b->offset));
        if (status != dnnl_success) return status;
    }
    return dnnl_success;
}

// The pointers may be Go's: C must not have them once the call is over.
static void unbind(octet_chain *c) {
    for (int i = 0; i < c->nbound; i++)
        (void)dnnl_memory_set_data_handle(c->bound[i].memory, NULL);
}

static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static octet_result execute(octet_chain *c, dnnl_stream_t stream) {
    for (int i = 0; i < c->nsteps;) {
        int n = 1;
        dnnl_status_t status;
        if (c->steps[i].on.lane) {
            n = octet_lanes_length(c->steps + i, c->nsteps - i);
            int failed = 0;
            status = octet_lanes_run(c->steps + i, n, stream, &failed);
            if (status != dnnl_success) return (octet_result) {status, i + failed};
        } else {
            status = octet_step_run(&c->steps[i], stream);
            if (status != dnnl_success) return (octet_result) {status, i};
        }
        i += n;
    }
    return (octet_result) {dnnl_success, -1};
}

// One step after the other, also those of lanes.
static octet_result execute_timed(
        octet_chain *c, dnnl_stream_t stream, int64_t *ns) {
    for (int i = 0; i < c->nsteps; i++) {
        int64_t start = now();
        dnnl_status_t status = octet_step_run(&c->steps[i], stream);
        if (status == dnnl_success) status = dnnl_stream_wait(stream);
        if (status != dnnl_success) return (octet_result) {status, i};
        ns[i] = now() - start;
    }
    return (octet_result) {dnnl_success, -1};
}

static octet_result execute_often(
        octet_chain *c, dnnl_stream_t stream, int64_t *ns, int runs) {
    octet_result result = {dnnl_success, -1};
    for (int i = 0; i < runs && result.status == dnnl_success; i++) {
        int64_t start = now();
        result = execute(c, stream);
        if (result.status == dnnl_success)
            result.status = dnnl_stream_wait(stream);
        ns[i] = now() - start;
    }
    return result;
}

// Goes to cpus, and tells where the thread might run so far.
static int move(const octet_cpus *cpus, octet_cpus *home) {
    if (!octet_cpus_get(home)) return 0;
    return octet_cpus_same(cpus, home) || octet_cpus_set(cpus);
}

// Goes home. The system only refuses if it has taken all those CPUs away
// meanwhile, and then has seen to the thread itself.
static void leave(const octet_cpus *cpus, const octet_cpus *home) {
    if (!octet_cpus_same(cpus, home)) (void)octet_cpus_set(home);
}

octet_result octet_chain_run(octet_chain *chain, dnnl_stream_t stream,
        int threads, const octet_cpus *cpus, const uintptr_t *ptrs,
        int64_t *ns, int runs) {
    octet_cpus home;
    if (cpus && !move(cpus, &home))
        return (octet_result) {dnnl_runtime_error, octet_step_pinning};
    int before = threads ? octet_set_num_threads(threads) : 0;
    octet_result result = {bind(chain, ptrs), -1};
    if (result.status == dnnl_success) {
        if (runs)
            result = execute_often(chain, stream, ns, runs);
        else if (ns)
            result = execute_timed(chain, stream, ns);
        else
            result = execute(chain, stream);
    }
    // Also after a failure: steps already started must not outlive the call.
    dnnl_status_t waited = dnnl_stream_wait(stream);
    if (result.status == dnnl_success && waited != dnnl_success)
        result.status = waited;
    unbind(chain);
    if (before) (void)octet_set_num_threads(before);
    if (cpus) leave(cpus, &home);
    return result;
}
