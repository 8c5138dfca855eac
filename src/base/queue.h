#ifndef ECHOPORT_QUEUE_H
#define ECHOPORT_QUEUE_H

/*
 * An intrusive first-in-first-out list, for what waits: for a buffer, for a completion. Any
 * member can leave it at any time; all operations are O(1).
 */

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>

struct queue_node {
    struct queue_node *next; /* NULL when it is in no queue */
    struct queue_node *prev;
};

/* A queue is the node between its last and its first. */
struct queue {
    struct queue_node head;
};

static inline void queue_init(struct queue *queue)
{
    queue->head.next = queue->head.prev = &queue->head;
}

static inline bool queue_has(const struct queue_node *node)
{
    return node->next != NULL;
}

static inline bool queue_is_empty(const struct queue *queue)
{
    return queue->head.next == &queue->head;
}

static inline void queue_push(struct queue *queue, struct queue_node *node)
{
    assert(node->next == NULL);
    node->next = &queue->head;
    node->prev = queue->head.prev;
    node->prev->next = node;
    queue->head.prev = node;
}

/* No-op for a node that is in no queue. */
static inline void queue_remove(struct queue_node *node)
{
    if (node->next != NULL) {
        node->next->prev = node->prev;
        node->prev->next = node->next;
        node->next = node->prev = NULL;
    }
}

/* The one that has waited longest, taken out; NULL if there is none. */
static inline struct queue_node *queue_pop(struct queue *queue)
{
    struct queue_node *node = queue->head.next;
    if (node == &queue->head) {
        return NULL;
    }
    queue_remove(node);
    return node;
}

/* Moves all of `from` into `to`, which need not be initialised. What joins `from` later stays. */
static inline void queue_take_all(struct queue *to, struct queue *from)
{
    queue_init(to);
    if (!queue_is_empty(from)) {
        to->head = from->head;
        to->head.next->prev = to->head.prev->next = &to->head;
        queue_init(from);
    }
}

#endif
