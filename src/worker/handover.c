#include "handover.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int handover_init(struct handover *handover, size_t worker_count, size_t address_count)
{
    assert(worker_count > 0 && address_count > 0);
    memset(handover, 0, sizeof(*handover));
    struct handover_inbox *inboxes = calloc(worker_count, sizeof(*inboxes));
    struct handover_address *addresses = calloc(address_count, sizeof(*addresses));
    struct handover_inbox **takers =
        calloc(address_count * worker_count, sizeof(struct handover_inbox *));
    if (inboxes == NULL || addresses == NULL || takers == NULL ||
        uv_mutex_init(&handover->lock) != 0) {
        free(inboxes);
        free(addresses);
        free(takers);
        return UV_ENOMEM;
    }
    for (size_t i = 0; i < address_count; i++) {
        addresses[i].takers = &takers[i * worker_count];
    }
    handover->inboxes = inboxes;
    handover->addresses = addresses;
    handover->worker_count = worker_count;
    handover->address_count = address_count;
    return 0;
}

void handover_destroy(struct handover *handover)
{
    if (handover->inboxes == NULL) {
        return;
    }
    for (size_t i = 0; i < handover->worker_count; i++) {
        assert(handover->inboxes[i].taker == NULL && handover->inboxes[i].count == 0);
    }
    free(handover->addresses[0].takers);
    free(handover->addresses);
    free(handover->inboxes);
    handover->inboxes = NULL;
    uv_mutex_destroy(&handover->lock);
}

void handover_join(struct handover *handover, struct worker *taker, size_t address)
{
    assert(taker->index < handover->worker_count && address < handover->address_count);
    struct handover_address *at = &handover->addresses[address];
    struct handover_inbox *inbox = &handover->inboxes[taker->index];
    uv_mutex_lock(&handover->lock);
    inbox->taker = taker;
    at->takers[at->taker_count++] = inbox;
    at->next = at->taker_count; /* the giver has the first turn: a lone connection stays there */
    uv_mutex_unlock(&handover->lock);
}

/* The inbox of the next taker with room, which uses its turn. NULL: it is the giver's turn. */
static struct handover_inbox *handover_next(struct handover_address *at)
{
    while (at->next < at->taker_count) {
        struct handover_inbox *inbox = at->takers[at->next++];
        if (inbox->taker != NULL && inbox->count < HANDOVER_INBOX) {
            return inbox;
        }
    }
    at->next = 0;
    return NULL;
}

struct worker *handover_give(struct handover *handover, struct worker *giver, size_t address,
                             struct io_token *token)
{
    struct worker *taker = NULL;
    bool was_empty = false;
    assert(address < handover->address_count);
    uv_mutex_lock(&handover->lock);
    struct handover_inbox *inbox = handover_next(&handover->addresses[address]);
    if (inbox != NULL && giver->backend->detach(giver->io, token) == 0) {
        assert(inbox->taker != giver);
        taker = inbox->taker;
        was_empty = inbox->count == 0;
        inbox->tokens[(inbox->first + inbox->count++) % HANDOVER_INBOX] = *token;
    }
    uv_mutex_unlock(&handover->lock);
    if (was_empty) {
        worker_post(taker, WORKER_TAKE); /* it takes until its inbox is empty */
    }
    return taker;
}

bool handover_take(struct handover *handover, struct worker *taker, struct io_token *token)
{
    assert(taker->index < handover->worker_count);
    struct handover_inbox *inbox = &handover->inboxes[taker->index];
    uv_mutex_lock(&handover->lock);
    bool there = inbox->count > 0;
    if (there) {
        *token = inbox->tokens[inbox->first];
        inbox->first = (inbox->first + 1) % HANDOVER_INBOX;
        inbox->count--;
    }
    uv_mutex_unlock(&handover->lock);
    return there;
}

void handover_leave(struct handover *handover, struct worker *taker)
{
    assert(taker->index < handover->worker_count);
    uv_mutex_lock(&handover->lock);
    handover->inboxes[taker->index].taker = NULL;
    uv_mutex_unlock(&handover->lock);
}
