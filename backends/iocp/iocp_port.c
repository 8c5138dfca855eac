#include "iocp_port.h"

#include <stdlib.h>
#include <string.h>

struct iocp_loop *iocp_self(struct io_loop *loop)
{
    assert(loop->backend == &backend_iocp);
    return (struct iocp_loop *)(void *)loop;
}

/* ---- handles ------------------------------------------------------------------------------- */

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

void iocp_refuse(struct io_loop *loop, struct io_token *token)
{
    loop->stats.other_calls++;
    free(token->first);
    iocp_close_handle(token->os_socket);
    *token = (struct io_token){.os_socket = INVALID_SOCKET};
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

bool iocp_cancel(SOCKET os_socket, struct iocp_request *request)
{
    OVERLAPPED *overlapped = request != NULL ? &request->overlapped : NULL;
    return CancelIoEx((HANDLE)(uintptr_t)os_socket, overlapped) ||
           GetLastError() == ERROR_NOT_FOUND; /* its completion is in the port already */
}

/* A post fails only for want of memory, and must not be lost. */
void iocp_post(HANDLE port, struct iocp_request *request)
{
    while (!PostQueuedCompletionStatus(port, 0, 0, request != NULL ? &request->overlapped : NULL)) {
        Sleep(1);
    }
}

/* `Internal` is the NTSTATUS; negative ones are errors. */
void iocp_complete(const OVERLAPPED_ENTRY *entry)
{
    struct iocp_request *request = (struct iocp_request *)(void *)entry->lpOverlapped;
    int32_t status = (int32_t)request->overlapped.Internal;
    assert(request->pending);
    request->pending = false;
    request->completed(request, entry->dwNumberOfBytesTransferred,
                       status < 0 ? iocp_error((uint32_t)status) : 0);
}

/* ---- the port ------------------------------------------------------------------------------ */

/* Sockets of a layered provider may be no handles of the file system. */
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

int iocp_wait(struct iocp_loop *loop, OVERLAPPED_ENTRY *entries, uint64_t deadline_ns)
{
    ULONG count = 0;
    DWORD wait_ms = (DWORD)io_wait_ms(io_wait_ns(deadline_ns), INFINITE - 1); /* or INFINITE */
    loop->base.stats.wait_calls++;
    bool any = GetQueuedCompletionStatusEx(loop->port, entries, IOCP_BATCH, &count, wait_ms,
                                           FALSE) != FALSE;
    loop->base.full = any && count == IOCP_BATCH;
    if (any) {
        return (int)count;
    }
    DWORD error = GetLastError();
    if (error == WAIT_TIMEOUT) {
        return 0;
    }
    int status = iocp_error(error);
    if (status == UV_ENOBUFS || status == UV_ENOMEM) { /* the completions are still there */
        loop->base.full = true;
        Sleep(1);
        return 0;
    }
    return status;
}
