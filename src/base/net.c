#include "net.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net_system.h"

/* RFC 4291, 2.5.5.2: ::ffff:0:0/96. */
static const uint8_t v4_mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static const struct sockaddr_in *as_v4(const struct sockaddr *address)
{
    assert(address->sa_family == AF_INET);
    return (const struct sockaddr_in *)(const void *)address;
}

static const struct sockaddr_in6 *as_v6(const struct sockaddr *address)
{
    assert(address->sa_family == AF_INET6);
    return (const struct sockaddr_in6 *)(const void *)address;
}

static bool is_v4_mapped(const struct sockaddr_in6 *address)
{
    return memcmp(&address->sin6_addr, v4_mapped_prefix, sizeof v4_mapped_prefix) == 0;
}

static bool is_v6_any(const struct sockaddr_in6 *address)
{
    return memcmp(&address->sin6_addr, &in6addr_any, sizeof in6addr_any) == 0;
}

void net_any_to_loopback(struct sockaddr_storage *address)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)address;
    if (address->ss_family == AF_INET && v4->sin_addr.s_addr == htonl(INADDR_ANY)) {
        v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    } else if (address->ss_family == AF_INET6 && is_v6_any(v6)) {
        v6->sin6_addr = in6addr_loopback;
    }
}

/* ---- sockets ------------------------------------------------------------------------------- */

int net_set_option(uv_os_sock_t os_socket, int level, int option, int value)
{
    const void *pointer = &value; /* Winsock wants a const char * */
    if (setsockopt(os_socket, level, option, pointer, (socklen_t)sizeof value) != 0) {
        return net_system_error();
    }
    return 0;
}

int net_reset_on_close(uv_os_sock_t os_socket)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    int failed =
        setsockopt(os_socket, SOL_SOCKET, SO_LINGER, (const char *)&linger, sizeof(linger));
    return failed != 0 ? net_system_error() : 0;
}

int net_set_options(uv_os_sock_t os_socket, const struct net_options *options)
{
    bool unbuffered = options->sndbuf == NET_UNBUFFERED;
    assert((unbuffered ? net_sends_unbuffered : options->sndbuf >= 0) && options->rcvbuf >= 0);
    int error = net_set_option(os_socket, IPPROTO_TCP, TCP_NODELAY, options->nodelay);
    if (error == 0 && options->sndbuf != 0) {
        error = net_set_option(os_socket, SOL_SOCKET, SO_SNDBUF, unbuffered ? 0 : options->sndbuf);
    }
    if (error == 0 && options->rcvbuf > 0) {
        error = net_set_option(os_socket, SOL_SOCKET, SO_RCVBUF, options->rcvbuf);
    }
    return error;
}

unsigned net_set_options_calls(const struct net_options *options)
{
    return 1U + (options->sndbuf != 0) + (options->rcvbuf > 0);
}

unsigned net_open_calls(const struct net_options *options)
{
    return net_system_open_calls + net_set_options_calls(options);
}

/* Hands `opened` to the caller; or closes it if setting it up has failed with `error`. */
static int finish_open(int error, uv_os_sock_t opened, uv_os_sock_t *os_socket)
{
    if (error != 0) {
        net_close(opened);
    } else {
        *os_socket = opened;
    }
    return error;
}

static int open_with(const struct net_options *options, int family, uv_os_sock_t *os_socket)
{
    uv_os_sock_t opened = NET_NO_SOCKET;
    int error = net_system_open(family, &opened);
    return error != 0 ? error : finish_open(net_set_options(opened, options), opened, os_socket);
}

int net_open(const struct net_options *options, int family, uv_os_sock_t *os_socket)
{
    int error = open_with(options, family, os_socket);
    if (error == 0) {
        net_system_share_ephemeral(*os_socket);
    }
    return error;
}

int net_open_from(const struct net_options *options, const struct sockaddr *source,
                  uv_os_sock_t *os_socket)
{
    uv_os_sock_t opened = NET_NO_SOCKET;
    int error = net_open(options, source->sa_family, &opened);
    return error != 0 ? error
                      : finish_open(net_system_bind_source(opened, source), opened, os_socket);
}

unsigned net_open_from_calls(const struct net_options *options)
{
    return net_open_calls(options) + net_system_bind_source_calls;
}

