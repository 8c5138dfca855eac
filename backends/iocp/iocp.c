/*
 * The `iocp` backend: Windows' own completion port. Begin here.
 *
 * The life of an operation:
 *
 *     WSARecv(..., &request->overlapped)      WSA_IO_PENDING: from here on the system owns the
 *                                             request ...
 *     GetQueuedCompletionStatusEx()           ... until its completion is taken from the port
 *     request->completed(bytes, status)       the OVERLAPPED's address leads back to the request
 *
 * A call that succeeds at once also leaves a completion in the port, unless
 * FILE_SKIP_COMPLETION_PORT_ON_SUCCESS is set. With it the outcome is there when the call returns
 * (IO_DONE), and no completion follows. That needs a provider that makes its sockets handles of the
 * file system (XP1_IFS_HANDLES). With other providers every call leaves a completion, which has the
 * outcome.
 *
 * There is one port for each worker, and one thread that waits on it. A socket joins one port, once
 * and for ever. So a listener belongs to the worker that listened first, and a connection joins the
 * port of the worker that adopts it.
 *
 * No memory is freed while the system may still write to it. CancelIoEx() only asks; the answer is
 * a completion like any other, perhaps of success.
 *
 * The files. Each stands on some of those before it:
 *
 *     iocp_port.c         the port, requests, handles
 *     iocp_socket.c       one connection: connect, receive, send, close
 *     iocp_listener.c     one listener, and the slots through which connections come
 *     iocp_acceptex.c     AcceptEx, the default way to accept
 *     iocp_accept_data.c  AcceptEx that completes with the first bytes
 *     iocp_thread.c       a thread that waits in WSAAccept
 *     iocp_accept.c       accepts: each waits for one connection
 *     iocp.c              the loop, the table of operations
 */

#include <stdio.h>
#include <stdlib.h>

#include "iocp_accept.h"
#include "iocp_port.h"
#include "iocp_socket.h"

/* ---- loop ---------------------------------------------------------------------------------- */

static int iocp_load(SOCKET os_socket, GUID id, void *function, size_t size)
{
    DWORD bytes = 0;
    int result = WSAIoctl(os_socket, SIO_GET_EXTENSION_FUNCTION_POINTER, &id, sizeof(id), function,
                          (DWORD)size, &bytes, NULL, NULL);
    return result == 0 ? 0 : iocp_last_error();
}

/* The calls that Winsock's import library lacks. */
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

static int iocp_poll(struct io_loop *base, uint64_t deadline_ns);

static void iocp_loop_close(struct io_loop *base)
{
    struct iocp_loop *loop = iocp_self(base);
    assert(loop->sockets == 0);
    assert(loop->open_listeners == 0);
    while (!queue_is_empty(&loop->listeners)) { /* stopped, with requests outstanding */
        int woken = iocp_poll(base, UINT64_MAX);
        assert(woken >= 0);
        (void)woken;
    }
    (void)CloseHandle(loop->port);
    pool_destroy(&base->pool);
    free(loop);
}

/* Until when the port may be waited on; 0: there is something to do without it. */
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
            (void)InterlockedExchange(&loop->woken, 0); /* before poll returns, or a wake is lost */
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

/* ---- listen and accept --------------------------------------------------------------------- */

/* A connection joins a port when it is adopted, so until then any loop may have it. */
static int iocp_detach(struct io_loop *loop, struct io_token *token)
{
    (void)loop;
    (void)token;
    return 0;
}

/* ---- receive ------------------------------------------------------------------------------- */

static void iocp_release(struct io_loop *loop, uint8_t *data)
{
    pool_put(&loop->pool, data); /* the next poll gives it to the receive that waits longest */
}

/* ---- table --------------------------------------------------------------------------------- */

/* In the order of enum iocp_accept_mode and iocp_recv_mode. */
static const char *const iocp_accept_modes[] = {"acceptex", "acceptex-data", "wsaaccept", NULL};
static const char *const iocp_recv_modes[] = {"zero-byte", "posted", NULL};

const struct backend backend_iocp = {
    .name = "iocp",
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
