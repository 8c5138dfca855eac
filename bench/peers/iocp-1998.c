/*
 *     iocp-1998 PORT [CPUS [wsaaccept]]
 *
 * The design of the servers of 1998 that introduced completion ports: one port for all connections,
 * and two threads for each CPU that wait on it. CPUS defaults to the CPUs of the machine. Each
 * connection has a buffer of 8 KiB, and the system has none for sending. One AcceptEx is
 * outstanding for the next connection, or a thread waits in WSAAccept.
 *
 * A connection has one operation at a time: a receive, then the send of what came, then the next
 * receive. So no two threads use it at once. A thread that has started an operation does not touch
 * the connection any more: another thread may have its completion already.
 */

#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#include <winsock2.h>
/* Winsock first. */
#include <mswsock.h>
#include <windows.h>
#include <ws2tcpip.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER_SIZE 8192
#define THREADS_A_CPU 2
#define RETRY_MS 10 /* after a shortage of resources */

/* What a completion belongs to. */
struct request {
    OVERLAPPED overlapped; /* first */
    void (*completed)(struct request *request, bool succeeded, DWORD bytes);
};

struct conn {
    struct request request; /* first */
    SOCKET socket;
    DWORD length; /* in the buffer */
    DWORD sent;   /* of that */
    char buffer[BUFFER_SIZE];
};

/* The AcceptEx that is outstanding. */
static struct {
    struct request request; /* first */
    SOCKET socket;
    char addresses[2 * (sizeof(struct sockaddr_storage) + 16)];
} next;

static HANDLE port;
static SOCKET listener;
static LPFN_ACCEPTEX accept_ex;

static void fail(const char *what)
{
    (void)fprintf(stderr, "iocp-1998: %s: error %d\n", what, WSAGetLastError());
    exit(1);
}

static void require(bool holds, const char *what)
{
    if (!holds) {
        fail(what);
    }
}

static SOCKET open_socket(void)
{
    return WSASocketW(AF_INET, SOCK_STREAM, IPPROTO_TCP, NULL, 0,
                      WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
}

/* ---- a connection -------------------------------------------------------------------------- */

static void received(struct request *request, bool succeeded, DWORD bytes);
static void sent(struct request *request, bool succeeded, DWORD bytes);

static void conn_close(struct conn *conn)
{
    (void)closesocket(conn->socket);
    free(conn);
}

static OVERLAPPED *conn_begin(struct conn *conn, void (*completed)(struct request *request,
                                                                   bool succeeded, DWORD bytes))
{
    memset(&conn->request.overlapped, 0, sizeof(conn->request.overlapped));
    conn->request.completed = completed;
    return &conn->request.overlapped;
}

/* Checks the result of a call: an operation that was not started has no completion. */
static void conn_started(struct conn *conn, int answer)
{
    if (answer != 0 && WSAGetLastError() != WSA_IO_PENDING) {
        conn_close(conn);
    }
}

static void conn_receive(struct conn *conn)
{
    WSABUF into = {.len = BUFFER_SIZE, .buf = conn->buffer};
    DWORD flags = 0;
    OVERLAPPED *overlapped = conn_begin(conn, received);
    conn_started(conn, WSARecv(conn->socket, &into, 1, NULL, &flags, overlapped, NULL));
}

static void conn_send(struct conn *conn)
{
    WSABUF from = {.len = conn->length - conn->sent, .buf = conn->buffer + conn->sent};
    OVERLAPPED *overlapped = conn_begin(conn, sent);
    conn_started(conn, WSASend(conn->socket, &from, 1, NULL, 0, overlapped, NULL));
}

/* At the end of the stream everything has been sent and acknowledged. */
static void received(struct request *request, bool succeeded, DWORD bytes)
{
    struct conn *conn = (struct conn *)(void *)request;
    if (!succeeded || bytes == 0) {
        conn_close(conn);
        return;
    }
    conn->length = bytes;
    conn->sent = 0;
    conn_send(conn);
}

static void sent(struct request *request, bool succeeded, DWORD bytes)
{
    struct conn *conn = (struct conn *)(void *)request;
    if (!succeeded || bytes == 0) {
        conn_close(conn);
        return;
    }
    conn->sent += bytes;
    if (conn->sent < conn->length) {
        conn_send(conn);
    } else {
        conn_receive(conn);
    }
}

/* Takes the socket over. */
static void conn_open(SOCKET socket)
{
    int none = 0;
    int yes = 1;
    struct conn *conn = calloc(1, sizeof(*conn));
    if (conn == NULL ||
        setsockopt(socket, SOL_SOCKET, SO_SNDBUF, (const char *)&none, sizeof(none)) != 0 ||
        setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, (const char *)&yes, sizeof(yes)) != 0 ||
        CreateIoCompletionPort((HANDLE)socket, port, 0, 0) == NULL) {
        (void)closesocket(socket);
        free(conn);
        return;
    }
    conn->socket = socket;
    conn_receive(conn);
}

