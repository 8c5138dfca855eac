#include "barrier_host.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net.h"
#include "units.h"

#define BARRIER_BACKLOG 1024

/* Strangers at a time, besides one for each rank. */
#define BARRIER_STRANGERS 64

/* How often strangers are looked at, and the others told to wait on. */
#define BARRIER_SWEEP_MS 2000

/* What a rank with the token never does. */
#define BARRIER_ODD "has sent what does not belong here"

static void host_fail(struct barrier_host *host, const char *why)
{
    log_message("--barrier: %s", why);
    barrier_host_end(host, why);
    host->plan->failed(host->plan->context);
}

static void host_fail_of(struct barrier_host *host, uint64_t rank, const char *what)
{
    char why[BARRIER_TEXT_SIZE];
    (void)snprintf(why, sizeof(why), "rank %" PRIu64 " %s", rank, what);
    host_fail(host, why);
}

static void host_trace(const struct barrier_host *host, uint64_t rank, const char *what)
{
    if (host->plan->options->common.verbose) {
        log_trace("barrier: rank %" PRIu64 " %s", rank, what);
    }
}

/* ---- the begin ----------------------------------------------------------------------------- */

/* Tells all ranks when to begin. False: one has left, and the barrier has failed. */
static bool host_tell(struct barrier_host *host, uint64_t begin_ns)
{
    char text[BARRIER_TEXT_SIZE];
    for (uint64_t rank = 1; rank < host->book.ranks; rank++) {
        uint64_t delay_ns = barrier_book_delay_ns(&host->book, rank, begin_ns, uv_hrtime());
        (void)snprintf(text, sizeof(text), "begin %" PRIu64 " %" PRIu64, delay_ns, host->run_id);
        if (!barrier_peer_say(host->guests[rank], text)) {
            host_fail_of(host, rank, "has left before the start");
            return false;
        }
    }
    return true;
}

static void host_close(struct barrier_host *host);

static void host_begin(struct barrier_host *host)
{
    uint64_t begin_ns = barrier_book_begin_ns(&host->book, uv_hrtime());
    if (host_tell(host, begin_ns)) {
        host_close(host);
        host->plan->begin(host->plan->context, begin_ns, host->run_id);
    }
}

static void host_ping(struct barrier_host *host, uint64_t rank)
{
    barrier_book_ping(&host->book, rank, uv_hrtime());
    (void)barrier_peer_say(host->guests[rank], "ping");
}

static void host_pong(struct barrier_host *host, uint64_t rank)
{
    if (!barrier_book_is_complete(&host->book)) {
        host_fail_of(host, rank, BARRIER_ODD); /* it was not asked */
    } else if (barrier_book_pong(&host->book, rank, uv_hrtime())) {
        host_ping(host, rank);
    } else if (barrier_book_is_measured(&host->book)) {
        host_begin(host);
    }
}

/* Round trips are measured when all are there, so that no start of a client disturbs them. */
static void host_measure(struct barrier_host *host)
{
    for (uint64_t rank = 1; rank < host->book.ranks; rank++) {
        host_ping(host, rank);
    }
    if (barrier_book_is_measured(&host->book)) {
        host_begin(host); /* it is the only rank */
    }
}

static void host_add(struct barrier_host *host, uint64_t rank)
{
    (void)barrier_book_add(&host->book, rank);
    host_trace(host, rank, "is there");
    if (barrier_book_is_complete(&host->book)) {
        host_measure(host);
    }
}

/* ---- strangers ----------------------------------------------------------------------------- */

static void host_forget_stranger(struct barrier_host *host, struct barrier_peer *peer)
{
    queue_remove(&peer->node);
    host->stranger_count--;
}

static void host_close_stranger(struct barrier_host *host, struct barrier_peer *peer)
{
    host_forget_stranger(host, peer);
    barrier_peer_close(peer);
}

/* NULL: there is none. */
static struct barrier_peer *host_oldest_stranger(const struct barrier_host *host)
{
    return queue_is_empty(&host->strangers)
               ? NULL
               : CONTAINER_OF(host->strangers.head.next, struct barrier_peer, node);
}

