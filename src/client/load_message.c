/* The messages of a connection: when they begin, and whether the answers are right. */

#include "load_conn.h"

#include <inttypes.h>

#include "progress.h"
#include "units.h"
#include "util.h"

/* After this many consecutive connections without a complete message, verified bytes no longer
 * count as progress. Otherwise a run could go on for ever, if every answer begins well and breaks
 * off. */
#define LOAD_IN_VAIN 3

bool load_goes_on(const struct load_conn *c)
{
    const struct load_plan *plan = load_plan_of(c);
    bool alive = plan->lifetime == 0 || c->begun < plan->lifetime;
    return alive && load_has_more(load_owner(c));
}

/* Begins one message. Its latency counts from `due_ns`. */
static void load_begin_one(struct load_conn *c, uint64_t due_ns)
{
    struct load *load = load_owner(c);
    uint64_t depth = load->plan->depth;
    c->begun_end += load_message_size(c, c->begun);
    *load_message(c, c->begun) = (struct load_message){.end = c->begun_end, .due_ns = due_ns};
    if (c->begun == c->completed) {
        progress_moved(&c->conn); /* the time of the answer begins now */
        load_set_awaits(c, true);
    }
    c->begun++;
    if (load->begun_messages++ == 0) {
        load->first_message_ns = worker_clock(&load->worker);
    }
    if (load_outstanding(c) == depth) {
        c->full_ns = worker_now(&load->worker);
    }
    if (load->requests_left != UINT64_MAX && --load->requests_left == 0) {
        worker_defer(&load->worker, &load->spent_task);
    }
}

/* ---- --think ------------------------------------------------------------------------------- */

static void load_on_thought(struct timer *timer)
{
    struct load_conn *c = CONTAINER_OF(timer, struct load_conn, think);
    c->thinking = false;
    if (c->state == LOAD_UP) {
        load_run(c);
    }
}

void load_think_init(struct load_conn *c)
{
    timer_init(&c->think, load_on_thought);
}

void load_think_stop(struct load_conn *c)
{
    timer_stop(&c->conn.worker->timers, &c->think);
    c->thinking = false;
}

/* After an echo at `now_ns`, the connection pauses. */
static void load_think(struct load_conn *c, uint64_t now_ns)
{
    uint64_t think_ns = load_plan_of(c)->think_ns;
    if (think_ns > 0 && load_goes_on(c)) {
        c->thinking = true;
        timer_start(&c->conn.worker->timers, &c->think, now_ns + think_ns);
    }
}

/* -------------------------------------------------------------------------------------------- */

static bool load_may_begin(const struct load_conn *c)
{
    const struct load *load = load_owner(c);
    bool due = load->plan->rate <= 0 || c->owed > 0;
    return due && load->begun && !c->thinking && load_outstanding(c) < load->plan->depth &&
           load_goes_on(c);
}

/* When the next message of the schedule that has not begun is due. */
static uint64_t load_take_due_ns(struct load_conn *c)
{
    const struct load *load = load_owner(c);
    uint64_t n = c->taken++;
    if (load->plan->arrival == ARRIVAL_POISSON) {
        return load->plan->began_ns + arrival_take(&c->arrival);
    }
    return load_due_ns(load, c->index, n);
}

void load_begin(struct load_conn *c)
{
    struct load *load = load_owner(c);
    uint64_t now_ns = 0;
    while (load_may_begin(c)) {
        if (load->plan->rate > 0) {
            c->owed--;
            load_begin_one(c, load_take_due_ns(c));
        } else {
            now_ns = now_ns == 0 ? worker_clock(&load->worker) : now_ns;
            load_begin_one(c, now_ns);
        }
    }
}

/* Whether a message was due before the hostile connections or beside them. */
static void load_record_part(struct load *load, uint64_t due_ns, uint64_t latency_ns)
{
    struct client_stats *stats = &load->stats;
    if (load->plan->hostile && load_measures(load, due_ns)) {
        bool before = due_ns < load->hostile_from_ns;
        histogram_record(before ? &stats->latency_before : &stats->latency_beside, latency_ns);
    }
}

static uint64_t load_since(uint64_t from_ns, uint64_t now_ns)
{
    return now_ns > from_ns ? now_ns - from_ns : 0;
}

void load_note_sent(struct load_conn *c)
{
    struct load *load = load_owner(c);
    if (load->plan->rate <= 0) {
        return;
    }
    uint64_t now_ns = load->sent_ns = worker_clock(&load->worker);
    while (c->started < c->begun && c->started_end < c->offered) {
        struct load_message *message = load_message(c, c->started++);
        message->sent_ns = now_ns;
        c->started_end = message->end;
    }
}

/* A message counts by when it was due: otherwise the slowest, which outlast the run, would be
 * missing. */
static void load_record(struct load *load, const struct load_message *message, uint64_t now_ns)
{
    struct slice *slice = load->slices.now;
    if (!load_records(load, message->due_ns)) {
        return;
    }
    uint64_t latency_ns = load_since(message->due_ns, now_ns);
    histogram_record(&slice->latency, latency_ns);
    load_record_part(load, message->due_ns, latency_ns);
    if (message->sent_ns != 0) {
        histogram_record(&slice->since_sent, load_since(message->sent_ns, now_ns));
    }
}

static void load_complete(struct load_conn *c, uint64_t now_ns)
{
    struct load *load = load_owner(c);
    const struct load_message *message = load_message(c, c->completed);
    uint64_t size = message->end - c->completed_end;
    c->completed++;
    c->completed_end = message->end;
    c->in_vain = 0;
    load->stats.counters.messages++;
    if (load_measures(load, now_ns)) {
        load->stats.measured_messages++;
        c->measured++;
    }
    load_record(load, message, now_ns);
    if (load->plan->trace) {
        log_trace("ack(%" PRIu64 ") worker %u connection %" PRIu64 " %s %.3f us", c->completed,
                  load->worker.index, c->conn.number, units_counted(size, "byte").text,
                  (double)load_since(message->due_ns, now_ns) / 1e3);
    }
}

/* The time of what is verified now. What is counted from here on is of the slice of that time. */
static uint64_t load_verify_ns(struct load *load)
{
    uint64_t now_ns = worker_clock(&load->worker);
    (void)load_slice(load, now_ns);
    return now_ns;
}

bool load_verify(struct load_conn *c, const uint8_t *data, size_t length)
{
    struct load *load = load_owner(c);
    uint64_t now_ns = load_verify_ns(load);
    uint64_t awaited = c->offered - c->verified;
    size_t known = length < awaited ? length : (size_t)awaited;
    size_t right = stream_check(&c->stream, c->verified, data, known);
    c->verified += right;
    progress_moved(&c->conn);
    load->stats.counters.verified += right;
    if (load_measures(load, now_ns)) {
        load->stats.measured_bytes += right;
    }
    uint64_t before = c->completed;
    while (c->completed < c->begun && c->verified >= load_message(c, c->completed)->end) {
        load_complete(c, now_ns);
    }
    if (c->completed > before) {
        load_think(c, now_ns);
    }
    if (right > 0 && c->in_vain < LOAD_IN_VAIN) {
        load_has_progress(load);
    }
    if (load_outstanding(c) == 0) {
        load_set_awaits(c, false);
    }
    if (right < length) {
        load_mismatch(c, data + right, length - right, right < known);
        return false;
    }
    return true;
}
