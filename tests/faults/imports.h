#ifndef ECHOPORT_IMPORTS_H
#define ECHOPORT_IMPORTS_H

/*
 * Counts the calls of Windows that backends make, and lets one of them fail. Windows only.
 *
 * Every call from this program into a DLL goes through its import address table, both libuv's calls
 * and ours. The function imports_install() puts a function before each call named below. Functions
 * that are looked up by name, such as AcceptEx, ConnectEx and several of libuv's, are replaced at
 * the look-up.
 *
 * The test's own thread is exempt, so its sockets work as usual. Its posts to a port are not
 * exempt, since other threads wake a loop that way.
 */

#include <stdbool.h>
#include <stdint.h>

/* X(identifier, the name of it) */
#define IMPORTS(X)                                                                                 \
    X(ACCEPT_EX, "AcceptEx")                                                                       \
    X(BIND, "bind")                                                                                \
    X(CANCEL_IO_EX, "CancelIoEx")                                                                  \
    X(CLOSE_HANDLE, "CloseHandle")                                                                 \
    X(CLOSESOCKET, "closesocket")                                                                  \
    X(CONNECT_EX, "ConnectEx")                                                                     \
    X(CREATE_PORT, "CreateIoCompletionPort")                                                       \
    X(GET_COMPLETIONS, "GetQueuedCompletionStatusEx")                                              \
    X(GETSOCKNAME, "getsockname")                                                                  \
    X(GETSOCKOPT, "getsockopt")                                                                    \
    X(IOCTLSOCKET, "ioctlsocket")                                                                  \
    X(LISTEN, "listen")                                                                            \
    X(POST, "PostQueuedCompletionStatus")                                                          \
    X(SET_MODES, "SetFileCompletionNotificationModes")                                             \
    X(SETSOCKOPT, "setsockopt")                                                                    \
    X(SHUTDOWN, "shutdown")                                                                        \
    X(WSA_ACCEPT, "WSAAccept")                                                                     \
    X(WSA_IOCTL, "WSAIoctl")                                                                       \
    X(WSA_RECV, "WSARecv")                                                                         \
    X(WSA_SEND, "WSASend")                                                                         \
    X(WSA_SOCKET, "WSASocketW")                                                                    \
    /* The removal of a completion from the port. Its NTSTATUS is the failure. */                  \
    X(COMPLETION, "completion")                                                                    \
    /* These are not functions of Windows. The linker replaces them (CMakeLists.txt). */           \
    X(MEMORY, "malloc, calloc")                                                                    \
    X(UV_COND_INIT, "uv_cond_init")                                                                \
    X(UV_MUTEX_INIT, "uv_mutex_init")                                                              \
    X(UV_THREAD_CREATE, "uv_thread_create")

#define IMPORTS_ENUMERATOR(identifier, name) IMPORT_##identifier,

enum import_call { IMPORTS(IMPORTS_ENUMERATOR) IMPORT_CALLS };

const char *imports_name(enum import_call call);

/* Call it once, before any other thread and any call into libuv. The calling thread is exempt. */
void imports_install(void);

/* Starts to count from zero. */
void imports_reset(void);

/* How often it was called since then, on all threads but the exempt one. */
uint64_t imports_count(enum import_call call);

/*
 * Starts to count from zero, and lets the `nth` call, from 1, fail with `code`. The code is an
 * error of Windows or Winsock, which becomes the last error; an NTSTATUS for IMPORT_COMPLETION; a
 * UV code for libuv's functions. The failed call is not carried out. Exception: handles are closed.
 */
void imports_fail(enum import_call call, uint64_t nth, uint32_t code);

/* Whether that call has failed. From now on nothing fails. */
bool imports_end(void);

/* Whether this call is the one that fails: for functions that replace another. */
bool imports_strike(enum import_call call);

/* The code given to imports_fail(). */
uint32_t imports_code(void);

#endif
