#include "hostile.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "hostile_conn.h"
#include "log.h"
#include "stream.h"
#include "units.h"
#include "util.h"

/* The connections of a group begin one after another in this time, so that many of them are no
 * storm. */
#define HOSTILE_STEP_NS UINT64_C(100000)

static struct hostile *hostile_self(struct worker *worker)
{
    assert(worker->role == &hostile_role);
    return (struct hostile *)(void *)worker;
}

/* ---- storms -------------------------------------------------------------------------------- */

/* A connection of the squad that may connect now; NULL: none. */
static struct hostile_conn *hostile_find_idle(struct hostile_squad *squad)
{
    for (size_t n = 0; n < squad->group.count; n++) {
        struct hostile_conn *c = squad->hostile->conns[squad->first + squad->cursor];
        squad->cursor = (squad->cursor + 1) % (size_t)squad->group.count;
        if (c->state == HOSTILE_IDLE && !watch_active(&c->conn.timer)) {
            return c;
        }
    }
    return NULL;
}

static uint64_t hostile_storm_ns(const struct hostile_squad *squad, uint64_t tick)
{
    return squad->hostile->attack_ns + (uint64_t)((double)tick * 1e9 / (double)squad->group.rate);
}

/* Opens the connections that are due. Those that find no free slot are skipped. */
static void hostile_on_storm(struct timer *timer)
{
    struct hostile_squad *squad = CONTAINER_OF(timer, struct hostile_squad, storm);
    struct worker *worker = &squad->hostile->worker;
    uint64_t now_ns = worker_now(worker);
    bool full = false;
    while (hostile_storm_ns(squad, squad->ticks) <= now_ns) {
        struct hostile_conn *c = full ? NULL : hostile_find_idle(squad);
        full = c == NULL;
        squad->ticks++;
        if (c != NULL) {
            hostile_conn_begin(c, 0);
        } else {
            squad->stats.counters.skipped++;
        }
    }
    timer_start(&worker->timers, timer, hostile_storm_ns(squad, squad->ticks));
}

/* ---- begin and end ------------------------------------------------------------------------- */

static void hostile_start_squad(struct hostile_squad *squad)
{
    struct hostile *hostile = squad->hostile;
    if (squad->group.kind == HOSTILE_STORM) {
        timer_start(&hostile->worker.timers, &squad->storm, hostile->attack_ns);
        return;
    }
    for (size_t i = 0; i < squad->group.count; i++) {
        hostile_conn_begin(hostile->conns[squad->first + i], i * HOSTILE_STEP_NS);
    }
}

static void hostile_on_from(struct timer *timer)
{
    struct hostile *hostile = CONTAINER_OF(timer, struct hostile, from_timer);
    hostile->attacking = true;
    hostile->attack_ns = worker_now(&hostile->worker);
    for (size_t i = 0; i < hostile->squad_count; i++) {
        hostile_start_squad(&hostile->squads[i]);
    }
}

static void hostile_stop_timers(struct hostile *hostile)
{
    struct timer_wheel *timers = &hostile->worker.timers;
    timer_stop(timers, &hostile->from_timer);
    timer_stop(timers, &hostile->end_timer);
    for (size_t i = 0; i < hostile->squad_count; i++) {
        timer_stop(timers, &hostile->squads[i].storm);
    }
}

static void hostile_end(struct hostile *hostile)
{
    if (hostile->ending) {
        return;
    }
    hostile->ending = true;
    hostile_stop_timers(hostile);
    for (size_t i = 0; i < hostile->conn_count; i++) {
        hostile_conn_end(hostile->conns[i]);
    }
}

static void hostile_on_end(struct timer *timer)
{
    hostile_end(CONTAINER_OF(timer, struct hostile, end_timer));
}

static void hostile_begin_run(struct hostile *hostile)
{
    const struct load_plan *plan = hostile->plan;
    struct timer_wheel *timers = &hostile->worker.timers;
    if (hostile->ending) {
        return;
    }
    timer_start(timers, &hostile->from_timer, plan->began_ns + hostile->from_ns);
    if (plan->duration_ns > 0) {
        timer_start(timers, &hostile->end_timer, plan->began_ns + plan->duration_ns);
    }
}

/* ---- reports ------------------------------------------------------------------------------- */

struct hostile_result *hostile_result(const struct hostile *hostile)
{
    size_t count = hostile->squad_count;
    struct hostile_result *result = malloc(sizeof(*result) + count * sizeof(result->groups[0]));
    if (result != NULL) {
        result->began = hostile->attacking;
        result->count = count;
        for (size_t i = 0; i < count; i++) {
            result->groups[i].group = hostile->squads[i].group;
            result->groups[i].stats = hostile->squads[i].stats;
        }
    }
    return result;
}

