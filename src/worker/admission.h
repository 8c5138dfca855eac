#ifndef ECHOPORT_ADMISSION_H
#define ECHOPORT_ADMISSION_H

/*
 * One count of connections for all workers, taken once for each connection and never for a message.
 */

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

struct admission {
    uv_mutex_t lock;
    uint64_t limit; /* connections; may be set anew before the first enters */
    uint64_t open;
};

void admission_init(struct admission *admission, uint64_t limit);
void admission_destroy(struct admission *admission);

/* Takes a place: false when all are taken. From any thread. */
bool admission_enter(struct admission *admission);

/* Gives it back. From any thread. */
void admission_leave(struct admission *admission);

#endif
