/* How a connection comes up: the addresses are tried one after another. */

#include "load_conn.h"

#include <assert.h>
#include <inttypes.h>

#include "hint.h"
#include "net.h"
#include "progress.h"
#include "units.h"
#include "util.h"

/* The index of the address to be tried now. */
static size_t load_address(const struct load_conn *c)
{
    return (c->first + c->tried) % load_plan_of(c)->address_count;
}

static const struct sockaddr *load_sockaddr(const struct load_conn *c)
{
    return (const struct sockaddr *)(const void *)&load_plan_of(c)->addresses[load_address(c)];
}

/* Whether this machine has run out of something. That says nothing about the server. */
static bool load_is_shortage(int status)
{
    return status == UV_EMFILE || status == UV_ENFILE || status == UV_ENOBUFS ||
           status == UV_ENOMEM;
}

static void load_log_connect_failed(struct load_conn *c, const struct sockaddr *address, int status)
{
    struct load *load = load_owner(c);
    char text[NET_ADDRESS_TEXT];
    char hint[HINT_TEXT];
    net_format_address(address, text, sizeof(text));
    hint_connect(address, status, hint);
    if (!load_is_shortage(status)) {
        log_limited(&load->connect_log, worker_now(&load->worker), "cannot connect to %s: %s%s",
                    text, uv_strerror(status), hint);
    } else if (!load->reported_shortage) {
        load->reported_shortage = true;
        log_message("worker %u cannot open more than %s: %s%s", load->worker.index,
                    units_counted(load->stats.up + load->connecting, "connection").text,
                    uv_strerror(status),
                    hint[0] != '\0' ? hint : "; raise the limit, or use fewer --connections");
    }
}

/* A try to reach the server before the run has failed. It is not counted. */
static bool load_not_reached(struct load_conn *c, int status)
{
    struct load *load = load_owner(c);
    size_t address = load_address(c);
    load->stats.counters.attempts--;
    c->tried++;
    if (c->tried < load->plan->address_count && !load->ending) {
        return true;
    }
    load_reached(load, status, address);
    c->tried = 0;
    c->well = false;
    load_again(c);
    return false;
}

/* Whether to try the next address. If the run is ending, the user is done. */
static bool load_goes_to_next(struct load_conn *c)
{
    struct load *load = load_owner(c);
    if (!load->ending) {
        return true;
    }
    load->stats.counters.abandoned++;
    load_done(c);
    return false;
}

/* All addresses have failed, or this machine has run out of something. */
static void load_count_connect_failure(struct load_conn *c, int status)
{
    struct load *load = load_owner(c);
    load->stats.counters.connect_failures++;
    load->stats.connect_error = c->last_error = status;
    load_has_failed(load);
    c->tried = 0;
    c->well = false;
    if (load->ever_connected || load_is_shortage(status)) {
        load_again(c);
    } else {
        load_done(c); /* this worker has never reached the server */
    }
}

bool load_connect_failed(struct load_conn *c, int status)
{
    struct load *load = load_owner(c);
    const struct sockaddr *address = load_sockaddr(c);
    if (load->reaching) {
        return load_not_reached(c, status);
    }
    stats_error_count(&load->stats.errors, STATS_CONNECT, status);
    c->tried++;
    if (!load_is_shortage(status) && c->tried < load->plan->address_count) {
        return load_goes_to_next(c);
    }
    load_log_connect_failed(c, address, status);
    load_count_connect_failure(c, status);
    return false;
}

void load_count_down_time(struct load_conn *c)
{
    struct load *load = load_owner(c);
    if (c->last_error != 0) {
        load->stats.down_ns += worker_now(&load->worker) - c->down_ns;
        c->last_error = 0;
    }
}

static void load_count_connected(struct load *load)
{
    load->connecting--;
    load->ever_connected = true;
    load->stats.counters.connected++;
    load->stats.up++;
    if (load->stats.up > load->stats.up_peak) {
        load->stats.up_peak = load->stats.up;
    }
}

