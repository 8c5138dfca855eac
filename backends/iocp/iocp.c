/*
 * The `iocp` backend: Windows' own completion port. This is the page to begin with.
 *
 * The life of an operation:
 *
 *     WSARecv(..., &request->overlapped)      the system owns the request from here on, if it
 *         = WSA_IO_PENDING                    answers so ...
 *     GetQueuedCompletionStatusEx()           ... until its completion is taken from the port
 *     request->completed(bytes, status)       the OVERLAPPED's address leads back to us
 *
 * A call that succeeds at once leaves a completion in the port all the same, unless
 * FILE_SKIP_COMPLETION_PORT_ON_SUCCESS is set; with it the outcome is there when the call returns
 * (IO_DONE), and the port is spared. That needs a provider whose sockets are handles of the file
 * system (XP1_IFS_HANDLES): with any other, completions still come, so the outcome is taken from
 * them.
 *
 * There is one port for each worker, and one thread that waits on it. A socket joins one port, once
 * and for ever: so a listener belongs to the worker that listened first, and connections join the
 * port of the worker that adopts them.
 *
 * Nothing is ever freed that the system may still write to. CancelIoEx() only asks; the answer is a
 * completion like any other, and perhaps of success.
 */

#include "iocp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

struct iocp_loop *iocp_self(struct io_loop *loop)
{
    assert(loop->backend == &backend_iocp);
    return (struct iocp_loop *)(void *)loop;
}

