// dlsym's RTLD_DEFAULT and madvise are not in plain ISO C.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "shim.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define CACHE_LINE ((size_t)64)
#define HUGE_PAGE ((size_t)2 << 20)

void *octet_buffer_alloc(size_t size) {
    void *p = NULL;
    size_t align = size >= HUGE_PAGE ? HUGE_PAGE : CACHE_LINE;
    if (posix_memalign(&p, align, size ? size : 1) != 0) return NULL;
#ifdef MADV_HUGEPAGE
    // Asked for before the first touch, or the pages would be small already.
    // Only whole huge pages: the tail shares its page with the allocator. A
    // kernel that says no costs nothing.
    if (size >= HUGE_PAGE)
        (void)madvise(p, size & ~(HUGE_PAGE - 1), MADV_HUGEPAGE);
#endif
    memset(p, 0, size);
    return p;
}

void octet_buffer_free(void *p) {
    free(p);
}

static void (*set_num_threads)(int);
static pthread_once_t looked_up = PTHREAD_ONCE_INIT;

static void look_up(void) {
    *(void **)&set_num_threads = dlsym(RTLD_DEFAULT, "omp_set_num_threads");
}

// Looked up instead of linked: which OpenMP library is loaded, if any, is
// oneDNN's choice.
int octet_set_num_threads(int n) {
    pthread_once(&looked_up, look_up);
    if (!set_num_threads) return 0;
    set_num_threads(n);
    return 1;
}
