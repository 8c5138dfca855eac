/* Systems other than Linux don't tell how much they have taken. */

#include "untaken.h"

int untaken_taken(uv_os_sock_t os_socket, bool connected, uint64_t *bytes)
{
    (void)os_socket;
    (void)connected;
    (void)bytes;
    return UV_ENOTSUP;
}
