/* In the place of the `io_uring` backend where liburing was missing. */

#include "absent.h"

BACKEND_ABSENT(backend_io_uring, "io_uring",
               "a ring of submissions and completions, buffers chosen by the kernel", UV_ENOSYS,
               "built without liburing")
