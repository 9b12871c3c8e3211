// Between the C files only.
#ifndef OCTET_ATTR_H
#define OCTET_ATTR_H

#include "shim.h"

// The attribute a spec asks for: scales, zero points, post-ops, scratchpad of
// the user. The caller destroys it.
dnnl_status_t octet_attr_create(
        const octet_spec *spec, dnnl_primitive_attr_t *out);

#endif