/* Sets IPV6_V6ONLY. Its default depends on the system and its configuration. */
static int choose_families(uv_os_sock_t os_socket, const struct sockaddr *address)
{
    if (address->sa_family != AF_INET6) {
        return 0;
    }
    bool both = is_v6_any(as_v6(address)) || is_v4_mapped(as_v6(address));
    return net_set_option(os_socket, IPPROTO_IPV6, IPV6_V6ONLY, !both);
}

int net_open_for(const struct sockaddr *address, const struct net_options *options,
                 uv_os_sock_t *os_socket)
{
    uv_os_sock_t opened = NET_NO_SOCKET;
    int error = open_with(options, address->sa_family, &opened);
    return error != 0 ? error : finish_open(choose_families(opened, address), opened, os_socket);
}

/* Listens, since no other program can get the port of a listening socket. Some systems share the
 * port of a socket that is only bound. */
static int claim_port(uv_os_sock_t os_socket, const struct sockaddr *address, int backlog)
{
    int error = net_system_bind(os_socket, address);
    if (error == 0 && listen(os_socket, backlog) != 0) {
        error = net_system_error();
    }
    return error;
}

/* Opens os_sockets[*opened] to os_sockets[count - 1], on the port at which the first one
 * listens. */
static int share_port(const struct net_options *options, size_t count, uv_os_sock_t *os_sockets,
                      size_t *opened)
{
    struct sockaddr_storage name; /* with the real port if 0 was bound */
    int error = net_local_name(os_sockets[0], &name);
    while (error == 0 && *opened < count) {
        error = net_system_share(os_sockets[0], (const struct sockaddr *)&name, options,
                                 &os_sockets[*opened]);
        *opened += error == 0;
    }
    return error;
}

int net_bind(const struct sockaddr *address, const struct net_options *options, int backlog,
             size_t count, uv_os_sock_t *os_sockets)
{
    assert(count > 0 && backlog > 0);
    if (net_address_size(address) == 0) {
        return UV_EAFNOSUPPORT;
    }
    int error = net_open_for(address, options, &os_sockets[0]);
    if (error != 0) {
        return error;
    }
    size_t opened = 1;
    error = claim_port(os_sockets[0], address, backlog);
    if (error == 0) {
        error = share_port(options, count, os_sockets, &opened);
    }
    while (error != 0 && opened > 0) {
        net_close(os_sockets[--opened]);
    }
    return error;
}

/* ---- addresses ----------------------------------------------------------------------------- */

socklen_t net_address_size(const struct sockaddr *address)
{
    switch (address->sa_family) {
    case AF_INET:
        return (socklen_t)sizeof(struct sockaddr_in);
    case AF_INET6:
        return (socklen_t)sizeof(struct sockaddr_in6);
    default:
        return 0;
    }
}

unsigned net_address_port(const struct sockaddr *address)
{
    switch (address->sa_family) {
    case AF_INET:
        return ntohs(as_v4(address)->sin_port);
    case AF_INET6:
        return ntohs(as_v6(address)->sin6_port);
    default:
        return 0;
    }
}

bool net_lacks_scope(const struct sockaddr *address)
{
    return address->sa_family == AF_INET6 && as_v6(address)->sin6_scope_id == 0 &&
           IN6_IS_ADDR_LINKLOCAL(&as_v6(address)->sin6_addr);
}

int net_local_name(uv_os_sock_t os_socket, struct sockaddr_storage *name)
{
    socklen_t size = (socklen_t)sizeof *name;
    memset(name, 0, sizeof *name);
    return getsockname(os_socket, (struct sockaddr *)name, &size) == 0 ? 0 : net_system_error();
}

int net_peer_name(uv_os_sock_t os_socket, struct sockaddr_storage *name)
{
    socklen_t size = (socklen_t)sizeof *name;
    memset(name, 0, sizeof *name);
    return getpeername(os_socket, (struct sockaddr *)name, &size) == 0 ? 0 : net_system_error();
}

static bool same_address(const struct sockaddr *a, const struct sockaddr *b)
{
    if (a->sa_family != b->sa_family || net_address_port(a) != net_address_port(b)) {
        return false;
    }
    if (a->sa_family == AF_INET) {
        return memcmp(&as_v4(a)->sin_addr, &as_v4(b)->sin_addr, sizeof(struct in_addr)) == 0;
    }
    return as_v6(a)->sin6_scope_id == as_v6(b)->sin6_scope_id &&
           memcmp(&as_v6(a)->sin6_addr, &as_v6(b)->sin6_addr, sizeof(struct in6_addr)) == 0;
}

