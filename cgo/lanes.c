// sched_yield is not in plain ISO C.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "chain.h"
#include "kernel.h"

#include <sched.h>
#include <stdatomic.h>

// Lanes run side by side. oneDNN shares the loops of one primitive between
// threads, which meet after each and then find half of what they read in
// another core's cache. A lane is a thread with primitives of its own, and meets the others
// only where it needs what they have computed.
typedef struct {
    const octet_step *steps;
    int n;
    dnnl_stream_t stream;
    // Apart from what does not change.
    _Alignas(64) atomic_int arrived; // threads, at all fences so far
    _Alignas(64) atomic_int status;
    atomic_int failed;
} lanes;

int octet_lanes_length(const octet_step *s, int n) {
    int i = 0;
    while (i < n && s[i].on.lane)
        i++;
    return i;
}

static inline void relax(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

// A thread waits for the other lanes' without sleeping, since they are nearly as
// far; but when it has waited for long, one of them may need its CPU.
enum { spins = 4096 };

static void meet(lanes *l, int want) {
    (void)atomic_fetch_add_explicit(&l->arrived, 1, memory_order_acq_rel);
    for (int i = 0; atomic_load_explicit(&l->arrived, memory_order_acquire) < want; i++) {
        relax();
        if (i >= spins) (void)sched_yield();
    }
}

// Threads that there are too few of take several lanes each.
static void work(void *data, int part, int parts) {
    lanes *l = data;
    int fences = 0;
    for (int i = 0; i < l->n; i++) {
        const octet_step *s = &l->steps[i];
        if (s->on.fence) meet(l, ++fences * parts);
        if ((s->on.lane - 1) % parts != part || atomic_load(&l->status)) continue;
        dnnl_status_t status = octet_step_run(s, l->stream);
        if (status == dnnl_success) continue;
        int none = dnnl_success;
        if (atomic_compare_exchange_strong(&l->status, &none, (int)status))
            atomic_store(&l->failed, i);
    }
}

dnnl_status_t octet_lanes_run(
        const octet_step *s, int n, dnnl_stream_t stream, int *failed) {
    lanes l = {.steps = s, .n = n, .stream = stream};
    int most = 1;
    for (int i = 0; i < n; i++)
        if (s[i].on.lane > most) most = s[i].on.lane;
    octet_parallel(work, &l, most);
    *failed = atomic_load(&l.failed);
    return (dnnl_status_t)atomic_load(&l.status);
}
