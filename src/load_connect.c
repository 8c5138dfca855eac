/* How a connection comes up: the addresses, one after another. */

#include "load_conn.h"

#include <assert.h>

#include "net.h"

/* Which address is its turn. */
static size_t load_address(const struct load_conn *c)
{
    return (c->first + c->tried) % load_plan_of(c)->address_count;
}

static const struct sockaddr *load_sockaddr(const struct load_conn *c)
{
    return (const struct sockaddr *)(const void *)&load_plan_of(c)->addresses[load_address(c)];
}

bool load_connect_failed(struct load_conn *c, int status)
{
    struct load *load = load_owner(c);
    char address[NET_ADDRESS_TEXT];
    net_format_address(load_sockaddr(c), address, sizeof(address));
    stats_error_count(&load->stats.errors, STATS_CONNECT, status);
    c->tried++;
    if (c->tried < load->plan->address_count && !load->ending) {
        return true;
    }
    log_limited(&load->connect_log, worker_now(&load->worker), "cannot connect to %s: %s", address,
                uv_strerror(status));
    load->stats.counters.connect_failures++;
    c->tried = 0;
    c->verified = 0;
    if (load->ever_connected) {
        load_again(c);
    } else {
        load_done(c); /* there is no server, as far as this worker can tell */
    }
    return false;
}

static void load_connected(struct load_conn *c)
{
    struct load *load = load_owner(c);
    assert(c->state == LOAD_CONNECTING);
    c->state = LOAD_UP;
    c->progress_ns = worker_now(&load->worker);
    load->address = load_address(c);
    c->tried = 0;
    load->ever_connected = true;
    load->stats.counters.connected++;
    load->stats.up++;
    if (load->stats.up > load->stats.up_peak) {
        load->stats.up_peak = load->stats.up;
    }
    if (load->plan->timeout_ns > 0) {
        conn_set_timer(&c->conn, c->progress_ns + load->plan->timeout_ns);
    } else {
        timer_stop(&load->worker.timers, &c->conn.timer);
    }
    load_run(c);
}

void load_not_connected(struct load_conn *c, int status)
{
    conn_trace(&c->conn, uv_err_name(status), "close follows");
    c->connect_error = status;
    c->state = LOAD_CLOSING;
    conn_close(&c->conn, IO_CLOSE_RESET);
}

static void load_connect_outcome(struct load_conn *c, bool queued)
{
    if (c->connect.status == 0) {
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

void load_connect(struct load_conn *c)
{
    struct load *load = load_owner(c);
    struct io_loop *io = load->worker.io;
    int outcome;
    assert(c->state == LOAD_WAITING);
    if (c->tried == 0) {
        c->first = load->address;
    }
    do {
        c->conn.number = load->next_number;
        load->next_number += load->plan->workers;
        c->stream = stream_of(load->plan->seed, c->conn.number);
        c->offered = c->verified = c->begun = c->completed = 0;
        c->connect_error = 0;
        c->state = LOAD_CONNECTING;
        load->stats.counters.attempts++;
        if (load->plan->connect_timeout_ns > 0) {
            conn_set_timer(&c->conn, worker_now(&load->worker) + load->plan->connect_timeout_ns);
        }
        outcome = io->backend->connect(io, c->conn.socket, load_sockaddr(c), &c->connect);
        if (outcome < 0) {
            c->state = LOAD_WAITING;
            timer_stop(&load->worker.timers, &c->conn.timer);
        }
    } while (outcome < 0 && load_connect_failed(c, outcome));
    if (outcome == IO_DONE) {
        load_connect_outcome(c, false);
    }
}
