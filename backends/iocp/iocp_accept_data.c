#include "iocp_accept_data.h"

#include "util.h"

/* Most bytes that come with a connection. */
#define IOCP_FIRST_SIZE 4096

/* How often slots are checked for silent connections, and how soon again if all were silent: more
 * connections may wait. */
#define IOCP_LOOK_NS (25 * NS_PER_MS)
#define IOCP_LOOK_AGAIN_NS NS_PER_MS

void iocp_accept_data_open(struct io_listener *listener)
{
    listener->first_size = IOCP_FIRST_SIZE;
    listener->look_ns = 0;
}

bool iocp_accept_data_has_room(const struct io_listener *listener)
{
    return listener->silent_count == 0 ||
           listener->silent_count < listener->loop->config.accept_silent_max;
}

/* Since when the slot has a connection; 0: it has none. */
static uint64_t iocp_connected_since(const struct iocp_slot *slot, uint64_t now_ns)
{
    DWORD seconds = 0;
    int size = sizeof(seconds);
    slot->listener->loop->base.stats.other_calls++;
    int result = getsockopt(slot->os_socket, SOL_SOCKET, SO_CONNECT_TIME, (char *)&seconds, &size);
    if (result != 0 || seconds == UINT32_MAX) {
        return 0;
    }
    uint64_t ago_ns = seconds * NS_PER_S;
    return ago_ns < now_ns ? now_ns - ago_ns : 1;
}

static void iocp_find_silent(struct io_listener *listener, uint64_t now_ns)
{
    struct queue_node *next;
    for (struct queue_node *node = listener->waiting.head.next; node != &listener->waiting.head;
         node = next) {
        struct iocp_slot *slot = iocp_slot_of(node);
        next = node->next;
        slot->silent_ns = iocp_connected_since(slot, now_ns);
        if (slot->silent_ns != 0) {
            queue_remove(node);
            queue_push(&listener->silent, node);
            listener->waiting_count--;
            listener->silent_count++;
        }
    }
}

/* Its completion closes it. */
static void iocp_reap(struct iocp_slot *slot)
{
    slot->reaped = true;
    slot->listener->loop->base.stats.other_calls++;
    if (!iocp_cancel(slot->listener->os_socket, &slot->request)) {
        iocp_close_handle(slot->os_socket); /* which ends an accept, too */
        slot->os_socket = INVALID_SOCKET;
    }
}

static void iocp_reap_silent(struct io_listener *listener, uint64_t now_ns)
{
    uint64_t timeout_ns = listener->loop->config.accept_timeout_ns;
    for (struct queue_node *node = listener->silent.head.next;
         timeout_ns != 0 && node != &listener->silent.head; node = node->next) {
        struct iocp_slot *slot = iocp_slot_of(node);
        if (now_ns - slot->silent_ns < timeout_ns) {
            return;
        }
        if (!slot->reaped) {
            iocp_reap(slot);
        }
    }
}

void iocp_accept_data_look(struct io_listener *listener, uint64_t now_ns)
{
    iocp_find_silent(listener, now_ns);
    iocp_reap_silent(listener, now_ns);
    listener->look_ns = now_ns + (listener->waiting_count == 0 ? IOCP_LOOK_AGAIN_NS : IOCP_LOOK_NS);
}
