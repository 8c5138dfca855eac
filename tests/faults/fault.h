#ifndef ECHOPORT_FAULT_H
#define ECHOPORT_FAULT_H

/*
 * A run of the server or the client over a backend in which one call fails, and the outcome.
 * Windows only.
 *
 * server: three peers converse with it, then a new one; then it drains
 *
 * client: it sends some messages on several connections to an echo server of plain sockets
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend.h"
#include "imports.h"

struct fault_mode {
    const char *name;
    const struct backend *backend;
    unsigned accept_mode;
    unsigned recv_mode;
    bool client;
};

struct fault {
    enum import_call call;
    uint64_t nth; /* from 1; 0: no call fails */
    uint32_t code;
};

struct fault_outcome {
    bool struck;      /* the call was made that often */
    bool refused;     /* the worker did not start, and said why */
    const char *lost; /* what was lost; NULL: nothing */
    size_t blocks;    /* blocks of memory that are left over */
    size_t handles;   /* likewise */
};

void fault_run(const struct fault_mode *mode, const struct fault *fault,
               struct fault_outcome *outcome);

#endif