SOCKET iocp_open_handle(int family)
{
    return WSASocketW(family, SOCK_STREAM, IPPROTO_TCP, NULL, 0,
                      WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
}

void iocp_close_handle(SOCKET os_socket)
{
    int result = closesocket(os_socket);
    assert(result == 0 || WSAGetLastError() != WSAENOTSOCK);
    (void)result;
}

int iocp_set_option(SOCKET os_socket, int level, int option, const void *value, size_t size)
{
    int result = setsockopt(os_socket, level, option, value, (int)size);
    return result == 0 ? 0 : iocp_last_error();
}

/* ---- requests ------------------------------------------------------------------------------ */

OVERLAPPED *iocp_begin(struct iocp_request *request)
{
    assert(!request->pending && request->completed != NULL);
    memset(&request->overlapped, 0, sizeof(request->overlapped));
    request->pending = true;
    return &request->overlapped;
}

int iocp_started(struct iocp_request *request, bool succeeded, bool inline_outcomes)
{
    assert(request->pending);
    if (succeeded) {
        request->pending = !inline_outcomes;
        return inline_outcomes ? IO_DONE : IO_PENDING;
    }
    DWORD error = (DWORD)WSAGetLastError();
    if (error == WSA_IO_PENDING) {
        return IO_PENDING;
    }
    request->pending = false;
    return iocp_error(error);
}

/* A post fails for want of memory alone, and may not be lost. */
void iocp_post(HANDLE port, struct iocp_request *request)
{
    while (!PostQueuedCompletionStatus(port, 0, 0, request != NULL ? &request->overlapped : NULL)) {
        Sleep(1);
    }
}

/* `Internal` is the NTSTATUS; what is not negative is a success. */
static void iocp_complete(const OVERLAPPED_ENTRY *entry)
{
    struct iocp_request *request = (struct iocp_request *)(void *)entry->lpOverlapped;
    int32_t status = (int32_t)request->overlapped.Internal;
    assert(request->pending);
    request->pending = false;
    request->completed(request, entry->dwNumberOfBytesTransferred,
                       status < 0 ? iocp_error((uint32_t)status) : 0);
}

/* ---- the port ------------------------------------------------------------------------------ */

/* Other providers' sockets are not what the system's file calls take them for. */
static bool iocp_is_file(SOCKET os_socket)
{
    WSAPROTOCOL_INFOW info;
    int size = sizeof(info);
    return getsockopt(os_socket, SOL_SOCKET, SO_PROTOCOL_INFOW, (char *)&info, &size) == 0 &&
           (info.dwServiceFlags1 & XP1_IFS_HANDLES) != 0;
}

int iocp_attach(struct iocp_loop *loop, SOCKET os_socket, bool *inline_outcomes)
{
    HANDLE handle = (HANDLE)(uintptr_t)os_socket;
    *inline_outcomes = false;
    loop->base.stats.other_calls++;
    if (CreateIoCompletionPort(handle, loop->port, 0, 0) == NULL) {
        return iocp_error(GetLastError());
    }
    loop->base.stats.other_calls++;
    if (iocp_is_file(os_socket)) {
        UCHAR modes = FILE_SKIP_COMPLETION_PORT_ON_SUCCESS | FILE_SKIP_SET_EVENT_ON_HANDLE;
        loop->base.stats.other_calls++;
        *inline_outcomes = SetFileCompletionNotificationModes(handle, modes) != 0;
    }
    return 0;
}

/* How long to wait, in whole milliseconds, rounded up. */
static DWORD iocp_wait_ms(uint64_t deadline_ns)
{
    if (deadline_ns == UINT64_MAX) {
        return INFINITE;
    }
    uint64_t now_ns = deadline_ns == 0 ? 0 : uv_hrtime();
    if (deadline_ns <= now_ns) {
        return 0;
    }
    uint64_t wait_ms = (deadline_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS;
    return wait_ms < INFINITE - 1 ? (DWORD)wait_ms : INFINITE - 1;
}

/* How many completions there are in `entries`, or a UV error: the port can't be waited on. */
static int iocp_wait(struct iocp_loop *loop, OVERLAPPED_ENTRY *entries, uint64_t deadline_ns)
{
    ULONG count = 0;
    loop->base.stats.wait_calls++;
    bool any = GetQueuedCompletionStatusEx(loop->port, entries, IOCP_BATCH, &count,
                                           iocp_wait_ms(deadline_ns), FALSE) != FALSE;
    loop->base.full = any && count == IOCP_BATCH;
    if (any) {
        return (int)count;
    }
    DWORD error = GetLastError();
    if (error == WAIT_TIMEOUT) {
        return 0;
    }
    int status = iocp_error(error);
    if (status == UV_ENOBUFS || status == UV_ENOMEM) { /* nothing is lost: ask again */
        loop->base.full = true;
        Sleep(1);
        return 0;
    }
    return status;
}

/* Until when the port may be waited on: not at all while there is something to do without it. */
static uint64_t iocp_deadline(const struct iocp_loop *loop, uint64_t deadline_ns)
{
    if (waiters_can_feed(&loop->waiters) || !queue_is_empty(&loop->closed)) {
        return 0;
    }
    uint64_t due_ns = iocp_listeners_due(loop);
    return due_ns < deadline_ns ? due_ns : deadline_ns;
}

static int iocp_poll(struct io_loop *base, uint64_t deadline_ns)
{
    struct iocp_loop *loop = iocp_self(base);
    OVERLAPPED_ENTRY entries[IOCP_BATCH];
    uint64_t before = base->stats.completions;
    bool woken = false;

    waiters_feed(&loop->waiters);
    bool delivered = base->stats.completions != before;
    int count = iocp_wait(loop, entries, delivered ? 0 : iocp_deadline(loop, deadline_ns));
    for (int i = 0; i < count; i++) {
        if (entries[i].lpOverlapped != NULL) {
            iocp_complete(&entries[i]);
        } else {
            (void)InterlockedExchange(&loop->woken, 0); /* first, or a wake is lost */
            woken = true;
        }
    }
    iocp_look_after_listeners(loop);
    iocp_finish_closed(loop);
    io_loop_end_turn(base, before, woken);
    return count < 0 ? count : woken;
}

static void iocp_wake(struct io_loop *base)
{
    struct iocp_loop *loop = iocp_self(base);
    if (InterlockedExchange(&loop->woken, 1) == 0) {
        iocp_post(loop->port, NULL);
    }
}

static uint64_t iocp_now(struct io_loop *loop)
{
    (void)loop;
    return uv_hrtime();
}

/* ---- life ---------------------------------------------------------------------------------- */

static int iocp_load(SOCKET os_socket, GUID id, void *function, size_t size)
{
    DWORD bytes = 0;
    int result = WSAIoctl(os_socket, SIO_GET_EXTENSION_FUNCTION_POINTER, &id, sizeof(id), function,
                          (DWORD)size, &bytes, NULL, NULL);
    return result == 0 ? 0 : iocp_last_error();
}

/* The calls that are newer than Winsock's import library. */
static int iocp_load_functions(struct iocp_loop *loop)
{
    const GUID accept_ex = WSAID_ACCEPTEX;
    const GUID connect_ex = WSAID_CONNECTEX;
    SOCKET any = iocp_open_handle(AF_INET);
    if (any == INVALID_SOCKET) {
        return iocp_last_error();
    }
    int status = iocp_load(any, accept_ex, &loop->accept_ex, sizeof(loop->accept_ex));
    if (status == 0) {
        status = iocp_load(any, connect_ex, &loop->connect_ex, sizeof(loop->connect_ex));
    }
    iocp_close_handle(any);
    return status;
}

/* Windows 10, version 1709, and later know TCP_INITIAL_RTO_NO_SYN_RETRANSMISSIONS. Earlier versions
 * would take it as a number of retransmissions. */
static bool iocp_can_refuse_at_once(void)
{
    uv_utsname_t system;
    char *rest = system.release;
    unsigned long part[3] = {0}; /* "10.0.16299" */
    if (uv_os_uname(&system) != 0) {
        return false;
    }
    for (size_t i = 0; i < 3; i++) {
        part[i] = strtoul(rest, &rest, 10);
        rest += *rest == '.';
    }
    return part[0] > 10 || (part[0] == 10 && part[2] >= 16299);
}

static int iocp_probe(char *why, size_t why_size)
{
    struct iocp_loop loop = {.port = NULL};
    int status = iocp_load_functions(&loop);
    if (why_size > 0) {
        why[0] = '\0';
        if (status != 0) {
            (void)snprintf(why, why_size, "Winsock does not give AcceptEx and ConnectEx: %s",
                           uv_strerror(status));
        }
    }
    return status;
}

static int iocp_loop_open(const struct io_config *config, struct io_loop **out)
{
    struct iocp_loop *loop = calloc(1, sizeof(*loop));
    if (loop == NULL) {
        return UV_ENOMEM;
    }
    int status = iocp_load_functions(loop);
    if (status == 0) {
        loop->port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 1);
        status = loop->port != NULL ? 0 : iocp_error(GetLastError());
    }
    if (status != 0) {
        free(loop);
        return status;
    }
    loop->base.backend = &backend_iocp;
    loop->config = *config;
    loop->refuses_at_once = iocp_can_refuse_at_once();
    pool_init(&loop->base.pool, config->buffer_size, config->buffer_memory);
    waiters_init(&loop->waiters, &loop->base, iocp_retry_recv);
    queue_init(&loop->closed);
    queue_init(&loop->listeners);
    *out = &loop->base;
    return 0;
}

static void iocp_loop_close(struct io_loop *base)
{
    struct iocp_loop *loop = iocp_self(base);
    assert(loop->sockets == 0);
    assert(loop->open_listeners == 0);
    while (!queue_is_empty(&loop->listeners)) { /* stopped, and not yet out of the system's hands */
        int woken = iocp_poll(base, UINT64_MAX);
        assert(woken >= 0);
        (void)woken;
    }
    (void)CloseHandle(loop->port);
    pool_destroy(&base->pool);
    free(loop);
}

/* ---- tokens -------------------------------------------------------------------------------- */

/* A connection joins a port when it is adopted, so until then any loop may have it. */
static int iocp_detach(struct io_loop *loop, struct io_token *token)
{
    (void)loop;
    (void)token;
    return 0;
}

static void iocp_refuse(struct io_loop *loop, struct io_token *token)
{
    loop->stats.other_calls++;
    free(token->first);
    iocp_close_handle(token->os_socket);
    *token = (struct io_token){.os_socket = INVALID_SOCKET};
}

static void iocp_release(struct io_loop *loop, uint8_t *data)
{
    pool_put(&loop->pool, data); /* a receive that waits for it gets it at the next poll */
}

/* In the order of enum iocp_accept_mode and iocp_recv_mode. */
static const char *const iocp_accept_modes[] = {"acceptex", "acceptex-data", "wsaaccept", NULL};
static const char *const iocp_recv_modes[] = {"zero-byte", "posted", NULL};

const struct backend backend_iocp = {
    .name = "iocp",
    .summary = "a completion port: AcceptEx, ConnectEx, WSARecv, WSASend",
    .native = true,
    .socket_size = sizeof(struct io_socket),
    .accept_modes = iocp_accept_modes,
    .recv_modes = iocp_recv_modes,
    .probe = iocp_probe,
    .loop_open = iocp_loop_open,
    .loop_close = iocp_loop_close,
    .poll = iocp_poll,
    .wake = iocp_wake,
    .now = iocp_now,
    .listen = iocp_listen,
    .accept = iocp_accept,
    .accept_stop = iocp_accept_stop,
    .adopt = iocp_adopt,
    .detach = iocp_detach,
    .refuse = iocp_refuse,
    .connect = iocp_connect,
    .recv = iocp_recv,
    .release = iocp_release,
    .send = iocp_send,
    .untaken = iocp_untaken,
    .shutdown = iocp_shutdown,
    .close = iocp_close,
    .handle = iocp_handle,
};
