#ifndef ECHOPORT_CLIENT_H
#define ECHOPORT_CLIENT_H

#include "backend.h"
#include "client_options.h"

/*
 * Runs the load until its end: resolves the host, starts the workers, shows progress, reports. Main
 * thread. Returns the exit code: 0 all went well; 1 it could not run, or a connection failed, or a
 * byte came back wrong.
 */
int client_run(const struct client_options *options, const struct backend *backend,
               const char *note);

#endif
