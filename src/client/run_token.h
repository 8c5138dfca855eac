#ifndef ECHOPORT_RUN_TOKEN_H
#define ECHOPORT_RUN_TOKEN_H

/*
 * The token that all clients of a run have, and no other: --run-token, or the environment variable
 * ECHOPORT_RUN_TOKEN, or what a launcher calls the job. Only a key that is made of it is kept. So
 * it is in no report and in no message. Main thread.
 */

#include <stdbool.h>

#include "siphash.h"

#define RUN_TOKEN_VARIABLE "ECHOPORT_RUN_TOKEN"

/* Bytes of the longest token in the environment, with a NUL. With a longer one there is none. */
#define RUN_TOKEN_SIZE 1024

/* `given`: that of --run-token, or NULL. `launched`: a launcher has started this client, so its
 * name of the job counts. False: there is none, and `key` is all zero. */
bool run_token_key(const char *given, bool launched, struct siphash_key *key);

#endif
