#ifndef ECHOPORT_ADMISSION_H
#define ECHOPORT_ADMISSION_H

/*
 * --max-connections: one count for all workers. Its lock is taken once per connection to enter and
 * once to leave, never per message.
 */

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

struct admission {
    uv_mutex_t lock;
    uint64_t limit; /* connections; may be changed until the first one enters */
    uint64_t open;
};

/* `limit` is at least 1. Destroy it when all connections have left. */
void admission_init(struct admission *admission, uint64_t limit);
void admission_destroy(struct admission *admission);

/* Admits a connection. False: `limit` connections are open. Any thread. */
bool admission_enter(struct admission *admission);

/* A connection that was admitted is gone. Any thread. */
void admission_leave(struct admission *admission);

#endif
