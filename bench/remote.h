#ifndef ECHOPORT_REMOTE_H
#define ECHOPORT_REMOTE_H

/*
 * The client of --client-command, which may run on another machine. Its first report says what it
 * is and where it runs; all later ones must say the same.
 */

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "text.h"

#define REMOTE_ERROR_SIZE 256 /* of buffers for a reason */

struct remote {
    const char *command; /* as the user gave it; NULL: the client is a program of this machine */
    json_t *client;      /* "client" of the results; NULL: not known yet, or no command */
};

/* Takes what a client's report says about it. False: this is no report that echo-bench
 * understands, and `why` says so. Call remote_free() in either case. */
bool remote_learn(struct remote *remote, const json_t *report, char why[REMOTE_ERROR_SIZE]);

/* Whether the report comes from the same machine and build as the first. True as long as nothing
 * was learnt. If not, `why` says what differs. */
bool remote_is_same(const struct remote *remote, const json_t *report, char why[REMOTE_ERROR_SIZE]);

/* The CPUs of its machine, at least 1. 0: there is no command. */
uint64_t remote_cpus(const struct remote *remote);

/* The name of its backend, where `raw` has been resolved. It belongs to `remote`. */
const char *remote_backend(const struct remote *remote);

/* Says so if its version or commit isn't that of this program. */
void remote_warn(const struct remote *remote);

void remote_free(struct remote *remote);

/* Adds a sentence about the client of a document of results. Nothing if there was no command. */
void remote_say(struct text *out, const json_t *document);

#endif
