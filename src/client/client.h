#ifndef ECHOPORT_CLIENT_H
#define ECHOPORT_CLIENT_H

#include "backend.h"
#include "program_options.h"

/*
 * Runs the load until its end: resolves the host, starts the workers, shows progress, reports.
 * `common` is the head of struct client_options. `note` says why `backend` was chosen; it is
 * printed unless it is empty. Main thread. Returns the exit code:
 *
 *   0  all went well
 *   1  it could not run, a connection failed, or a byte came back wrong
 *   2  an option does not fit this machine
 *   3  it was measured well, but is not good enough (--fail-if), or the figures cannot tell
 */
int client_run(const struct program_options *common, const struct backend *backend,
               const char *note);

#endif
