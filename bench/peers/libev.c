/* libev: a watcher for each connection. It waits for bytes, or for room while some are unsent. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ev.h>

#include "listener.h"

struct conn {
    ev_io io; /* first: a watcher is its connection */
    size_t begin, end;
    char buffer[PEER_BUFFER_SIZE];
};

static void close_conn(struct ev_loop *loop, struct conn *conn)
{
    ev_io_stop(loop, &conn->io);
    (void)close(conn->io.fd);
    free(conn);
}

static void wait_for(struct ev_loop *loop, struct conn *conn, int events)
{
    if ((conn->io.events & (EV_READ | EV_WRITE)) != events) {
        int fd = conn->io.fd;
        ev_io_stop(loop, &conn->io);
        ev_io_set(&conn->io, fd, events);
        ev_io_start(loop, &conn->io);
    }
}

static void send_rest(struct ev_loop *loop, struct conn *conn)
{
    ssize_t sent = send(conn->io.fd, conn->buffer + conn->begin, conn->end - conn->begin, 0);

    if (sent < 0 && errno != EAGAIN) {
        close_conn(loop, conn);
        return;
    }
    conn->begin += sent > 0 ? (size_t)sent : 0;
    wait_for(loop, conn, conn->begin == conn->end ? EV_READ : EV_WRITE);
}

static void on_ready(struct ev_loop *loop, ev_io *watcher, int events)
{
    struct conn *conn = (struct conn *)watcher;

    if ((events & EV_READ) != 0) {
        ssize_t length = recv(watcher->fd, conn->buffer, sizeof(conn->buffer), 0);
        if (length < 0 && errno == EAGAIN) {
            return;
        }
        if (length <= 0) {
            close_conn(loop, conn);
            return;
        }
        conn->begin = 0;
        conn->end = (size_t)length;
    }
    send_rest(loop, conn);
}

static void on_connection(struct ev_loop *loop, ev_io *listener, int events)
{
    int fd;

    (void)events;
    while ((fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        struct conn *conn = malloc(sizeof(*conn));
        ev_io_init(&conn->io, on_ready, fd, EV_READ);
        ev_io_start(loop, &conn->io);
    }
}

static void on_terminate(struct ev_loop *loop, ev_signal *watcher, int events)
{
    (void)watcher;
    (void)events;
    ev_break(loop, EVBREAK_ALL);
}

int main(int argc, char **argv)
{
    struct ev_loop *loop = ev_default_loop(0);
    ev_io listener;
    ev_signal terminate;

    if (argc != 2) {
        (void)fprintf(stderr, "usage: libev PORT\n");
        return 2;
    }
    int fd = listener_open(argv[1]);
    (void)fcntl(fd, F_SETFL, O_NONBLOCK);
    ev_io_init(&listener, on_connection, fd, EV_READ);
    ev_io_start(loop, &listener);
    ev_signal_init(&terminate, on_terminate, SIGTERM);
    ev_signal_start(loop, &terminate);
    listener_ready();
    ev_run(loop, 0);
    return 0;
}
