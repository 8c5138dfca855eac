#ifndef ECHOPORT_IOCP_ERROR_H
#define ECHOPORT_IOCP_ERROR_H

/* Winsock's, Windows' and the kernel's codes as UV codes. */

#include <stdint.h>

/* The UV code of an error of Windows or Winsock, or of an NTSTATUS; 0 for 0. */
int iocp_error(uint32_t code);

/* The same for operations on a connection, where to be aborted is to be reset, and so it is to be
 * cancelled by anybody but us. */
int iocp_stream_error(int status);

/* That of the call that has just failed on this thread. */
int iocp_last_error(void);

#endif
