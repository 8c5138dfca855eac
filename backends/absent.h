#ifndef ECHOPORT_ABSENT_H
#define ECHOPORT_ABSENT_H

/* A backend of another system: it is listed, and its probe says where it belongs. */

#include <stdio.h>

#include "backend.h"

#define BACKEND_ABSENT(variable, its_name, its_summary, systems)                                   \
    static int variable##_probe(char *why, size_t why_size)                                        \
    {                                                                                              \
        (void)snprintf(why, why_size, "it is for " systems);                                       \
        return UV_ENOTSUP;                                                                         \
    }                                                                                              \
    const struct backend variable = {                                                              \
        .name = its_name,                                                                          \
        .summary = its_summary,                                                                    \
        .native = true,                                                                            \
        .probe = variable##_probe,                                                                 \
    };

#endif
