#ifndef ECHOPORT_UNTAKEN_H
#define ECHOPORT_UNTAKEN_H

/* The system's half of backend.untaken: untaken_linux.c, untaken_bsd.c, untaken_windows.c. The last
 * two go with untaken_taken_none.c. */

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

/*
 * Sets *bytes to how many bytes of all sends the peer's system has not acknowledged. `submitted` is
 * how many bytes were sent since the connection began. `kept` is how many of them the caller has
 * not handed to the system yet. Windows tells how many were acknowledged, so only `submitted` is
 * used. Other systems tell the size of the send queue, to which `kept` is added. 0; UV_ENOTSUP: the
 * system does not tell; or another UV error. One system call. Any thread.
 */
int untaken_ask(uv_os_sock_t os_socket, uint64_t submitted, uint64_t kept, uint64_t *bytes);

/*
 * Sets *bytes to how many bytes the system has taken to send since the connection began. Works also
 * on a lost connection, but not after a shutdown. `connected`: by connect(), not by accept(). 0;
 * UV_ENOTSUP: the system does not tell; or another UV error. Any thread.
 */
int untaken_taken(uv_os_sock_t os_socket, bool connected, uint64_t *bytes);

/* How many system calls untaken_taken() makes if it succeeds. */
#define UNTAKEN_TAKEN_CALLS 2

#endif