static void load_connected(struct load_conn *c)
{
    struct load *load = load_owner(c);
    assert(c->state == LOAD_CONNECTING);
    c->state = LOAD_UP;
    c->was_up = true;
    load_count_connected(load);
    load_count_down_time(c);
    progress_begin(&c->conn);
    load->address = load_address(c);
    c->tried = 0;
    if (load->plan->timeout_ns > 0) {
        conn_set_timer(&c->conn, progress_first_look(&c->conn, load->plan->timeout_ns));
    } else {
        conn_stop_timer(&c->conn);
    }
    if (load->reaching) {
        load_reached(load, 0, load->address);
    }
    load_run(c);
    if (c->state == LOAD_UP && load_outstanding(c) == 0) {
        load_set_awaits(c, false);
    }
}

void load_not_connected(struct load_conn *c, int status)
{
    conn_trace(&c->conn, uv_err_name(status), "close follows");
    load_owner(c)->connecting--;
    c->connect_error = status;
    c->state = LOAD_CLOSING;
    conn_close(&c->conn, IO_CLOSE_RESET);
}

static void load_connect_outcome(struct load_conn *c, bool queued)
{
    if (c->connect.status == 0 && conn_met_itself(&c->conn)) {
        conn_trace(&c->conn, "connected to itself", "counts as refused");
        load_not_connected(c, UV_ECONNREFUSED);
    } else if (c->connect.status == 0) {
        conn_trace(&c->conn, queued ? "connected, queued" : "connected, inline",
                   "send and recv follow");
        load_connected(c);
    } else {
        load_not_connected(c, c->connect.status);
    }
}

void load_on_connect(struct io_connect *op)
{
    struct load_conn *c = CONTAINER_OF(op, struct load_conn, connect);
    if (!c->conn.closing) {
        load_connect_outcome(c, true);
    }
}

void load_take_seed(struct load_conn *c)
{
    uint64_t seed = load_plan_of(c)->seed;
    c->stream = stream_of(seed, c->conn.number);
    c->sizes_key = dice_key(seed, c->conn.number);
}

/* A new connection of the user: its number, its stream, no bytes and no messages. */
static void load_renew(struct load_conn *c)
{
    struct load *load = load_owner(c);
    c->conn.number = load->next_number;
    load->next_number += load->plan->workers;
    if (load->begun) {
        load_take_seed(c);
    }
    c->offered = c->sent = c->verified = 0;
    c->begun = c->completed = c->started = 0;
    c->begun_end = c->completed_end = c->started_end = 0;
    c->connect_error = 0;
    c->fate = LOAD_ANSWERED;
}

/* Connects to one address: an outcome of connect. */
static int load_try(struct load_conn *c)
{
    struct load *load = load_owner(c);
    struct io_loop *io = load->worker.io;
    c->state = LOAD_CONNECTING;
    load->connecting++;
    load->stats.counters.attempts++;
    if (load->plan->connect_timeout_ns > 0) {
        conn_set_timer(&c->conn, worker_awake(&load->worker) + load->plan->connect_timeout_ns);
    }
    int outcome = io->backend->connect(io, c->conn.socket, load_sockaddr(c), &c->connect);
    if (outcome < 0) {
        c->state = LOAD_WAITING;
        load->connecting--;
        conn_stop_timer(&c->conn);
    }
    return outcome;
}

void load_connect(struct load_conn *c)
{
    int outcome;
    assert(c->state == LOAD_WAITING);
    c->in_turn = false;
    load_set_awaits(c, true);
    if (c->tried == 0) {
        c->first = load_owner(c)->address;
    }
    do {
        load_renew(c);
        outcome = load_try(c);
    } while (outcome < 0 && load_connect_failed(c, outcome));
    if (outcome == IO_DONE) {
        load_connect_outcome(c, false);
    }
}

/* A user that waits for its turn does not wait for the server, unless its last connection has
 * failed. */
void load_connect_in_turn(struct load_conn *c)
{
    struct load *load = load_owner(c);
    uint64_t now_ns = worker_now(&load->worker);
    uint64_t turn_ns = load_connect_ns(load, c->index, !c->began);
    c->began = c->began || load->begun;
    if (turn_ns <= now_ns) {
        load_connect(c);
        return;
    }
    c->in_turn = true;
    load_set_awaits(c, c->awaits && !c->well);
    watch_set_by_clock(&c->conn.timer, turn_ns);
}
