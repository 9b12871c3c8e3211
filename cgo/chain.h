// Steps of chains: between chain.c, which runs them one after the other, and
// lanes.c, which runs several at once.
#ifndef OCTET_CHAIN_H
#define OCTET_CHAIN_H

#include "shim.h"

typedef struct {
    const octet_primitive *primitive;
    octet_lane on;
    int nargs;
    const dnnl_exec_arg_t *args;
} octet_step;

static inline dnnl_status_t octet_step_run(
        const octet_step *s, dnnl_stream_t stream) {
    return octet_primitive_execute(s->primitive, stream, s->nargs, s->args);
}

// How many of the n steps from s on belong to lanes.
int octet_lanes_length(const octet_step *s, int n);

// Executes n steps that all belong to lanes, each lane on a thread of the team.
// Where one fails it says which in *failed.
dnnl_status_t octet_lanes_run(
        const octet_step *s, int n, dnnl_stream_t stream, int *failed);

#endif
