#ifndef ECHOPORT_ACCEPTS_H
#define ECHOPORT_ACCEPTS_H

/* The outstanding accepts of a listener, oldest first. All zero: none. */

#include <stddef.h>

#include "backend.h"

struct accepts {
    struct io_accept *first;
    struct io_accept *last;
};

static inline void accepts_push(struct accepts *accepts, struct io_accept *op)
{
    op->next = NULL;
    if (accepts->first == NULL) {
        accepts->first = op;
    } else {
        accepts->last->next = op;
    }
    accepts->last = op;
}

/* Removes the oldest and returns it; NULL if there is none. */
static inline struct io_accept *accepts_pop(struct accepts *accepts)
{
    struct io_accept *op = accepts->first;
    if (op != NULL) {
        accepts->first = op->next;
    }
    return op;
}

#endif