static void host_close_old_strangers(struct barrier_host *host, uint64_t now_ns)
{
    struct barrier_peer *oldest = host_oldest_stranger(host);
    while (oldest != NULL && now_ns - oldest->since_ns >= BARRIER_PROOF_MS * NS_PER_MS) {
        host_close_stranger(host, oldest);
        oldest = host_oldest_stranger(host);
    }
}

/* A rank that has come can't know how long this one will wait for its server. */
static void host_say_wait(const struct barrier_host *host)
{
    for (uint64_t rank = 1; rank < host->book.ranks; rank++) {
        if (host->guests[rank] != NULL) {
            (void)barrier_peer_say(host->guests[rank], "wait");
        }
    }
}

static void host_on_sweep(uv_timer_t *timer)
{
    struct barrier_host *host = timer->data;
    host_close_old_strangers(host, uv_hrtime());
    if (!barrier_book_is_complete(&host->book)) {
        host_say_wait(host);
    }
}

/* ---- joining ------------------------------------------------------------------------------- */

static void host_refuse(struct barrier_host *host, struct barrier_peer *peer, const char *why)
{
    char text[BARRIER_TEXT_SIZE];
    (void)snprintf(text, sizeof(text), "refuse %s", why);
    (void)barrier_peer_say(peer, text);
    host_close_stranger(host, peer);
}

/* It can't read why. It sees that this client does not have its token. */
static void host_refuse_token(struct barrier_host *host, struct barrier_peer *peer)
{
    struct sockaddr_storage name;
    int size = sizeof(name);
    char address[NET_ADDRESS_TEXT] = "?";
    if (uv_tcp_getpeername(&peer->tcp, (struct sockaddr *)(void *)&name, &size) == 0) {
        net_format_address((struct sockaddr *)(void *)&name, address, sizeof(address));
    }
    log_limited(&host->log, uv_hrtime(), "--barrier: refused a client at %s: another --run-token",
                address);
    host_refuse(host, peer, "another --run-token");
}

/* What keeps a client with the token from joining, in `why`. */
static bool host_fits(const struct barrier_host *host, const struct barrier_join *join,
                      char why[BARRIER_TEXT_SIZE])
{
    const char *difference = agreement_difference(host->digests, join->digests);
    if (join->ranks != host->book.ranks) {
        (void)snprintf(why, BARRIER_TEXT_SIZE,
                       "--share is %" PRIu64 "/%" PRIu64 " at one client, and 0/%" PRIu64
                       " at rank 0: the number of clients must be the same",
                       join->rank, join->ranks, host->book.ranks);
        return false;
    }
    if (difference != NULL) {
        (void)snprintf(why, BARRIER_TEXT_SIZE,
                       "%s of rank %" PRIu64 " is not that of rank 0: all clients need the same",
                       difference, join->rank);
        return false;
    }
    return true;
}

/* A second client with a rank does not end the barrier: without it there may be all. */
static void host_refuse_rank(struct barrier_host *host, struct barrier_peer *peer, uint64_t rank)
{
    char why[BARRIER_TEXT_SIZE];
    (void)snprintf(why, sizeof(why), "another client is rank %" PRIu64 " already", rank);
    log_message("--barrier: refused a client: %s", why);
    host_refuse(host, peer, why);
}

static void host_welcome(struct barrier_host *host, struct barrier_peer *peer, uint64_t rank)
{
    host_forget_stranger(host, peer);
    peer->joined = true;
    peer->rank = rank;
    host->guests[rank] = peer;
    (void)barrier_peer_say(peer, "welcome");
    host_add(host, rank);
}

static void host_join(struct barrier_host *host, struct barrier_peer *peer, char *line)
{
    struct barrier_join join;
    char why[BARRIER_TEXT_SIZE];
    if (!barrier_peer_proves(peer, line)) {
        host_refuse_token(host, peer);
    } else if (!barrier_read_join(line, &join)) {
        host_close_stranger(host, peer);
    } else if (!host_fits(host, &join, why)) {
        host_refuse(host, peer, why);
        host_fail(host, why);
    } else if (join.rank == 0 || host->guests[join.rank] != NULL) {
        host_refuse_rank(host, peer, join.rank);
    } else {
        host_welcome(host, peer, join.rank);
    }
}

