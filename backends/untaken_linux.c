#include "untaken.h"

#include <errno.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>

#include "untaken_acked.h"

/* tcp(7): SIOCOUTQ is the number of bytes in the send queue, which are not acknowledged. */
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

/* The acknowledged bytes plus those in the send queue: the kernel keeps both sequence numbers when
 * it discards the queue. The SYN of a connect() counts as an acknowledged byte. */
int untaken_taken(uv_os_sock_t os_socket, bool connected, uint64_t *bytes)
{
    uint64_t acked = 0;
    int error = untaken_acked(os_socket, &acked);
    return error != 0 ? uv_translate_sys_error(error)
                      : untaken_ask(os_socket, 0, acked - connected, bytes);
}
