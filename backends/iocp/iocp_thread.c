/*
 * A thread that waits in WSAAccept, as servers did before there was AcceptEx: it blocks in the
 * call, and puts what came into the completion port by hand. It accepts only as often as it is
 * asked, so that connections which can't be served yet wait in the listener's queue.
 */

#include "iocp.h"
#include "util.h"

#include <stdlib.h>

struct iocp_thread {
    uv_thread_t thread;
    uv_mutex_t lock;
    uv_cond_t changed;
    HANDLE port;
    SOCKET os_socket;
    struct queue asked; /* under `lock`, as is what follows */
    bool stopped;
};

static struct iocp_wait *iocp_wait_of(struct queue_node *node)
{
    return CONTAINER_OF(node, struct iocp_wait, node);
}

/* The next to be waited for; NULL: no more. */
static struct iocp_wait *iocp_thread_next(struct iocp_thread *thread)
{
    uv_mutex_lock(&thread->lock);
    while (!thread->stopped && queue_is_empty(&thread->asked)) {
        uv_cond_wait(&thread->changed, &thread->lock);
    }
    struct queue_node *node = thread->stopped ? NULL : queue_pop(&thread->asked);
    uv_mutex_unlock(&thread->lock);
    return node != NULL ? iocp_wait_of(node) : NULL;
}

/* Child processes inherit a socket made by WSAAccept, and would keep the connection open. */
static SOCKET iocp_thread_accept(SOCKET listener)
{
    SOCKET os_socket = WSAAccept(listener, NULL, NULL, NULL, 0);
    if (os_socket != INVALID_SOCKET) {
        (void)SetHandleInformation((HANDLE)(uintptr_t)os_socket, HANDLE_FLAG_INHERIT, 0);
    }
    return os_socket;
}

static void iocp_thread_main(void *argument)
{
    struct iocp_thread *thread = argument;
    struct iocp_wait *wait;
    while ((wait = iocp_thread_next(thread)) != NULL) {
        wait->os_socket = iocp_thread_accept(thread->os_socket);
        wait->status = wait->os_socket != INVALID_SOCKET ? 0 : iocp_last_error();
        iocp_post(thread->port, &wait->request);
    }
}

int iocp_thread_start(HANDLE port, SOCKET os_socket, struct iocp_thread **out)
{
    struct iocp_thread *thread = calloc(1, sizeof(*thread));
    if (thread == NULL) {
        return UV_ENOMEM;
    }
    thread->port = port;
    thread->os_socket = os_socket;
    queue_init(&thread->asked);
    int status = uv_mutex_init(&thread->lock);
    if (status != 0) {
        goto free_thread;
    }
    status = uv_cond_init(&thread->changed);
    if (status != 0) {
        goto destroy_lock;
    }
    status = uv_thread_create(&thread->thread, iocp_thread_main, thread);
    if (status != 0) {
        goto destroy_cond;
    }
    *out = thread;
    return 0;

destroy_cond:
    uv_cond_destroy(&thread->changed);
destroy_lock:
    uv_mutex_destroy(&thread->lock);
free_thread:
    free(thread);
    return status;
}

void iocp_thread_ask(struct iocp_thread *thread, struct iocp_wait *wait)
{
    (void)iocp_begin(&wait->request); /* the completion is posted by hand, and is like any other */
    uv_mutex_lock(&thread->lock);
    queue_push(&thread->asked, &wait->node);
    uv_cond_signal(&thread->changed);
    uv_mutex_unlock(&thread->lock);
}

void iocp_thread_stop(struct iocp_thread *thread)
{
    struct queue_node *node;
    uv_mutex_lock(&thread->lock);
    thread->stopped = true;
    while ((node = queue_pop(&thread->asked)) != NULL) {
        struct iocp_wait *wait = iocp_wait_of(node);
        wait->status = UV_ECANCELED;
        iocp_post(thread->port, &wait->request);
    }
    uv_cond_signal(&thread->changed);
    uv_mutex_unlock(&thread->lock);
}

void iocp_thread_end(struct iocp_thread *thread)
{
    int status = uv_thread_join(&thread->thread);
    assert(status == 0);
    (void)status;
    uv_cond_destroy(&thread->changed);
    uv_mutex_destroy(&thread->lock);
    free(thread);
}
