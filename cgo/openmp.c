// dlsym's RTLD_DEFAULT is not in plain ISO C.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "kernel.h"

#include <dlfcn.h>
#include <pthread.h>

// Looked up instead of linked: which OpenMP library is loaded, if any, is
// oneDNN's choice, and a second one would have a team of threads of its own.
static void (*set_num_threads)(int);
static int (*get_max_threads)(void);
static int (*get_num_threads)(void);
static int (*get_thread_num)(void);
static void (*parallel)(void (*)(void *), void *, unsigned, unsigned);

static pthread_once_t looked_up = PTHREAD_ONCE_INIT;

static void look_up(void) {
    *(void **)&set_num_threads = dlsym(RTLD_DEFAULT, "omp_set_num_threads");
    *(void **)&get_max_threads = dlsym(RTLD_DEFAULT, "omp_get_max_threads");
    *(void **)&get_num_threads = dlsym(RTLD_DEFAULT, "omp_get_num_threads");
    *(void **)&get_thread_num = dlsym(RTLD_DEFAULT, "omp_get_thread_num");
    // What gcc turns a parallel region into; the libraries of LLVM and Intel
    // have it too, for programs of gcc's.
    *(void **)&parallel = dlsym(RTLD_DEFAULT, "GOMP_parallel");
}

int octet_set_num_threads(int n) {
    pthread_once(&looked_up, look_up);
    if (!set_num_threads || !get_max_threads) return 0;
    int before = get_max_threads();
    if (n != before) set_num_threads(n);
    return before;
}

int octet_threads(void) {
    pthread_once(&looked_up, look_up);
    if (!parallel || !get_max_threads || !get_num_threads || !get_thread_num)
        return 1;
    return get_max_threads();
}

typedef struct {
    void (*work)(void *data, int part, int parts);
    void *data;
} region;

static void run_part(void *arg) {
    const region *r = arg;
    r->work(r->data, get_thread_num(), get_num_threads());
}

void octet_parallel(void (*work)(void *data, int part, int parts), void *data,
        int64_t most) {
    int64_t n = octet_threads();
    if (n > most) n = most;
    if (n <= 1) {
        work(data, 0, 1);
        return;
    }
    region r = {work, data};
    parallel(run_part, &r, (unsigned)n, 0);
}
