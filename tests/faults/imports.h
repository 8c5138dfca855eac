#ifndef ECHOPORT_IMPORTS_H
#define ECHOPORT_IMPORTS_H

/*
 * The calls of Windows that backends make, counted, and one of them made to fail. Windows only.
 *
 * Every call from this program into a DLL goes through its import address table, libuv's and ours
 * alike; imports_install() puts a function of its own before each that is named below. What is not
 * imported but asked for, AcceptEx, ConnectEx and all that libuv looks up by name, is exchanged
 * where it is asked for.
 *
 * One thread is spared: the test's own, whose sockets work as ever. Its posts to a port are not,
 * since that is how others wake a loop.
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
    /* A completion that is dequeued; its NTSTATUS is what fails. */                               \
    X(COMPLETION, "completion")                                                                    \
    /* Not Windows' own, and exchanged by the linker (tests/CMakeLists.txt). */                    \
    X(MEMORY, "malloc, calloc")                                                                    \
    X(UV_COND_INIT, "uv_cond_init")                                                                \
    X(UV_MUTEX_INIT, "uv_mutex_init")                                                              \
    X(UV_THREAD_CREATE, "uv_thread_create")

#define IMPORTS_ENUMERATOR(identifier, name) IMPORT_##identifier,

enum import_call { IMPORTS(IMPORTS_ENUMERATOR) IMPORT_CALLS };

const char *imports_name(enum import_call call);

/* Once, before any other thread and any call into libuv. The calling thread is the spared one. */
void imports_install(void);

/* Counts from nothing. */
void imports_reset(void);

/* How often it was called since then, on all threads but the spared one. */
uint64_t imports_count(enum import_call call);

/*
 * Counts from nothing, and lets the `nth` call, from 1, fail with `code`: an error of Windows or
 * Winsock, which it leaves as the last one; an NTSTATUS for IMPORT_COMPLETION; a UV code for those
 * of libuv. It is not carried out, with two exceptions: handles are closed all the same.
 */
void imports_fail(enum import_call call, uint64_t nth, uint32_t code);

/* Whether it has. From now on nothing fails. */
bool imports_end(void);

/* Whether this call is the one that is to fail: for functions that stand before another. */
bool imports_strike(enum import_call call);

/* The code of the fault, as imports_fail() was given it. */
uint32_t imports_code(void);

#endif
