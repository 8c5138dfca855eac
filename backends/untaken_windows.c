#include "untaken.h"

#include "iocp_error.h"
#include "win.h"

/* SIO_TCP_INFO tells how many bytes were sent, including repeats, and how many are in flight.
 * Windows has it since Windows 10, version 1703; Wine 8 does not have it. */
int untaken_ask(uv_os_sock_t os_socket, uint64_t submitted, uint64_t kept, uint64_t *bytes)
{
    TCP_INFO_v0 info = {.BytesOut = 0};
    DWORD version = 0, size = 0;
    (void)kept;
    if (WSAIoctl(os_socket, SIO_TCP_INFO, &version, sizeof(version), &info, sizeof(info), &size,
                 NULL, NULL) != 0) {
        return iocp_last_error();
    }
    uint64_t acknowledged = info.BytesOut - info.BytesRetrans - info.BytesInFlight;
    *bytes = submitted > acknowledged ? submitted - acknowledged : 0;
    return 0;
}
