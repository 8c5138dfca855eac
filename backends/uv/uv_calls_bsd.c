/* libuv on macOS and the BSDs, from src/unix/kqueue.c and stream.c of 1.44.2 and 1.50.0. */

#include "uv_calls.h"

#include "net.h"

const unsigned uvio_calls_asks = 0;

const struct uvio_calls_costs uvio_calls_costs = {
    .accept = 1 + NET_NONBLOCKING_CALLS, /* besides accept() */
    .socket = 1,                         /* FIONBIO */
    .connected = 1,                      /* SO_ERROR */
    .close = 1,
    .woken = 1, /* read, of a pipe */
};
