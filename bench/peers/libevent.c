/*
 * libevent: raw events, which are faster here than its bufferevents (docs/benchmarking.md). A
 * connection has two: one while it waits for bytes, one while it waits for room.
 */

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "listener.h"

struct conn {
    struct event *readable;
    struct event *writable;
    size_t begin, end;
    char buffer[PEER_BUFFER_SIZE];
};

static void close_conn(struct conn *conn)
{
    evutil_socket_t fd = event_get_fd(conn->readable);

    event_free(conn->readable);
    event_free(conn->writable);
    (void)close(fd);
    free(conn);
}

/* Closes the connection and returns false if it is broken. */
static bool send_rest(struct conn *conn, evutil_socket_t fd)
{
    ssize_t sent = send(fd, conn->buffer + conn->begin, conn->end - conn->begin, 0);

    if (sent < 0 && errno != EAGAIN) {
        close_conn(conn);
        return false;
    }
    conn->begin += sent > 0 ? (size_t)sent : 0;
    return true;
}

static void on_writable(evutil_socket_t fd, short events, void *context)
{
    struct conn *conn = context;

    (void)events;
    if (send_rest(conn, fd) && conn->begin == conn->end) {
        (void)event_del(conn->writable);
        (void)event_add(conn->readable, NULL);
    }
}

static void on_readable(evutil_socket_t fd, short events, void *context)
{
    struct conn *conn = context;
    ssize_t length = recv(fd, conn->buffer, sizeof(conn->buffer), 0);

    (void)events;
    if (length < 0 && errno == EAGAIN) {
        return;
    }
    if (length <= 0) {
        close_conn(conn);
        return;
    }
    conn->begin = 0;
    conn->end = (size_t)length;
    if (send_rest(conn, fd) && conn->begin < conn->end) {
        (void)event_del(conn->readable);
        (void)event_add(conn->writable, NULL);
    }
}

static void on_connection(evutil_socket_t listener, short events, void *context)
{
    int fd;

    (void)events;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        struct conn *conn = malloc(sizeof(*conn));
        conn->readable = event_new(context, fd, EV_READ | EV_PERSIST, on_readable, conn);
        conn->writable = event_new(context, fd, EV_WRITE | EV_PERSIST, on_writable, conn);
        (void)event_add(conn->readable, NULL);
    }
}

static void on_terminate(evutil_socket_t number, short events, void *context)
{
    (void)number;
    (void)events;
    (void)event_base_loopbreak(context);
}

int main(int argc, char **argv)
{
    struct event_base *base = event_base_new();

    if (argc != 2) {
        (void)fprintf(stderr, "usage: libevent PORT\n");
        return 2;
    }
    evutil_socket_t listener = listener_open(argv[1]);
    (void)evutil_make_socket_nonblocking(listener);
    (void)event_add(event_new(base, listener, EV_READ | EV_PERSIST, on_connection, base), NULL);
    (void)event_add(evsignal_new(base, SIGTERM, on_terminate, base), NULL);
    listener_ready();
    (void)event_base_dispatch(base);
    return 0;
}
