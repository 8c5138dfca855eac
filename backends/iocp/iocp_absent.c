/* In the place of the `iocp` backend on other systems. */

#include "absent.h"

BACKEND_ABSENT(backend_iocp, "iocp", "a completion port: AcceptEx, ConnectEx, WSARecv, WSASend",
               UV_ENOTSUP, "it is for Windows")
