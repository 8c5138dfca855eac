#ifndef ECHOPORT_SERVER_SOCKETS_H
#define ECHOPORT_SERVER_SOCKETS_H

/*
 * The server's addresses, as --listen and --port give them, and the sockets bound to them: one for
 * each address and worker. Main thread.
 */

#include <stddef.h>

#include <uv.h>

#include "control.h"
#include "net.h"
#include "server_options.h"

#define SERVER_ADDRESSES_MAX 64

struct server_sockets {
    uv_os_sock_t *os_sockets; /* [worker][address], see server_sockets_of() */
    size_t worker_count;
    char *addresses[SERVER_ADDRESSES_MAX]; /* "127.0.0.1:6001", with the port that was bound */
    size_t address_count;
};

/*
 * Resolves and binds all addresses of `options`, for `worker_count` workers. `net` has the options
 * of the sockets. 0; or a UV error, which has been reported. UV_ECANCELED: the user has asked to
 * stop. After an error the sockets bound so far are still open: close and free in any case.
 */
int server_sockets_bind(struct server_sockets *sockets, struct control *control,
                        const struct server_options *options, const struct net_options *net,
                        size_t worker_count);

/* The sockets of a worker, one per address. The worker may take them over (echo_init). */
uv_os_sock_t *server_sockets_of(const struct server_sockets *sockets, size_t worker);

/* Closes the sockets of a worker that did not take them over. */
void server_sockets_close(struct server_sockets *sockets, size_t worker);

/* Frees the memory. Closes nothing. */
void server_sockets_free(struct server_sockets *sockets);

#endif
