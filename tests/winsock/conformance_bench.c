#include "conformance_bench.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "util.h"

struct bench bench;

const char *error_name(int error)
{
    static const struct {
        int error;
        const char *name;
    } names[] = {
        {WSA_IO_PENDING, "pending"},
        {WSA_OPERATION_ABORTED, "ABORTED"},
        {WSAECONNRESET, "CONNRESET"},
        {WSAECONNABORTED, "CONNABORTED"},
        {WSAECONNREFUSED, "CONNREFUSED"},
        {WSAENOTCONN, "NOTCONN"},
        {WSAESHUTDOWN, "SHUTDOWN"},
        {WSAEWOULDBLOCK, "WOULDBLOCK"},
        {WSAEINVAL, "INVAL"},
        {WSAENOTSOCK, "NOTSOCK"},
        {WSAEMSGSIZE, "MSGSIZE"},
        {WSAEOPNOTSUPP, "OPNOTSUPP"},
        {WSAEADDRINUSE, "ADDRINUSE"},
        {WSAEACCES, "ACCES"},
        {WSAEINTR, "INTR"},
        {WSAEISCONN, "ISCONN"},
        {WAIT_TIMEOUT, "TIMEOUT"},
        {ERROR_NOT_FOUND, "NOT_FOUND"},
        {ERROR_INVALID_PARAMETER, "INVALID_PARAMETER"},
        {ERROR_INVALID_HANDLE, "INVALID_HANDLE"},
    };
    static char number[16];
    for (size_t i = 0; i < LENGTH(names); i++) {
        if (names[i].error == error) {
            return names[i].name;
        }
    }
    (void)snprintf(number, sizeof(number), "%d", error);
    return number;
}

SOCKET bench_open_socket(int family)
{
    SOCKET socket = WSASocketW(family, SOCK_STREAM, IPPROTO_TCP, NULL, 0, WSA_FLAG_OVERLAPPED);
    assert(socket != INVALID_SOCKET);
    return socket;
}

int bench_bind_loopback(SOCKET socket)
{
    struct sockaddr_in any = {.sin_family = AF_INET};
    any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return bind(socket, (struct sockaddr *)&any, sizeof(any));
}

HANDLE bench_join_port(SOCKET socket)
{
    return CreateIoCompletionPort((HANDLE)(uintptr_t)socket, bench.port, 7, 0);
}

void bench_listen(void)
{
    WSADATA unused;
    int length = sizeof(bench.address);
    int answer = WSAStartup(MAKEWORD(2, 2), &unused);
    assert(answer == 0);
    memset(bench.overlapped, 0, sizeof(bench.overlapped));
    bench.port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
    assert(bench.port != NULL);
    bench.listener = bench_open_socket(AF_INET);
    answer = bench_bind_loopback(bench.listener);
    assert(answer == 0);
    answer = getsockname(bench.listener, (struct sockaddr *)&bench.address, &length);
    assert(answer == 0);
    answer = listen(bench.listener, 16);
    assert(answer == 0);
    bench.client = bench.server = INVALID_SOCKET;
}

void bench_connect_client(void)
{
    bench.client = bench_open_socket(AF_INET);
    int answer = connect(bench.client, (struct sockaddr *)&bench.address, sizeof(bench.address));
    assert(answer == 0);
}

void bench_pair(void)
{
    bench_listen();
    bench_connect_client();
    bench.server = accept(bench.listener, NULL, NULL);
    assert(bench.server != INVALID_SOCKET);
    HANDLE joined = bench_join_port(bench.server);
    assert(joined == bench.port);
}

void bench_close_if_open(SOCKET *socket)
{
    if (*socket != INVALID_SOCKET) {
        (void)closesocket(*socket);
        *socket = INVALID_SOCKET;
    }
}

