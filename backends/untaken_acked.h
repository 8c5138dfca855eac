#ifndef ECHOPORT_UNTAKEN_ACKED_H
#define ECHOPORT_UNTAKEN_ACKED_H

/* Apart from the others, since <linux/tcp.h> and the <netinet/tcp.h> of libuv's header exclude each
 * other. */

#include <stdint.h>

/* How many bytes the peer's system has acknowledged since the connection began, into *bytes; the
 * SYN of the side that connects counts as one. 0 or an errno. */
int untaken_acked(int fd, uint64_t *bytes);

#endif
