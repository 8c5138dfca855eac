#ifndef ECHOPORT_WIN_H
#define ECHOPORT_WIN_H

/* Windows' headers, in the one order in which they compile. */

#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif

#include <winsock2.h>
/* Winsock first. */
#include <mstcpip.h>
#include <mswsock.h>
#include <windows.h>
#include <ws2tcpip.h>

#endif