/* ---- events -------------------------------------------------------------------------------- */

static void host_on_line(struct barrier_peer *peer, char *line)
{
    struct barrier_host *host = peer->owner;
    if (peer->joined) {
        if (barrier_peer_proves(peer, line) && strcmp(line, "pong") == 0) {
            host_pong(host, peer->rank);
        } else {
            host_fail_of(host, peer->rank, BARRIER_ODD);
        }
    } else if (peer->greeted) {
        host_join(host, peer, line);
    } else if (!barrier_peer_take_hello(peer, line)) {
        host_close_stranger(host, peer);
    }
}

static void host_on_end(struct barrier_peer *peer, int status)
{
    struct barrier_host *host = peer->owner;
    (void)status;
    if (peer->joined) {
        host_fail_of(host, peer->rank, "has left before the start");
    } else {
        host_close_stranger(host, peer);
    }
}

static const struct barrier_peer_events host_events = {.line = host_on_line, .end = host_on_end};

static void host_on_connection(uv_stream_t *listener, int status)
{
    struct barrier_host *host = listener->data;
    struct barrier_peer *peer = NULL;
    if (status == 0) {
        peer = barrier_peer_new(host->plan->loop, BARRIER_HOST, &host->plan->options->run_key,
                                &host_events, host);
        status = peer == NULL ? UV_ENOMEM : barrier_peer_accept(peer, listener);
    }
    if (peer != NULL) {
        peer->since_ns = uv_hrtime();
        queue_push(&host->strangers, &peer->node);
        host->stranger_count++;
    }
    if (status != 0) {
        log_limited(&host->log, uv_hrtime(), "--barrier: cannot accept a connection: %s",
                    uv_strerror(status));
        return; /* the sweep closes it */
    }
    (void)barrier_peer_hello(peer);
    if (host->stranger_count > BARRIER_STRANGERS + host->book.ranks) {
        host_close_stranger(host, host_oldest_stranger(host));
    }
}

static void host_on_timeout(uv_timer_t *timer)
{
    struct barrier_host *host = timer->data;
    char awaited[BARRIER_AWAITED_TEXT];
    char time[UNITS_TEXT_SIZE];
    char why[BARRIER_TEXT_SIZE];
    (void)units_exact_duration(time, sizeof(time), host->plan->options->barrier_timeout_ns);
    barrier_book_awaited(&host->book, awaited);
    (void)snprintf(why, sizeof(why), "%s did not %s within %s", awaited,
                   barrier_book_is_complete(&host->book) ? "answer" : "come", time);
    host_fail(host, why);
}

void barrier_host_ready(struct barrier_host *host)
{
    uint64_t timeout_ms = host->plan->options->barrier_timeout_ns / NS_PER_MS;
    if (!host->open) {
        return;
    }
    if (timeout_ms > 0) {
        (void)uv_timer_start(&host->timeout, host_on_timeout, timeout_ms, 0);
    }
    host_add(host, 0);
}

/* ---- life ---------------------------------------------------------------------------------- */

/* Whether other machines can't reach the address, although the name of the host does not say so:
 * some systems call themselves 127.0.1.1. */
static bool host_is_hidden(const struct barrier_host *host, const struct sockaddr *address)
{
    const char *name = host->plan->options->barrier_at.host;
    const uint8_t *ipv4 =
        (const uint8_t *)&((const struct sockaddr_in *)(const void *)address)->sin_addr;
    struct in_addr number;
    return address->sa_family == AF_INET && ipv4[0] == 127 && strcmp(name, "localhost") != 0 &&
           uv_inet_pton(AF_INET, name, &number) != 0;
}

/* What to do if the address can't be had, to continue the message. */
static const char *host_advice(int status)
{
    return status == UV_EADDRNOTAVAIL ? "; --barrier-listen gives it another address"
           : status == UV_EADDRINUSE  ? "; give all clients another port"
                                      : "";
}

