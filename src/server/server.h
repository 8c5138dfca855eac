#ifndef ECHOPORT_SERVER_H
#define ECHOPORT_SERVER_H

#include "backend.h"
#include "program_options.h"

/*
 * Runs the server until it is told to stop: binds, starts the workers, prints "listening on" to
 * stdout, restarts, drains, reports. `common` is the head of struct server_options. `note` says why
 * `backend` was chosen; it is printed unless it is empty. Main thread. Returns the exit code: 0: it
 * ended in good order; 1: it could not run, or cut connections; 2: an option does not fit this
 * machine.
 */
int server_run(const struct program_options *common, const struct backend *backend,
               const char *note);

#endif
