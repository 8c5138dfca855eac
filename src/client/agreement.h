#ifndef ECHOPORT_AGREEMENT_H
#define ECHOPORT_AGREEMENT_H

/*
 * The options that all clients of one load must have in common: those that shape the load, and
 * those that shape what is measured of it. Each has a digest, so that two clients can find out
 * which of them differs.
 */

#include "client_options.h"

/* Bytes of the digests as text, with a NUL. */
#define AGREEMENT_TEXT 320

/* Writes the digests, which depend on the run's token as well. */
void agreement_write(const struct client_options *options, char text[AGREEMENT_TEXT]);

/* The first option that is not the same, as in "--rate"; NULL: all are. "the version": the programs
 * have other options. */
const char *agreement_difference(const char *mine, const char *theirs);

#endif
