#ifndef ECHOPORT_QUEUE_H
#define ECHOPORT_QUEUE_H

/*
 * An intrusive first-in-first-out list, for operations that wait: for a buffer, for a completion.
 * Any member can leave at any time. All operations are O(1). A queue belongs to one thread.
 */

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>

struct queue_node {
    struct queue_node *next; /* NULL: it is in no queue */
    struct queue_node *prev;
};

/* The head stands between the last node and the first. */
struct queue {
    struct queue_node head;
};

static inline void queue_init(struct queue *queue)
{
    queue->head.next = queue->head.prev = &queue->head;
}

/* Whether the node is in a queue. */
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

/* Does nothing if the node is in no queue. */
static inline void queue_remove(struct queue_node *node)
{
    if (node->next != NULL) {
        node->next->prev = node->prev;
        node->prev->next = node->next;
        node->next = node->prev = NULL;
    }
}

/* Removes the first node and returns it; NULL: the queue is empty. */
static inline struct queue_node *queue_pop(struct queue *queue)
{
    struct queue_node *node = queue->head.next;
    if (node == &queue->head) {
        return NULL;
    }
    queue_remove(node);
    return node;
}

/* Removes each node that is in the queue now, and calls `finish` for it, the first one first. What
 * `finish` pushes stays in the queue. It may free its node. */
static inline void queue_drain(struct queue *queue, void (*finish)(struct queue_node *node))
{
    struct queue due;
    struct queue_node *node;
    queue_init(&due);
    if (!queue_is_empty(queue)) {
        due.head = queue->head;
        due.head.next->prev = due.head.prev->next = &due.head;
        queue_init(queue);
    }
    while ((node = queue_pop(&due)) != NULL) {
        finish(node);
    }
}

#endif
