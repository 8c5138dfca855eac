/* In the place of the `epoll` backend on other systems. */

#include "absent.h"

BACKEND_ABSENT(backend_epoll, "epoll",
               "non-blocking calls, and epoll, edge-triggered, to know when", UV_ENOTSUP,
               "it is for Linux")
