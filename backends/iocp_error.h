#ifndef ECHOPORT_IOCP_ERROR_H
#define ECHOPORT_IOCP_ERROR_H

/* Winsock's, Windows' and the kernel's codes as UV codes. */

#include <stdint.h>

/* The UV code of an error of Windows or Winsock, or of an NTSTATUS; 0 for 0, UV_UNKNOWN for a code
 * that is not in the table. */
int iocp_error(uint32_t code);

/* The UV code of the call that has just failed on this thread. */
int iocp_last_error(void);

/* io_stream_error() for UV codes of this backend. In addition UV_ECANCELED is a reset: this side
 * did not cancel the operation. */
int iocp_stream_error(int status);

#endif
