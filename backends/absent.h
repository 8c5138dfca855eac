#ifndef ECHOPORT_ABSENT_H
#define ECHOPORT_ABSENT_H

/* A backend that this build hasn't: it is listed, and its probe says why. `status` is UV_ENOTSUP if
 * it is another system's, and UV_ENOSYS if it could be had here. */

#include <stdio.h>

#include "backend.h"

#define BACKEND_ABSENT(variable, its_name, its_summary, status, reason)                            \
    static int variable##_probe(char *why, size_t why_size)                                        \
    {                                                                                              \
        (void)snprintf(why, why_size, "%s", reason);                                               \
        return status;                                                                             \
    }                                                                                              \
    const struct backend variable = {                                                              \
        .name = its_name,                                                                          \
        .summary = its_summary,                                                                    \
        .native = true,                                                                            \
        .probe = variable##_probe,                                                                 \
    };

#endif