/* Binds a socket to the first of the addresses where that works, and says so. */
static int host_bind(const struct barrier_host *host, uv_os_sock_t *os_socket)
{
    static const struct net_options plain = {.nodelay = true};
    const struct barrier_plan *plan = host->plan;
    char text[NET_ADDRESS_TEXT] = "?";
    const struct sockaddr *address = NULL;
    int status = UV_EADDRNOTAVAIL;
    for (size_t i = 0; i < plan->address_count && status != 0; i++) {
        address = (const struct sockaddr *)(const void *)&plan->addresses[i];
        net_format_address(address, text, sizeof(text));
        status = net_bind(address, &plain, BARRIER_BACKLOG, 1, os_socket);
    }
    if (status == 0) {
        log_message("rank 0 of %" PRIu64 " listens at %s for the others%s", host->book.ranks, text,
                    host_is_hidden(host, address)
                        ? "; other machines cannot reach that: give --barrier-listen '*'"
                        : "");
    } else {
        log_message("--barrier: rank 0 cannot listen at %s: %s%s", text, uv_strerror(status),
                    host_advice(status));
    }
    return status;
}

static int host_listen(struct barrier_host *host)
{
    uv_os_sock_t os_socket;
    int status = host_bind(host, &os_socket);
    if (status != 0) {
        return status;
    }
    (void)uv_tcp_init(host->plan->loop, &host->listener);
    host->listener.data = host;
    status = uv_tcp_open(&host->listener, os_socket);
    if (status != 0) {
        net_close(os_socket);
    } else {
        status =
            uv_listen((uv_stream_t *)(void *)&host->listener, BARRIER_BACKLOG, host_on_connection);
    }
    if (status != 0) {
        log_message("--barrier: rank 0 cannot listen: %s", uv_strerror(status));
        uv_close((uv_handle_t *)(void *)&host->listener, NULL);
    }
    return status;
}

static void host_init_timers(struct barrier_host *host)
{
    (void)uv_timer_init(host->plan->loop, &host->timeout);
    (void)uv_timer_init(host->plan->loop, &host->sweep);
    host->timeout.data = host->sweep.data = host;
    (void)uv_timer_start(&host->sweep, host_on_sweep, BARRIER_SWEEP_MS, BARRIER_SWEEP_MS);
}

int barrier_host_open(struct barrier_host *host, const struct barrier_plan *plan, uint64_t run_id)
{
    uint64_t ranks = plan->options->share.ranks;
    *host = (struct barrier_host){.plan = plan, .run_id = run_id};
    queue_init(&host->strangers);
    agreement_write(plan->options, host->digests);
    host->guests = calloc((size_t)ranks, sizeof(struct barrier_peer *));
    bool made = barrier_book_init(&host->book, ranks) && host->guests != NULL;
    if (!made) {
        log_message("--barrier: out of memory for %" PRIu64 " ranks", ranks);
    }
    int status = made ? host_listen(host) : UV_ENOMEM;
    if (status != 0) {
        barrier_book_free(&host->book);
        free(host->guests);
        return status;
    }
    host->open = true;
    host_init_timers(host);
    return 0;
}

static void host_close(struct barrier_host *host)
{
    host->open = false;
    (void)uv_timer_stop(&host->timeout);
    (void)uv_timer_stop(&host->sweep);
    uv_close((uv_handle_t *)(void *)&host->listener, NULL);
    for (uint64_t rank = 1; rank < host->book.ranks; rank++) {
        if (host->guests[rank] != NULL) {
            barrier_peer_close(host->guests[rank]);
        }
    }
    while (!queue_is_empty(&host->strangers)) {
        host_close_stranger(host, host_oldest_stranger(host));
    }
    free(host->guests);
    barrier_book_free(&host->book);
}

void barrier_host_end(struct barrier_host *host, const char *why)
{
    char text[BARRIER_TEXT_SIZE];
    if (!host->open) {
        return;
    }
    (void)snprintf(text, sizeof(text), "end %s", why);
    for (uint64_t rank = 1; rank < host->book.ranks; rank++) {
        if (host->guests[rank] != NULL) {
            (void)barrier_peer_say(host->guests[rank], text);
        }
    }
    host_close(host);
}
