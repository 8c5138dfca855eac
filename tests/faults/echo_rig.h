#ifndef ECHOPORT_ECHO_RIG_H
#define ECHOPORT_ECHO_RIG_H

/* The server's side of one worker, with its thread, without the rest of the program. It listens on
 * a free port of 127.0.0.1. */

#include "echo.h"

struct echo_rig {
    struct echo echo; /* first */
    struct echo_config config;
    struct admission admission;
    struct handover handover;
    uv_os_sock_t os_socket;
    struct sockaddr_storage address;
    struct server_stats stats; /* valid after echo_rig_close(): the sum over all generations */
};

/* Binds the port and sets the backend's modes. `rig` is zeroed. 0 or a UV error. */
int echo_rig_open(struct echo_rig *rig, const struct backend *backend, unsigned accept_mode,
                  unsigned recv_mode);

/* 0; or worker_start()'s error, and there is nothing to stop. */
int echo_rig_start(struct echo_rig *rig);

/* Drains and joins the worker. */
void echo_rig_stop(struct echo_rig *rig);

void echo_rig_close(struct echo_rig *rig);

#endif
