/* How a connection ends: what is counted, and what becomes of its messages. */

#include "load_conn.h"

#include <assert.h>
#include <inttypes.h>

#include "units.h"
#include "verdict.h"

/* ---- counts -------------------------------------------------------------------------------- */

/* The counters for a closing connection's unanswered messages and bytes. NULL: there are none. */
struct load_fate_counts {
    uint64_t *messages;
    uint64_t *bytes;
};

static struct load_fate_counts load_fate_counts(const struct load_conn *c)
{
    struct client_counters *n = load_counters(c);
    switch (c->fate) {
    case LOAD_LOST:
        return (struct load_fate_counts){&n->lost_messages, &n->lost_bytes};
    case LOAD_DRAINED:
        return (struct load_fate_counts){&n->drained_messages, &n->drained_bytes};
    case LOAD_UNANSWERED:
        return (struct load_fate_counts){&n->unanswered_messages, &n->unanswered_bytes};
    case LOAD_UNCHECKED:
        return (struct load_fate_counts){&n->unchecked_messages, &n->unchecked};
    case LOAD_ANSWERED:
        break;
    }
    return (struct load_fate_counts){NULL, NULL};
}

static void load_note_oldest(const struct load_conn *c)
{
    struct load *load = load_owner(c);
    uint64_t due_ns = load_message(c, c->completed)->due_ns;
    uint64_t now_ns = worker_now(&load->worker);
    if (now_ns > due_ns && now_ns - due_ns > load->stats.unanswered_oldest_ns) {
        load->stats.unanswered_oldest_ns = now_ns - due_ns;
    }
}

static void load_count_messages(const struct load_conn *c)
{
    uint64_t outstanding = load_outstanding(c);
    load_owner(c)->stats.begun += c->begun;
    if (outstanding == 0) {
        return;
    }
    uint64_t *messages = load_fate_counts(c).messages;
    assert(messages != NULL);
    *messages += outstanding;
    if (c->fate == LOAD_UNANSWERED) {
        load_note_oldest(c);
    }
}

void load_count_bytes(const struct load_conn *c)
{
    uint64_t *bytes = load_fate_counts(c).bytes;
    if (bytes != NULL && c->sent > c->verified) {
        *bytes += c->sent - c->verified;
    }
}

/* ---- end ----------------------------------------------------------------------------------- */

void load_done(struct load_conn *c)
{
    struct load *load = load_owner(c);
    assert(c->state != LOAD_DONE && load->users_live > 0);
    c->state = LOAD_DONE;
    load->users_live--;
    load->stats.unsent += c->owed;
    c->owed = 0;
    load_set_awaits(c, false);
    if (c->was_up) {
        load_count_down_time(c);
    } else {
        load->stats.not_up++;
        load->stats.not_up_reason = c->last_error != 0 ? c->last_error : load->stats.not_up_reason;
    }
}

/* Unanswered messages may begin again, on any connection. */
static void load_give_back(struct load_conn *c)
{
    struct load *load = load_owner(c);
    uint64_t outstanding = load_outstanding(c);
    if (load->requests_left != UINT64_MAX) {
        load->requests_left += outstanding;
    }
    c->begun = c->completed;
    c->begun_end = c->completed_end;
}

void load_close(struct load_conn *c, struct load_end end)
{
    struct load *load = load_owner(c);
    assert(c->state != LOAD_CLOSING && c->state != LOAD_WAITING);
    (*end.counter)++;
    conn_trace(&c->conn, end.why, "close follows");
    if (c->state == LOAD_CONNECTING) {
        load->connecting--;
    } else {
        load->stats.up--;
    }
    c->fate = end.fate;
    c->well = end.well && c->completed > 0;
    c->in_vain += c->completed == 0;
    load_count_messages(c);
    load_give_back(c);
    load_think_stop(c);
    load_set_awaits(c, true); /* awaits the close, then the next connection */
    c->state = LOAD_CLOSING;
    c->down_ns = worker_now(&load->worker);
    conn_close(&c->conn, end.how);
    if (verdict_failures_so_far(&load->stats.counters) > 0) {
        load_has_failed(load);
    }
}

void load_log_failure(struct load_conn *c, enum stats_operation operation, int status)
{
    struct load *load = load_owner(c);
    stats_error_count(&load->stats.errors, operation, status);
    log_limited(&load->error_log, worker_now(&load->worker),
                "connection %" PRIu64 " failed in %s after %s verified, with %s unanswered: %s",
                c->conn.number, stats_operation_name(operation),
                units_counted(c->verified, "byte").text,
                units_counted(load_outstanding(c), "message").text, uv_strerror(status));
}

void load_lose(struct load_conn *c, enum io_close_how how, int status)
{
    load_close(c, (struct load_end){.counter = &load_counters(c)->lost,
                                    .fate = LOAD_LOST,
                                    .how = how,
                                    .why = uv_err_name(status)});
}

void load_fail(struct load_conn *c, enum stats_operation operation, int status)
{
    struct client_counters *n = load_counters(c);
    bool lost = io_stream_is_lost(status);
    if (lost && c->state == LOAD_ENDING) {
        stats_error_count(&load_owner(c)->stats.errors, operation, status);
        load_close(c, (struct load_end){.counter = &n->reset_at_end,
                                        .how = IO_CLOSE_RESET,
                                        .well = true,
                                        .why = uv_err_name(status)});
        return;
    }
    load_log_failure(c, operation, status);
    if (lost && load_outstanding(c) > 0) {
        load_lose(c, IO_CLOSE_RESET, status);
        return;
    }
    load_owner(c)->stats.failed_error = status;
    load_close(c, (struct load_end){.counter = &n->failed,
                                    .fate = LOAD_UNANSWERED,
                                    .how = IO_CLOSE_RESET,
                                    .why = uv_err_name(status)});
}
