#ifndef ECHOPORT_UNTAKEN_ACKED_H
#define ECHOPORT_UNTAKEN_ACKED_H

/* In a file of its own, since <linux/tcp.h> conflicts with <netinet/tcp.h>, which libuv's header
 * includes. */

#include <stdint.h>

/* Sets *bytes to how many bytes the peer's system has acknowledged since the connection began. The
 * SYN of a connect() counts as one. 0 or an errno. */
int untaken_acked(int fd, uint64_t *bytes);

#endif
