#ifndef ECHOPORT_SUITE_PLAN_H
#define ECHOPORT_SUITE_PLAN_H

/*
 * What backend_suite runs: each scenario on each backend of the system, in each of its modes, apart
 * from the exceptions. A complaint goes to stderr and makes the run red.
 */

#include "suite.h"
#include "suite_exceptions.h"

struct suite {
    const struct scenario *scenarios; /* the last has no name; NULL ends a list of suites */
    bool both_ends;                   /* they need no network of the system: `sim` runs them, too */
};

/* A backend in one of its modes. */
struct variant {
    char name[32];                 /* of the backend, and ":mode" if that is not its default */
    const struct backend *backend; /* NULL: this build lacks it */
    struct suite_mode mode;
    bool here; /* the backend works, and the environment does not leave it out */
};

struct cell {
    const struct variant *variant;
    const struct scenario *scenario;
    const struct exception *exception; /* NULL: there is none */
    bool selected;
    bool began;
    bool ended;   /* it reached its end, or skipped itself */
    bool skipped; /* it skipped itself */
};

struct plan {
    const struct suite *suites;
    const struct exceptions *exceptions;
    const char *os;
    const char *backend; /* NULL: all; "iocp" means its modes as well */
    const char *pattern; /* a part of "backend/scenario"; NULL: all */
    const char *without; /* a backend that can't be had; NULL: none */
    struct variant variants[32];
    size_t variant_count;
    struct cell cells[2048];
    size_t cell_count;
    char complaint[256]; /* the last */
    unsigned complaints;
};

/* The name that the exceptions give the system we run on. */
const char *plan_os(void);

/* Adds the variants of the backend called `name`, and their cells. `backend` is NULL if this build
 * lacks it. `status` and `why` are the answer of its probe. It may fail only with UV_ENOTSUP: the
 * backend is for another system. */
void plan_add(struct plan *plan, const char *name, const struct backend *backend, int status,
              const char *why);

/* After all backends: complains about an exception without use, if no native backend works, and if
 * nothing is selected. */
void plan_check(struct plan *plan);

/* After the run: complains about each cell that should have run and did not begin. */
void plan_check_ran(struct plan *plan);

#endif
