// pthread_sigmask is not in plain ISO C.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "shim.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

// What the caller hands to the thread, and the thread hands back.
typedef struct {
    octet_chain *chain; // NULL ends the thread
    dnnl_stream_t stream;
    int threads;
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
};

static job *next(octet_team *t) {
    pthread_mutex_lock(&t->lock);
    while (!t->job)
        pthread_cond_wait(&t->posted, &t->lock);
    job *j = t->job;
    pthread_mutex_unlock(&t->lock);
    return j;
}

static void *serve(void *arg) {
    octet_team *t = arg;
    for (;;) {
        job *j = next(t);
        if (!j->chain) return NULL;
        j->result = octet_chain_run(
                j->chain, j->stream, j->threads, j->ptrs, j->ns, j->runs);
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
        dnnl_stream_t stream, int threads, const uintptr_t *ptrs, int64_t *ns,
        int runs) {
    job j = {chain, stream, threads, ptrs, ns, runs, {dnnl_success, -1}};
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