bool net_is_own_peer(uv_os_sock_t os_socket)
{
    struct sockaddr_storage own;
    struct sockaddr_storage peer;
    return net_local_name(os_socket, &own) == 0 && net_peer_name(os_socket, &peer) == 0 &&
           same_address((const struct sockaddr *)&own, (const struct sockaddr *)&peer);
}

static int format_v4(const struct sockaddr_in *address, char *text, size_t size)
{
    char host[INET_ADDRSTRLEN];
    if (uv_inet_ntop(AF_INET, &address->sin_addr, host, sizeof host) != 0) {
        return -1;
    }
    return snprintf(text, size, "%s:%u", host, (unsigned)ntohs(address->sin_port));
}

/* "%eth0", or "%3" on Windows: getaddrinfo() of the same machine accepts it. */
static void format_scope(const struct sockaddr_in6 *address, char *text, size_t size)
{
    size_t room = size - 1;
    text[0] = '%';
    if (address->sin6_scope_id == 0 ||
        uv_if_indextoiid((unsigned)address->sin6_scope_id, text + 1, &room) != 0) {
        text[0] = '\0';
    }
}

static int format_v6(const struct sockaddr_in6 *address, char *text, size_t size)
{
    char host[INET6_ADDRSTRLEN];
    char scope[1 + UV_IF_NAMESIZE];
    unsigned port = ntohs(address->sin6_port);
    if (is_v4_mapped(address)) {
        struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = address->sin6_port};
        memcpy(&v4.sin_addr, &address->sin6_addr.s6_addr[sizeof v4_mapped_prefix],
               sizeof v4.sin_addr);
        return format_v4(&v4, text, size);
    }
    if (uv_inet_ntop(AF_INET6, &address->sin6_addr, host, sizeof host) != 0) {
        return -1;
    }
    format_scope(address, scope, sizeof scope);
    return snprintf(text, size, "[%s%s]:%u", host, scope, port);
}

void net_format_address(const struct sockaddr *address, char *text, size_t size)
{
    int length = -1;
    assert(size >= 2);
    if (address->sa_family == AF_INET) {
        length = format_v4(as_v4(address), text, size);
    } else if (address->sa_family == AF_INET6) {
        length = format_v6(as_v6(address), text, size);
    }
    if (length < 0 || (size_t)length >= size) {
        memcpy(text, "?", 2);
    }
}

/* ---- names --------------------------------------------------------------------------------- */

/* Skips duplicates. For example, glibc returns 127.0.0.1 twice if a hosts file lists localhost
 * twice. */
static void add_address(struct net_resolution *resolution, const struct sockaddr *address)
{
    socklen_t size = net_address_size(address);
    if (size == 0) {
        return;
    }
    for (size_t i = 0; i < resolution->count; i++) {
        if (same_address((const struct sockaddr *)&resolution->addresses[i], address)) {
            return;
        }
    }
    memcpy(&resolution->addresses[resolution->count++], address, (size_t)size);
}

static int collect_addresses(struct net_resolution *resolution, const struct addrinfo *list)
{
    size_t length = 0;
    for (const struct addrinfo *entry = list; entry != NULL; entry = entry->ai_next) {
        length++;
    }
    if (length == 0) {
        return UV_EAI_NONAME;
    }
    resolution->addresses = calloc(length, sizeof *resolution->addresses);
    if (resolution->addresses == NULL) {
        return UV_EAI_MEMORY;
    }
    for (const struct addrinfo *entry = list; entry != NULL; entry = entry->ai_next) {
        add_address(resolution, entry->ai_addr);
    }
    return resolution->count > 0 ? 0 : UV_EAI_NONAME;
}

static void on_closed(uv_handle_t *handle)
{
    struct net_resolution *resolution = handle->data;
    resolution->done(resolution);
}

