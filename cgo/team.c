// pthread_sigmask is not in plain ISO C.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "cpus.h"
#include "kernel.h"

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

// What the caller hands to the thread, and the thread hands back.
typedef struct {
    octet_chain *chain; // NULL ends the thread
    dnnl_stream_t stream;
    int threads;
    const octet_cpus *cpus;
    const uintptr_t *ptrs;
    int64_t *ns;
    int runs;
    octet_result result;
} job;

struct octet_team {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t posted, finished;
    job *job; // NULL when there is none
    // Where its threads may run, which only they use: without other orders, if
    // known, and now; and how many of them have been told.
    octet_cpus home, at;
    int told;
};

static job *next(octet_team *t) {
    pthread_mutex_lock(&t->lock);
    while (!t->job)
        pthread_cond_wait(&t->posted, &t->lock);
    job *j = t->job;
    pthread_mutex_unlock(&t->lock);
    return j;
}

typedef struct {
    const octet_cpus *cpus;
    atomic_int refused;
} move;

static void move_part(void *data, int part, int parts) {
    (void)part, (void)parts;
    move *m = data;
    if (!octet_cpus_set(m->cpus)) atomic_store(&m->refused, 1);
}

// Has the thread and its helpers run on cpus. Helpers that OpenMP starts later
// begin where the thread is.
static int settle(octet_team *t, const octet_cpus *cpus, int threads) {
    if (octet_cpus_same(cpus, &t->at) && threads <= t->told) return 1;
    move m = {.cpus = cpus};
    int before = octet_set_num_threads(threads);
    octet_parallel(move_part, &m, threads);
    if (before) (void)octet_set_num_threads(before);
    t->at = *cpus;
    t->told = atomic_load(&m.refused) ? 0 : threads;
    return t->told;
}

static octet_result perform(octet_team *t, const job *j) {
    // Home again the threads go as far as the system lets them.
    if (!settle(t, j->cpus ? j->cpus : &t->home, j->threads) && j->cpus)
        return (octet_result) {dnnl_runtime_error, octet_step_pinning};
    return octet_chain_run(
            j->chain, j->stream, j->threads, NULL, j->ptrs, j->ns, j->runs);
}

static void *serve(void *arg) {
    octet_team *t = arg;
    (void)octet_cpus_get(&t->home);
    t->at = t->home;
    t->told = INT_MAX;
    for (;;) {
        job *j = next(t);
        if (!j->chain) return NULL;
        j->result = perform(t, j);
        pthread_mutex_lock(&t->lock);
        t->job = NULL;
        pthread_mutex_unlock(&t->lock);
        pthread_cond_signal(&t->finished);
    }
}

static void post(octet_team *t, job *j) {
    pthread_mutex_lock(&t->lock);
    t->job = j;
    pthread_mutex_unlock(&t->lock);
    pthread_cond_signal(&t->posted);
}

// Signals are the business of the threads of Go: this one, and those that
// OpenMP starts from it, get none.
static int start(octet_team *t) {
    sigset_t all, before;
    sigfillset(&all);
    if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0) return 0;
    int failed = pthread_create(&t->thread, NULL, serve, t);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return !failed;
}

octet_team *octet_team_create(void) {
    octet_team *t = calloc(1, sizeof(*t));
    if (!t) return NULL;
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->posted, NULL);
    pthread_cond_init(&t->finished, NULL);
    if (start(t)) return t;
    free(t);
    return NULL;
}

octet_result octet_team_run(octet_team *team, octet_chain *chain,
        dnnl_stream_t stream, int threads, const octet_cpus *cpus,
        const uintptr_t *ptrs, int64_t *ns, int runs) {
    job j = {chain, stream, threads, cpus, ptrs, ns, runs, {dnnl_success, -1}};
    post(team, &j);
    pthread_mutex_lock(&team->lock);
    while (team->job)
        pthread_cond_wait(&team->finished, &team->lock);
    pthread_mutex_unlock(&team->lock);
    return j.result;
}

void octet_team_destroy(octet_team *team) {
    if (!team) return;
    job last = {0};
    post(team, &last);
    pthread_join(team->thread, NULL);
    pthread_cond_destroy(&team->posted);
    pthread_cond_destroy(&team->finished);
    pthread_mutex_destroy(&team->lock);
    free(team);
}
