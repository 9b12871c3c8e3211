// sched_setaffinity is not in plain ISO C.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "cpus.h"

#include <string.h>

#ifdef __linux__
#include <sched.h>

_Static_assert(sizeof(octet_cpus) == sizeof(cpu_set_t), "a set of the system's");

int octet_can_pin(void) {
    return 1;
}

int octet_cpus_get(octet_cpus *now) {
    return sched_getaffinity(0, sizeof(cpu_set_t), (cpu_set_t *)now) == 0;
}

int octet_cpus_set(const octet_cpus *cpus) {
    return sched_setaffinity(0, sizeof(cpu_set_t), (const cpu_set_t *)cpus) == 0;
}

#else

int octet_can_pin(void) {
    return 0;
}

int octet_cpus_get(octet_cpus *now) {
    memset(now, 0, sizeof(*now));
    return 0;
}

int octet_cpus_set(const octet_cpus *cpus) {
    (void)cpus;
    return 0;
}

#endif

int octet_cpus_same(const octet_cpus *a, const octet_cpus *b) {
    return memcmp(a, b, sizeof(*a)) == 0;
}
