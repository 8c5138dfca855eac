/* libuv on Windows, from src/win/tcp.c of 1.44.2. A receive without a buffer comes before the one
 * with a buffer. */

#include "uv_calls.h"

/* ioctlsocket, SetHandleInformation, CreateIoCompletionPort, SetFileCompletionNotificationModes. */
#define UVIO_SET_SOCKET_CALLS 4

const unsigned uvio_calls_asks = 1;

const struct uvio_calls_costs uvio_calls_costs = {
    /* SO_UPDATE_ACCEPT_CONTEXT; socket and SetHandleInformation for the next AcceptEx. */
    .adopt = UVIO_SET_SOCKET_CALLS + 3,
    .socket = UVIO_SET_SOCKET_CALLS + 3, /* getsockopt and two names */
    .connected = 2,                      /* bind, SO_UPDATE_CONNECT_CONTEXT */
    .close = 2,                          /* CancelIoEx, closesocket */
};
