#ifndef ECHOPORT_ARRIVAL_H
#define ECHOPORT_ARRIVAL_H

/*
 * When messages are due by a schedule with random gaps (--arrival=poisson). Each user has a Poisson
 * process of its own. Together they are a Poisson process, too, as of many independent people.
 *
 * A process is determined by its key, so two copies bring the same times. Times are in nanoseconds
 * since the run began. One thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum arrival_kind { ARRIVAL_UNIFORM, ARRIVAL_POISSON };

/* One process, and its next time. */
struct arrival {
    uint64_t key;
    uint64_t index;
    double mean_ns; /* of the gaps */
    double next_ns;
};

/* Sets it to its first time. `mean_ns` is above 0. */
void arrival_begin(struct arrival *arrival, uint64_t key, double mean_ns);

/* Returns the next time, and goes on to the one after it. */
uint64_t arrival_take(struct arrival *arrival);

/* Several processes together: a heap with the next of all at its top. */
struct arrival_user {
    struct arrival arrival;
    size_t user;
};

struct arrivals {
    struct arrival_user *users;
    size_t count;
};

/* Begins `count` processes, at least 1, with the keys dice_key(seed, first + i * step). False: out
 * of memory. arrivals_free() may be called in any case, also on a zeroed struct. */
bool arrivals_begin(struct arrivals *arrivals, size_t count, uint64_t seed, uint64_t first,
                    uint64_t step, double mean_ns);
void arrivals_free(struct arrivals *arrivals);

/* When the next message of all is due. */
uint64_t arrivals_next_ns(const struct arrivals *arrivals);

/* Takes that message: returns the index of its user. */
size_t arrivals_take(struct arrivals *arrivals);

/* Whether the text is the name of a kind; and which one. */
bool arrival_is_kind(const char *text);
enum arrival_kind arrival_kind(const char *text);

#endif
