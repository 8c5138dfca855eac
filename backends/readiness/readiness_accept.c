/* Listeners of the backends over readiness. Accepts wait until their listener is readable. */

#include "readiness.h"

#include <stdlib.h>
#include <sys/socket.h>

#include "accepts.h"
#include "net.h"
#include "util.h"

struct io_listener {
    struct readiness_watch watch; /* first */
    struct readiness_loop *loop;
    struct accepts accepts; /* outstanding */
    struct queue_node node; /* in loop->stopped */
    bool drained;           /* as far as is known, no connection waits */
};

static const struct io_token readiness_no_token = {.os_socket = -1};

/* ---- listen and accept --------------------------------------------------------------------- */

/* What a submit returns. */
static int readiness_try_accept(struct io_listener *listener, struct io_accept *op)
{
    struct io_stats *stats = &listener->loop->base.stats;
    uv_os_sock_t fd;
    op->token = readiness_no_token;
    if (listener->drained) {
        return readiness_park(listener->loop, &listener->watch, READY_RECV);
    }
    stats->accept_calls++;
    int status = net_accept(listener->watch.fd, &fd);
    if (status == UV_EAGAIN) {
        listener->drained = true;
        return readiness_park(listener->loop, &listener->watch, READY_RECV);
    }
    stats->accepts += status == 0;
    stats->accepts_failed += status != 0;
    if (status == 0) {
        stats->other_calls += net_accepted_calls;
        op->token.os_socket = fd;
        op->status = 0;
    }
    return status;
}

static void readiness_deliver_accept(struct io_listener *listener, int status)
{
    struct io_accept *op = accepts_pop(&listener->accepts);
    listener->loop->base.stats.completions++;
    op->status = status;
    op->done(op);
}

static void readiness_on_connection(struct readiness_watch *watch,
                                    const struct readiness_event *event)
{
    struct io_listener *listener = (struct io_listener *)(void *)watch;
    (void)event;
    listener->drained = false;
    while (listener->accepts.first != NULL && listener->watch.fd >= 0) {
        int outcome = readiness_try_accept(listener, listener->accepts.first);
        if (outcome == IO_PENDING) {
            return;
        }
        readiness_deliver_accept(listener, outcome);
    }
}

int readiness_listen(struct io_loop *loop, uv_os_sock_t os_socket, int backlog,
                     struct io_listener **out)
{
    struct io_listener *listener = calloc(1, sizeof(*listener));
    int status = listener != NULL ? net_set_nonblocking(os_socket) : UV_ENOMEM;
    if (status == 0 && listen(os_socket, backlog) != 0) {
        status = readiness_error();
    }
    if (status != 0) {
        net_close(os_socket);
        free(listener);
        return status;
    }
    listener->watch = (struct readiness_watch){
        .ready = readiness_on_connection, .fd = os_socket, .wanted = READY_RECV};
    listener->loop = readiness_self(loop);
    listener->loop->listeners++;
    *out = listener;
    return 0;
}

int readiness_accept(struct io_loop *loop, struct io_listener *listener, struct io_accept *op)
{
    assert(op->done != NULL && listener->watch.fd >= 0);
    int outcome = readiness_try_accept(listener, op);
    if (outcome == IO_PENDING) {
        accepts_push(&listener->accepts, op);
    }
    return readiness_count_inline(loop, outcome);
}

void readiness_accept_stop(struct io_loop *loop, struct io_listener *listener)
{
    assert(listener->watch.fd >= 0);
    net_close(listener->watch.fd);
    listener->watch.fd = -1;
    queue_push(&readiness_self(loop)->stopped, &listener->node);
}

void readiness_finish_stopped(struct readiness_loop *loop)
{
    struct queue_node *node;
    while ((node = queue_pop(&loop->stopped)) != NULL) {
        struct io_listener *listener = CONTAINER_OF(node, struct io_listener, node);
        while (listener->accepts.first != NULL) {
            readiness_deliver_accept(listener, UV_ECANCELED);
        }
        loop->listeners--;
        free(listener);
    }
}

int readiness_adopt(struct io_loop *loop, struct io_token *token, struct io_socket *socket)
{
    readiness_socket_init(readiness_self(loop), socket, token->os_socket);
    *token = readiness_no_token;
    return 0;
}

/* A descriptor belongs to no loop until it is watched. */
int readiness_detach(struct io_loop *loop, struct io_token *token)
{
    (void)loop;
    (void)token;
    return 0;
}

void readiness_refuse(struct io_loop *loop, struct io_token *token)
{
    loop->stats.other_calls++;
    net_close(token->os_socket);
    *token = readiness_no_token;
}
