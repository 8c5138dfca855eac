#include "server_sockets.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hint.h"
#include "log.h"

/* What binding needs. */
struct server_binding {
    struct server_sockets *sockets;
    struct control *control;
    const struct net_options *net;
    int backlog;
};

uv_os_sock_t *server_sockets_of(const struct server_sockets *sockets, size_t worker)
{
    return &sockets->os_sockets[worker * SERVER_ADDRESSES_MAX];
}

/* ---- one address --------------------------------------------------------------------------- */

/* Whether an address that is bound already has the port of `address`. */
static bool server_has_port(const struct server_sockets *sockets, const struct sockaddr *address)
{
    bool has = false;
    for (size_t i = 0; i < sockets->address_count && !has; i++) {
        struct sockaddr_storage name;
        has = net_local_name(server_sockets_of(sockets, 0)[i], &name) == 0 &&
              net_address_port((const struct sockaddr *)&name) == net_address_port(address);
    }
    return has;
}

static void server_report_bind(const struct server_sockets *sockets, const struct sockaddr *address,
                               int status)
{
    char text[NET_ADDRESS_TEXT];
    char hint[HINT_TEXT];
    net_format_address(address, text, sizeof(text));
    if (status != UV_EADDRINUSE) {
        hint_bind(address, status, hint);
    } else {
        (void)snprintf(hint, HINT_TEXT, "%s",
                       server_has_port(sockets, address)
                           ? "; an address given before it has that port"
                           : net_in_use_hint);
    }
    log_message("cannot listen on %s: %s%s", text, uv_strerror(status), hint);
}

/* Binds one socket for each worker. */
static int server_bind_group(const struct server_binding *binding, const struct sockaddr *address)
{
    struct server_sockets *sockets = binding->sockets;
    uv_os_sock_t *group = calloc(sockets->worker_count, sizeof(*group));
    if (group == NULL) {
        return UV_ENOMEM;
    }
    int status = net_bind(address, binding->net, binding->backlog, sockets->worker_count, group);
    for (size_t i = 0; i < sockets->worker_count && status == 0; i++) {
        server_sockets_of(sockets, i)[sockets->address_count] = group[i];
    }
    sockets->address_count += status == 0;
    free(group);
    return status;
}

/* Keeps the text of the address that was bound last. */
static int server_keep_address(struct server_sockets *sockets)
{
    size_t slot = sockets->address_count - 1;
    struct sockaddr_storage name;
    char *text = malloc(NET_ADDRESS_TEXT);
    if (text == NULL) {
        return UV_ENOMEM;
    }
    sockets->addresses[slot] = text;
    int status = net_local_name(server_sockets_of(sockets, 0)[slot], &name);
    if (status == 0) {
        net_format_address((const struct sockaddr *)&name, text, NET_ADDRESS_TEXT);
    }
    return status;
}

static int server_bind(const struct server_binding *binding, const struct sockaddr *address)
{
    struct server_sockets *sockets = binding->sockets;
    if (sockets->address_count == SERVER_ADDRESSES_MAX) {
        log_message("--listen: at most %d addresses", SERVER_ADDRESSES_MAX);
        return UV_E2BIG;
    }
    int status = server_bind_group(binding, address);
    if (status == 0) {
        status = server_keep_address(sockets);
    }
    if (status != 0) {
        server_report_bind(sockets, address, status);
    }
    return status;
}

/* ---- all addresses ------------------------------------------------------------------------- */

static int server_bind_name(const struct server_binding *binding, const char *option,
                            const char *host, const char *port)
{
    struct net_resolution resolution;
    const char *name = host[0] == '\0' ? NULL : host;
    int status = control_resolve(binding->control, &resolution, name, port, true);
    if (status != 0) {
        if (status != UV_ECANCELED) {
            control_resolve_failed(option, name, port, status);
        }
        return status;
    }
    for (size_t i = 0; i < resolution.count && status == 0; i++) {
        status = server_bind(binding, (const struct sockaddr *)&resolution.addresses[i]);
    }
    net_resolution_free(&resolution);
    return status;
}

static int server_bind_word(const struct server_binding *binding, const char *word)
{
    char host[OPTION_HOST_SIZE];
    char port[OPTION_PORT_SIZE];
    int status = option_split_address(word, host, sizeof(host), port, sizeof(port));
    assert(status == 0); /* the parser has checked it */
    (void)status;
    return server_bind_name(binding, "--listen", host, port);
}

int server_sockets_bind(struct server_sockets *sockets, struct control *control,
                        const struct server_options *options, const struct net_options *net,
                        size_t worker_count)
{
    struct server_binding binding = {
        .sockets = sockets, .control = control, .net = net, .backlog = (int)options->backlog};
    int status = 0;
    sockets->worker_count = worker_count;
    sockets->os_sockets = calloc(worker_count * SERVER_ADDRESSES_MAX, sizeof(*sockets->os_sockets));
    if (sockets->os_sockets == NULL) {
        log_message("out of memory");
        return UV_ENOMEM;
    }
    if (options->port != NULL) {
        status = server_bind_name(&binding, "--port", "127.0.0.1", options->port);
    }
    for (size_t i = 0; i < options->listen.count && status == 0; i++) {
        status = server_bind_word(&binding, options->listen.items[i]);
    }
    return status;
}

/* ---- end ----------------------------------------------------------------------------------- */

void server_sockets_close(struct server_sockets *sockets, size_t worker)
{
    for (size_t i = 0; i < sockets->address_count; i++) {
        net_close(server_sockets_of(sockets, worker)[i]);
    }
}

void server_sockets_free(struct server_sockets *sockets)
{
    for (size_t i = 0; i < sockets->address_count; i++) {
        free(sockets->addresses[i]);
    }
    free(sockets->os_sockets);
}
