/* In the place of the `kqueue` backend on other systems. */

#include "absent.h"

BACKEND_ABSENT(backend_kqueue, "kqueue",
               "non-blocking calls, and kqueue, edge-triggered, to know when", UV_ENOTSUP,
               "it is for macOS and the BSDs")
