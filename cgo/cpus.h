// Where threads run: between cpus.c, which asks the system, and chain.c and
// team.c, whose threads it is about.
#ifndef OCTET_CPUS_H
#define OCTET_CPUS_H

#include "shim.h"

// The CPUs that the calling thread may run on, and their change. 0 where the
// system refuses.
int octet_cpus_get(octet_cpus *now);
int octet_cpus_set(const octet_cpus *cpus);

int octet_cpus_same(const octet_cpus *a, const octet_cpus *b);

#endif
