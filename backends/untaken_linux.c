#include "untaken.h"

#include <errno.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>

/* tcp(7): SIOCOUTQ, what is in the send queue and not acknowledged. */
int untaken_ask(uv_os_sock_t os_socket, uint64_t submitted, uint64_t kept, uint64_t *bytes)
{
    int queued = 0;
    (void)submitted;
    if (ioctl(os_socket, SIOCOUTQ, &queued) != 0) {
        return uv_translate_sys_error(errno);
    }
    *bytes = kept + (uint64_t)queued;
    return 0;
}