static void hostile_publish_result(struct hostile *hostile)
{
    struct hostile_result *result = hostile_result(hostile);
    uint64_t now_ns = worker_now(&hostile->worker);
    for (size_t i = 0; result != NULL && i < hostile->conn_count; i++) {
        const struct hostile_conn *c = hostile->conns[i];
        size_t squad = (size_t)(c->squad - hostile->squads);
        hostile_conn_count_held(c, now_ns, &result->groups[squad].stats);
    }
    worker_publish_report(&hostile->worker, result);
}

/* ---- commands ------------------------------------------------------------------------------ */

static void hostile_command(struct worker *worker, enum worker_command command)
{
    struct hostile *hostile = hostile_self(worker);
    switch (command) {
    case WORKER_BEGIN:
        hostile_begin_run(hostile);
        break;
    case WORKER_REPORT:
        hostile_publish_result(hostile);
        break;
    case WORKER_RESTART: /* as for the load */
    case WORKER_DRAIN:
    case WORKER_ABORT:
        hostile_end(hostile);
        break;
    case WORKER_SNAPSHOT: /* the line of progress does not count these connections */
    case WORKER_TAKE:
    case WORKER_REACH:
        break;
    case WORKER_COMMANDS:
        assert(false);
        break;
    }
}

/* ---- life ---------------------------------------------------------------------------------- */

int hostile_init(struct hostile *hostile, const struct load_plan *plan,
                 const struct hostile_group *groups, size_t count, uint64_t from_ns)
{
    assert(count > 0 && hostile->squads == NULL);
    hostile->plan = plan;
    hostile->from_ns = from_ns;
    hostile->squads = calloc(count, sizeof(*hostile->squads));
    if (hostile->squads == NULL) {
        log_message("out of memory");
        return UV_ENOMEM;
    }
    hostile->squad_count = count;
    for (size_t i = 0; i < count; i++) {
        struct hostile_squad *squad = &hostile->squads[i];
        squad->hostile = hostile;
        squad->group = groups[i];
        squad->first = hostile->conn_count;
        histogram_init(&squad->stats.held_ns);
        timer_init(&squad->storm, hostile_on_storm);
        hostile->conn_count += (size_t)groups[i].count;
    }
    return 0;
}

void hostile_free(struct hostile *hostile)
{
    free(hostile->squads);
    *hostile = (struct hostile){.squads = NULL};
}

static bool hostile_make_squad(struct hostile_squad *squad)
{
    struct hostile *hostile = squad->hostile;
    for (size_t i = 0; i < squad->group.count; i++) {
        struct hostile_conn *c = hostile_conn_new(squad);
        if (c == NULL) {
            return false;
        }
        hostile->conns[squad->first + i] = c;
        hostile->live++;
    }
    return true;
}

/* Makes the connections and what they send. False: out of memory; hostile_stop() frees the rest. */
static bool hostile_make(struct hostile *hostile)
{
    struct stream stream = stream_of(hostile->plan->seed, 0);
    hostile->conns = calloc(hostile->conn_count, sizeof(struct hostile_conn *));
    hostile->chunk = malloc(HOSTILE_CHUNK);
    bool made = hostile->conns != NULL && hostile->chunk != NULL;
    if (made) {
        stream_fill(&stream, 0, hostile->chunk, HOSTILE_CHUNK);
    }
    for (size_t i = 0; made && i < hostile->squad_count; i++) {
        made = hostile_make_squad(&hostile->squads[i]);
    }
    return made;
}

static int hostile_start(struct worker *worker)
{
    struct hostile *hostile = hostile_self(worker);
    timer_init(&hostile->from_timer, hostile_on_from);
    timer_init(&hostile->end_timer, hostile_on_end);
    if (!hostile_make(hostile)) {
        (void)snprintf(worker->error, sizeof(worker->error), "--hostile: no memory for %s",
                       units_counted(hostile->conn_count, "connection").text);
        return UV_ENOMEM;
    }
    return 0;
}

static bool hostile_finished(const struct worker *worker)
{
    const struct hostile *hostile = (const struct hostile *)(const void *)worker;
    return hostile->live == 0;
}

static void hostile_stop(struct worker *worker)
{
    struct hostile *hostile = hostile_self(worker);
    hostile_stop_timers(hostile);
    for (size_t i = 0; hostile->conns != NULL && i < hostile->conn_count; i++) {
        struct hostile_conn *c = hostile->conns[i];
        if (c != NULL && (c->state == HOSTILE_IDLE || c->state == HOSTILE_DONE)) {
            hostile_conn_free(c); /* a loop that has failed still owns the others */
        }
    }
    free(hostile->conns);
    hostile->conns = NULL;
    free(hostile->chunk);
    hostile->chunk = NULL;
}

const struct worker_role hostile_role = {
    .start = hostile_start,
    .command = hostile_command,
    .finished = hostile_finished,
    .stop = hostile_stop,
};