/* The thread has ended, or none was started. */
static void on_resolved(uv_async_t *ended)
{
    struct net_resolution *resolution = ended->data;
    if (resolution->started) {
        (void)uv_thread_join(&resolution->thread);
        (void)uv_loop_close(&resolution->loop);
    }
    if (resolution->canceled) {
        resolution->status = UV_EAI_CANCELED;
    } else if (resolution->status == 0) {
        resolution->status = collect_addresses(resolution, resolution->request.addrinfo);
    }
    uv_freeaddrinfo(resolution->request.addrinfo);
    uv_close((uv_handle_t *)ended, on_closed);
}

static void resolve(void *argument)
{
    struct net_resolution *resolution = argument;
    resolution->status = uv_getaddrinfo(&resolution->loop, &resolution->request, NULL,
                                        resolution->host, resolution->service, &resolution->hints);
    (void)uv_async_send(&resolution->ended);
}

/* A numeric address is resolved at once, without a thread. */
static bool resolve_number(uv_loop_t *loop, struct net_resolution *resolution)
{
    struct addrinfo hints = resolution->hints;
    hints.ai_flags |= AI_NUMERICHOST;
    return uv_getaddrinfo(loop, &resolution->request, NULL, resolution->host, resolution->service,
                          &hints) == 0;
}

static int start_thread(struct net_resolution *resolution)
{
    int status = uv_loop_init(&resolution->loop);
    if (status != 0) {
        return status;
    }
    status = uv_thread_create(&resolution->thread, resolve, resolution);
    resolution->started = status == 0;
    if (status != 0) {
        (void)uv_loop_close(&resolution->loop);
    }
    return status;
}

/* 0: on_resolved() will be called. Otherwise a UV error and nothing to undo. */
static int start_resolving(uv_loop_t *loop, struct net_resolution *resolution)
{
    int status = uv_async_init(loop, &resolution->ended, on_resolved);
    if (status != 0) {
        return status;
    }
    resolution->ended.data = resolution;
    if (!resolve_number(loop, resolution)) {
        status = start_thread(resolution);
    }
    if (!resolution->started) {
        resolution->status = status;
        (void)uv_async_send(&resolution->ended);
    }
    return 0;
}

/* Whether one socket can accept both families: not without IPv6, and not on OpenBSD. */
static bool dual_stack_works(void)
{
    static const struct net_options options = {0};
    struct sockaddr_in6 any = {.sin6_family = AF_INET6};
    uv_os_sock_t os_socket = NET_NO_SOCKET;
    if (net_open_for((const struct sockaddr *)&any, &options, &os_socket) != 0) {
        return false;
    }
    bool works = bind(os_socket, (const struct sockaddr *)&any, (socklen_t)sizeof any) == 0;
    net_close(os_socket);
    return works;
}

/* glibc accepts any number that strtoul() does, and truncates it to 16 bits: 65537 becomes 1, -1
 * becomes 65535, and the empty text becomes 0. */
static bool may_be_service(const char *service)
{
    size_t digits = strspn(service, "0123456789");
    if (digits == 0) {
        return service[0] != '\0' && strchr("+- \t\n\v\f\r", service[0]) == NULL;
    }
    return service[digits] != '\0' || strtoul(service, NULL, 10) <= UINT16_MAX;
}

int net_resolve(uv_loop_t *loop, struct net_resolution *resolution, const char *host,
                const char *service, bool passive, void (*done)(struct net_resolution *resolution))
{
    assert(service != NULL && done != NULL);
    *resolution = (struct net_resolution){.data = resolution->data, .done = done};
    if (!may_be_service(service)) {
        return UV_EAI_SERVICE;
    }
    resolution->host = host;
    resolution->service = service;
    resolution->hints = (struct addrinfo){.ai_family = AF_UNSPEC,
                                          .ai_socktype = SOCK_STREAM,
                                          .ai_protocol = IPPROTO_TCP,
                                          .ai_flags = passive ? AI_PASSIVE : 0};
    if (passive && (host == NULL || strcmp(host, "*") == 0)) {
        resolution->host = NULL;
        resolution->hints.ai_family = dual_stack_works() ? AF_INET6 : AF_INET;
    }
    return start_resolving(loop, resolution);
}

void net_resolution_cancel(struct net_resolution *resolution)
{
    resolution->canceled = true;
}

void net_resolution_free(struct net_resolution *resolution)
{
    free(resolution->addresses);
    resolution->addresses = NULL;
    resolution->count = 0;
}