bool bench_say_packet(DWORD milliseconds)
{
    OVERLAPPED_ENTRY entry;
    ULONG count = 0;
    if (!GetQueuedCompletionStatusEx(bench.port, &entry, 1, &count, milliseconds, FALSE)) {
        say("%s", GetLastError() == WAIT_TIMEOUT ? "no packet" : error_name((int)GetLastError()));
        return false;
    }
    if (entry.lpOverlapped == NULL) {
        say("posted %u", (unsigned)entry.dwNumberOfBytesTransferred);
        return true;
    }
    const char *which = entry.lpOverlapped == &bench.overlapped[1]   ? "second "
                        : entry.lpOverlapped == &bench.overlapped[2] ? "third "
                                                                     : "";
    DWORD moved = 0;
    if (WSAGetOverlappedResult(bench.server != INVALID_SOCKET ? bench.server : bench.listener,
                               entry.lpOverlapped, &moved, FALSE, &bench.flags)) {
        say("%scompleted %u", which, (unsigned)moved);
    } else {
        say("%sfailed %s %08x", which, error_name(WSAGetLastError()),
            (unsigned)entry.lpOverlapped->Internal);
    }
    return true;
}

void bench_close(void)
{
    OVERLAPPED_ENTRY entry;
    ULONG count;
    bench_close_if_open(&bench.client);
    bench_close_if_open(&bench.server);
    bench_close_if_open(&bench.listener);
    while (GetQueuedCompletionStatusEx(bench.port, &entry, 1, &count, NOTHING_MS, FALSE)) {
    }
    (void)CloseHandle(bench.port);
    (void)WSACleanup();
}

void bench_say_answer(int answer)
{
    if (answer == 0) {
        say("inline %u", (unsigned)bench.bytes);
    } else {
        say("%s", error_name(WSAGetLastError()));
    }
}

void bench_say_call(const char *call, int answer, const char *success)
{
    say("%s%s", call, answer == 0 ? success : error_name(WSAGetLastError()));
}

void bench_say_success(BOOL success)
{
    say("%s", success ? "ok" : error_name((int)GetLastError()));
}

int bench_start_recv(size_t which, ULONG length)
{
    WSABUF buffer = {.len = length, .buf = bench.data};
    bench.bytes = bench.flags = 0;
    return WSARecv(bench.server, &buffer, 1, &bench.bytes, &bench.flags, &bench.overlapped[which],
                   NULL);
}

int bench_recv_now(ULONG length)
{
    WSABUF buffer = {.len = length, .buf = bench.data};
    bench.bytes = bench.flags = 0;
    return WSARecv(bench.server, &buffer, 1, &bench.bytes, &bench.flags, NULL, NULL);
}

int bench_start_send(char *from, ULONG length)
{
    WSABUF buffer = {.len = length, .buf = from};
    bench.bytes = 0;
    return WSASend(bench.server, &buffer, 1, &bench.bytes, 0, &bench.overlapped[0], NULL);
}

void bench_reset_client(void)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    (void)setsockopt(bench.client, SOL_SOCKET, SO_LINGER, (const char *)&linger, sizeof(linger));
    bench_close_if_open(&bench.client);
}

void bench_unblock(SOCKET socket)
{
    u_long on = 1;
    int answer = ioctlsocket(socket, (long)FIONBIO, &on);
    assert(answer == 0);
}

void bench_skip_on_success(void)
{
    BOOL skips = SetFileCompletionNotificationModes((HANDLE)(uintptr_t)bench.server,
                                                    FILE_SKIP_COMPLETION_PORT_ON_SUCCESS);
    assert(skips);
}

void bench_await_server(void)
{
    OVERLAPPED_ENTRY entry;
    ULONG count = 0;
    if (bench_start_recv(2, 0) != 0 && WSAGetLastError() != WSA_IO_PENDING) {
        return; /* a reset has come */
    }
    (void)GetQueuedCompletionStatusEx(bench.port, &entry, 1, &count, PATIENCE_MS, FALSE);
}

void bench_send_client(const char *text)
{
    int sent = send(bench.client, text, (int)strlen(text), 0);
    assert(sent == (int)strlen(text));
}

bool bench_cancel(SOCKET socket)
{
    return CancelIoEx((HANDLE)(uintptr_t)socket, NULL) != 0;
}

void bench_say_client(void)
{
    int got = recv(bench.client, bench.data, sizeof(bench.data), 0);
    say("the peer %s", got > 0    ? "receives"
                       : got == 0 ? "sees the end"
                                  : error_name(WSAGetLastError()));
}
