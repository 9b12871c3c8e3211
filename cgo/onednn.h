// The one place that includes oneDNN: it turns a missing or too old oneDNN into one line that says what to do.
#ifndef OCTET_ONEDNN_H
#define OCTET_ONEDNN_H

#if defined(__has_include)
#if !__has_include(<oneapi/dnnl/dnnl.h>)
#error "oneDNN is not installed: run third_party/setup.sh of the Octet module (make setup), or install oneDNN 3.1 or newer (apt-get install libdnnl-dev on Debian 13 or Ubuntu 24.04)"
#endif
#endif

#include <oneapi/dnnl/dnnl.h>
#include <oneapi/dnnl/dnnl_version.h>

#if DNNL_VERSION_MAJOR != 3 || DNNL_VERSION_MINOR < 1
#error "these oneDNN headers are not 3.1 or a newer 3.x: run third_party/setup.sh of the Octet module (make setup), which fetches a fitting one beside them"
// A header that cannot exist stops the compiler here, before hundreds of errors about functions that 2.x lacks.
#include "octet needs oneDNN 3.1 or a newer 3.x"
#endif

#endif
