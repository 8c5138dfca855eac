#include "untaken.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* The bytes in the send queue, which are not acknowledged: SO_NWRITE in getsockopt(2) of macOS,
 * FIONWRITE in tty(4) of FreeBSD. */
#if defined(SO_NWRITE)
static int untaken_queued(uv_os_sock_t os_socket, int *queued)
{
    socklen_t size = sizeof(*queued);
    return getsockopt(os_socket, SOL_SOCKET, SO_NWRITE, queued, &size);
}
#elif defined(FIONWRITE)
static int untaken_queued(uv_os_sock_t os_socket, int *queued)
{
    return ioctl(os_socket, FIONWRITE, queued);
}
#else
static int untaken_queued(uv_os_sock_t os_socket, int *queued)
{
    (void)os_socket;
    (void)queued;
    errno = EOPNOTSUPP;
    return -1;
}
#endif

int untaken_ask(uv_os_sock_t os_socket, uint64_t submitted, uint64_t kept, uint64_t *bytes)
{
    int queued = 0;
    (void)submitted;
    if (untaken_queued(os_socket, &queued) != 0) {
        return errno == EOPNOTSUPP ? UV_ENOTSUP : uv_translate_sys_error(errno);
    }
    *bytes = kept + (uint64_t)queued;
    return 0;
}
