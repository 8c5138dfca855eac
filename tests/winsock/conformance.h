#ifndef ECHOPORT_CONFORMANCE_H
#define ECHOPORT_CONFORMANCE_H

/*
 * Experiments with Winsock. They run on the simulation (tests/winsock) and on the real one. The
 * outcomes are compared with conformance.txt, which shows whether the simulation behaves as a
 * system does.
 */

#include <stdbool.h>
#include <stddef.h>

#define OUTCOME_SIZE 160

struct experiment {
    const char *name;
    void (*run)(void); /* between conformance_begin() and conformance_end(); says the outcome */
};

/* Each ends with one without a name. */
extern const struct experiment experiments_of_streams[];
extern const struct experiment experiments_of_accepts[];
extern const struct experiment experiments_of_ports[];

/* Adds to the outcome of the experiment that runs: a sentence of canonical words. */
#if defined(__GNUC__)
__attribute__((format(printf, 1, 2)))
#endif
void say(const char *format, ...);

/* A word for an error, its number if it has none; valid until the next call. */
const char *error_name(int error);

/* Defined in conformance_sim.c and conformance_windows.c. */

/* The column of conformance.txt: simulation, Wine 8, Wine 10 or Windows. With `as` the simulation
 * behaves as that system, Wine 8; NULL: as documented. NULL if it can't. */
const char *conformance_system(const char *as);
void conformance_begin(void);
void conformance_end(void);

#endif
