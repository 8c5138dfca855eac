#include "iocp_thread.h"

#include <stdlib.h>

#include "util.h"

/* After this many failed cancels the thread has long been in its wait. */
#define IOCP_FAILED_CANCELS 100

struct iocp_thread {
    uv_thread_t thread;
    uv_mutex_t lock;
    uv_cond_t changed;
    HANDLE port;
    SOCKET os_socket;
    struct queue asked; /* slots; under `lock` */
    bool stopped;       /* under `lock` */
    unsigned failed_cancels;
};

static struct iocp_slot *iocp_asked(struct queue_node *node)
{
    return CONTAINER_OF(node, struct iocp_slot, asked);
}

/* Waits until a slot is asked for; NULL: stopped. */
static struct iocp_slot *iocp_thread_next(struct iocp_thread *thread)
{
    uv_mutex_lock(&thread->lock);
    while (!thread->stopped && queue_is_empty(&thread->asked)) {
        uv_cond_wait(&thread->changed, &thread->lock);
    }
    struct queue_node *node = thread->stopped ? NULL : queue_pop(&thread->asked);
    uv_mutex_unlock(&thread->lock);
    return node != NULL ? iocp_asked(node) : NULL;
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
    struct iocp_slot *slot;
    while ((slot = iocp_thread_next(thread)) != NULL) {
        slot->os_socket = iocp_thread_accept(thread->os_socket);
        slot->status = slot->os_socket != INVALID_SOCKET ? 0 : iocp_last_error();
        iocp_post(thread->port, &slot->request);
    }
}

int iocp_thread_start(struct io_listener *listener)
{
    struct iocp_thread *thread = calloc(1, sizeof(*thread));
    if (thread == NULL) {
        return UV_ENOMEM;
    }
    thread->port = listener->loop->port;
    thread->os_socket = listener->os_socket;
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
    listener->thread = thread;
    return 0;

destroy_cond:
    uv_cond_destroy(&thread->changed);
destroy_lock:
    uv_mutex_destroy(&thread->lock);
free_thread:
    free(thread);
    return status;
}

void iocp_thread_ask(struct iocp_slot *slot)
{
    struct iocp_thread *thread = slot->listener->thread;
    (void)iocp_begin(&slot->request); /* the thread posts its completion */
    uv_mutex_lock(&thread->lock);
    queue_push(&thread->asked, &slot->asked);
    uv_cond_signal(&thread->changed);
    uv_mutex_unlock(&thread->lock);
}

void iocp_thread_stop(struct iocp_thread *thread)
{
    struct queue_node *node;
    uv_mutex_lock(&thread->lock);
    thread->stopped = true;
    while ((node = queue_pop(&thread->asked)) != NULL) {
        struct iocp_slot *slot = iocp_asked(node);
        slot->status = UV_ECANCELED;
        iocp_post(thread->port, &slot->request);
    }
    uv_cond_signal(&thread->changed);
    uv_mutex_unlock(&thread->lock);
}

bool iocp_thread_cancel_failed(struct iocp_thread *thread)
{
    thread->failed_cancels++;
    return thread->failed_cancels == IOCP_FAILED_CANCELS;
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
