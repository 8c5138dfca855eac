#ifndef ECHOPORT_SERVER_H
#define ECHOPORT_SERVER_H

#include "backend.h"
#include "server_options.h"

/*
 * Runs the server until it is told to stop: binds and listens, starts the workers, says so on
 * stdout, with `note` on the choice of the backend unless that is empty, restarts, drains, reports.
 * Main thread. Returns the exit code: 0 it ended in good order, 1 it could not run or had to cut
 * connections, 2 an option does not fit this machine.
 */
int server_run(const struct server_options *options, const struct backend *backend,
               const char *note);

#endif