/* ---- accepting ----------------------------------------------------------------------------- */

static bool accept_start(void)
{
    const DWORD address_size = sizeof(struct sockaddr_storage) + 16;
    DWORD bytes;
    memset(&next.request.overlapped, 0, sizeof(next.request.overlapped));
    next.socket = open_socket();
    if (next.socket == INVALID_SOCKET) {
        return false;
    }
    if (accept_ex(listener, next.socket, next.addresses, 0, address_size, address_size, &bytes,
                  &next.request.overlapped) ||
        WSAGetLastError() == WSA_IO_PENDING) {
        return true;
    }
    (void)closesocket(next.socket);
    return false;
}

static void accept_next(void)
{
    while (!accept_start()) {
        Sleep(RETRY_MS);
    }
}

/* Starts the next accept first. From then on another thread may use `next`. */
static void accepted(struct request *request, bool succeeded, DWORD bytes)
{
    SOCKET socket = next.socket;
    (void)request;
    (void)bytes;
    accept_next();
    if (succeeded && setsockopt(socket, SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT,
                                (const char *)&listener, sizeof(listener)) == 0) {
        conn_open(socket);
    } else {
        (void)closesocket(socket);
    }
}

/* False: the listener has been closed. */
static bool accept_one(void)
{
    SOCKET socket = WSAAccept(listener, NULL, NULL, NULL, 0);
    if (socket != INVALID_SOCKET) {
        (void)SetHandleInformation((HANDLE)socket, HANDLE_FLAG_INHERIT, 0);
        conn_open(socket);
        return true;
    }
    if (WSAGetLastError() != WSAECONNRESET) {
        Sleep(RETRY_MS);
    }
    return WSAGetLastError() != WSAENOTSOCK;
}

static DWORD WINAPI accept_all(void *argument)
{
    (void)argument;
    while (accept_one()) {
    }
    return 0;
}

/* ---- threads ------------------------------------------------------------------------------- */

/* False: the port has been closed. */
static bool complete_one(void)
{
    OVERLAPPED *overlapped = NULL;
    ULONG_PTR key;
    DWORD bytes = 0;
    bool succeeded = GetQueuedCompletionStatus(port, &bytes, &key, &overlapped, INFINITE) != FALSE;
    if (overlapped != NULL) {
        struct request *request = (struct request *)(void *)overlapped;
        request->completed(request, succeeded, bytes);
    }
    return overlapped != NULL;
}

static DWORD WINAPI work(void *argument)
{
    (void)argument;
    while (complete_one()) {
    }
    return 0;
}

static void start(LPTHREAD_START_ROUTINE function)
{
    HANDLE thread = CreateThread(NULL, 0, function, NULL, 0, NULL);
    require(thread != NULL, "CreateThread");
    (void)CloseHandle(thread);
}

/* ---- the program --------------------------------------------------------------------------- */

static void listen_at(const char *text)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((u_short)strtoul(text, NULL, 10)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int yes = 1;
    listener = open_socket();
    require(listener != INVALID_SOCKET, "WSASocketW");
    require(
        setsockopt(listener, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, (const char *)&yes, sizeof(yes)) == 0,
        "SO_EXCLUSIVEADDRUSE");
    require(bind(listener, (const struct sockaddr *)&address, sizeof(address)) == 0, "bind");
    require(listen(listener, SOMAXCONN) == 0, "listen");
}

static void accept_by_port(void)
{
    GUID id = WSAID_ACCEPTEX;
    DWORD bytes;
    require(WSAIoctl(listener, SIO_GET_EXTENSION_FUNCTION_POINTER, &id, sizeof(id), &accept_ex,
                     sizeof(accept_ex), &bytes, NULL, NULL) == 0,
            "AcceptEx");
    require(CreateIoCompletionPort((HANDLE)listener, port, 0, 0) != NULL, "the listener's port");
    next.request.completed = accepted;
    accept_next();
}

int main(int argc, char **argv)
{
    bool by_thread = argc == 4 && strcmp(argv[3], "wsaaccept") == 0;
    SYSTEM_INFO system;
    WSADATA data;
    if (argc < 2 || argc > 4 || (argc == 4 && !by_thread)) {
        (void)fprintf(stderr, "usage: iocp-1998 PORT [CPUS [wsaaccept]]\n");
        return 2;
    }
    require(WSAStartup(MAKEWORD(2, 2), &data) == 0, "WSAStartup");
    GetSystemInfo(&system);
    DWORD cpus = argc > 2 ? strtoul(argv[2], NULL, 10) : system.dwNumberOfProcessors;
    port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, cpus);
    require(port != NULL, "CreateIoCompletionPort");
    listen_at(argv[1]);
    for (DWORD i = 0; i < THREADS_A_CPU * cpus; i++) {
        start(work);
    }
    if (by_thread) {
        start(accept_all);
    } else {
        accept_by_port();
    }
    (void)puts("listening");
    (void)fflush(stdout);
    Sleep(INFINITE);
    return 0;
}
