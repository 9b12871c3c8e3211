// madvise is not in plain ISO C.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "shim.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CACHE_LINE ((size_t)64)
#define HUGE_PAGE ((size_t)2 << 20)

static size_t round_up(size_t n, size_t to) {
    return (n + to - 1) & ~(to - 1);
}

static size_t page_size(void) {
    return (size_t)sysconf(_SC_PAGESIZE);
}

// Fresh pages, which the kernel clears when they are first touched. A huge page
// more is reserved than needed, to cut an aligned stretch out of it.
static void *alloc_pages(size_t size) {
    if (size > SIZE_MAX - 2 * HUGE_PAGE) return NULL;
    size = round_up(size, page_size());
    char *p = mmap(NULL, size + HUGE_PAGE, PROT_READ | PROT_WRITE,
            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) return NULL;
    size_t head = round_up((uintptr_t)p, HUGE_PAGE) - (uintptr_t)p;
    if (head > 0) munmap(p, head);
    p += head;
    if (head < HUGE_PAGE) munmap(p + size, HUGE_PAGE - head);
#ifdef MADV_HUGEPAGE
    // A kernel that says no costs nothing.
    (void)madvise(p, size, MADV_HUGEPAGE);
#endif
    return p;
}

void *octet_buffer_alloc(size_t size) {
    if (size >= HUGE_PAGE) return alloc_pages(size);
    void *p = NULL;
    if (posix_memalign(&p, CACHE_LINE, size ? size : 1) != 0) return NULL;
    memset(p, 0, size);
    return p;
}

void octet_buffer_free(void *p, size_t size) {
    if (size >= HUGE_PAGE)
        munmap(p, round_up(size, page_size()));
    else
        free(p);
}
