#ifndef ECHOPORT_IOCP_ACCEPTEX_H
#define ECHOPORT_IOCP_ACCEPTEX_H

/* AcceptEx: the connection comes into a socket that is made in advance. See "AcceptEx function" in
 * Microsoft's documentation. */

#include "iocp_listener.h"

/* Asks for one connection. IO_PENDING: the slot's request completes with it, and with its first
 * bytes where the listener waits for them; IO_DONE: it is in the slot; or a UV error. */
int iocp_acceptex_start(struct iocp_slot *slot);

/* Makes the slot's connection a socket like any other: before that shutdown() and getpeername()
 * fail. 0, or a UV error: the peer has gone already. */
int iocp_acceptex_finish(const struct iocp_slot *slot);

#endif
