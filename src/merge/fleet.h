#ifndef ECHOPORT_FLEET_H
#define ECHOPORT_FLEET_H

/*
 * The reports of all clients that shared a load, and whether they are those of one run: every rank
 * once, the same load, the same options, and a time in which all measured. Main thread.
 */

#include <stdbool.h>
#include <stddef.h>

#include "rank.h"
#include "refusal.h"

/* The times of all clients on one time line. It begins when the first client did: by the clocks of
 * the machines, or at the barrier. In seconds. */
struct timeline {
    double first_message_unix; /* 0: there was none */
    double began_unix;         /* of the first client */
    double ended_unix;         /* of the last */
    double spread;             /* by how much the times differ at which the clients began */
    double from;               /* of the measured time, from the first to the last */
    double until;              /* not after `from`: nothing was measured */
    double together_from;      /* in which all measured that measured at all */
    double together_until;     /* not after `together_from`: there was no such time */
    size_t measured;           /* how many clients */
};

struct fleet {
    struct rank *ranks; /* by their numbers, once fleet_check() has found all of them */
    size_t count;
    struct timeline timeline;
};

/* Reads the files. Their names must stay. Call fleet_free() in any case. */
void fleet_read(struct fleet *fleet, char *const *files, size_t count, struct refusals *refusals);
void fleet_free(struct fleet *fleet);

/* Checks that they belong together, and makes the time line. */
void fleet_check(struct fleet *fleet, struct refusals *refusals);

/* When a client began, on the time line. */
double fleet_offset(const struct fleet *fleet, const struct rank *rank);

/* ---- fleet_timeline.c, for fleet.c ---- */

void fleet_make_timeline(struct fleet *fleet, struct refusals *refusals);

/* A client in a message: "rank 2 (n3, c.json)". It is cut to the size of the text. */
struct rank_name {
    char text[160];
};

struct rank_name rank_name(const struct rank *rank);

#endif
