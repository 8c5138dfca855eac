#include "load.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "dice.h"
#include "sys.h"
#include "units.h"
#include "util.h"

/* A backend may sleep a millisecond too long, and the schedule must not. So the worker does not
 * sleep in this time before a message is due, unless the client is crowded. */
#define LOAD_AWAKE_NS UINT64_C(2000000)

/* A message that is given out this long after it was due is late. Turns are far shorter. */
#define LOAD_LATE_NS UINT64_C(10000000)

/* The most messages that a turn gives out. If the rate can't be kept, more and more are overdue. */
#define LOAD_TICKS_A_TURN 256

/* The most messages with random gaps that are counted one by one when the run ends. */
#define LOAD_PASSED_MAX 100000

static struct load *load_self(struct worker *worker)
{
    assert(worker->role == &load_role);
    return (struct load *)(void *)worker;
}

static size_t load_chunk_size(const struct load_plan *plan)
{
    uint64_t size = plan->sizes != NULL ? plan->sizes->max : plan->size;
    uint64_t window = size > LOAD_CHUNK_MAX / plan->depth ? LOAD_CHUNK_MAX : size * plan->depth;
    return (size_t)window;
}

void load_init(struct load *load, const struct load_plan *plan, size_t user_count,
               uint64_t requests)
{
    assert(user_count > 0 && (plan->size > 0 || plan->sizes != NULL) && plan->depth > 0 &&
           plan->address_count > 0);
    load->plan = plan;
    load->user_count = user_count;
    load->requests_left = requests;
    client_stats_init(&load->stats);
}

bool load_is_crowded(size_t workers, double rate, size_t cpus)
{
    double awake = rate * (double)LOAD_AWAKE_NS / 1e9;
    return fmin((double)workers, awake) > (double)cpus;
}

void load_free(struct load *load)
{
    slicer_free(&load->slices);
}

bool load_has_more(const struct load *load)
{
    return !load->ending && load->requests_left > 0;
}

/* ---- the schedule of the open loop --------------------------------------------------------- */

/* Worker w has the ticks w, w + workers, ... of the run, and assigns them to its users in turn. */
static uint64_t load_tick_ns(const struct load *load, uint64_t tick)
{
    const struct load_plan *plan = load->plan;
    double ticks = (double)tick * (double)plan->workers + (double)load_number(load);
    return plan->began_ns + (uint64_t)(ticks * 1e9 / plan->rate);
}

uint64_t load_due_ns(const struct load *load, size_t user, uint64_t n)
{
    return load_tick_ns(load, n * load->user_count + user);
}

/* A schedule with random gaps has a process for each user, by its number in the run. */
static uint64_t load_arrival_key(const struct load *load)
{
    return ~load->plan->seed;
}

static double load_arrival_mean_ns(const struct load *load)
{
    const struct load_plan *plan = load->plan;
    return 1e9 * (double)plan->workers * (double)load->user_count / plan->rate;
}

struct arrival load_arrival(const struct load *load, size_t user)
{
    struct arrival arrival = {0};
    if (load->arrivals.users != NULL) {
        uint64_t number = user * load->plan->workers + load_number(load);
        arrival_begin(&arrival, dice_key(load_arrival_key(load), number),
                      load_arrival_mean_ns(load));
    }
    return arrival;
}

/* False: out of memory, which it reports. */
static bool load_begin_arrivals(struct load *load)
{
    const struct load_plan *plan = load->plan;
    if (plan->rate <= 0 || plan->arrival == ARRIVAL_UNIFORM ||
        arrivals_begin(&load->arrivals, load->user_count, load_arrival_key(load), load_number(load),
                       plan->workers, load_arrival_mean_ns(load))) {
        return true;
    }
    log_message("worker %u: no memory for the schedule of %s", load->worker.index,
                units_counted(load->user_count, "connection").text);
    return false;
}

/* When the next message of the worker is due. */
static uint64_t load_next_due_ns(const struct load *load)
{
    return load->arrivals.users != NULL ? load->plan->began_ns + arrivals_next_ns(&load->arrivals)
                                        : load_tick_ns(load, load->ticks);
}

/* Takes that message: returns its user. */
static struct load_conn *load_take_tick(struct load *load)
{
    uint64_t tick = load->ticks++;
    size_t user = load->arrivals.users != NULL ? arrivals_take(&load->arrivals)
                                               : (size_t)(tick % load->user_count);
    return load->users[user];
}

/* Records how late a message is given out. The turn began at `turn_ns`; since then others may have
 * been sent. */
static void load_record_lateness(struct load *load, uint64_t due_ns, uint64_t turn_ns)
{
    uint64_t now_ns = load->sent_ns > turn_ns ? load->sent_ns : turn_ns;
    struct slice *slice = load_slice(load, now_ns);
    if (load_records(load, due_ns)) {
        histogram_record(&slice->lateness, now_ns > due_ns ? now_ns - due_ns : 0);
    }
}

/* Gives out the messages that are due before `until_ns`, at most LOAD_TICKS_A_TURN. Returns when
 * the next one is due. */
static uint64_t load_give_out(struct load *load, uint64_t until_ns)
{
    uint64_t due_ns = load_next_due_ns(load);
    uint64_t late_ns = until_ns > LOAD_LATE_NS ? until_ns - LOAD_LATE_NS : 0;
    for (unsigned n = 0; due_ns < until_ns && n < LOAD_TICKS_A_TURN; n++) {
        load_record_lateness(load, due_ns, until_ns);
        load_conn_due(load_take_tick(load), due_ns, due_ns < late_ns);
        due_ns = load_next_due_ns(load);
    }
    return due_ns;
}

/* The worker's messages by the rate in the time between the two. */
static uint64_t load_ticks_between(const struct load *load, uint64_t from_ns, uint64_t until_ns)
{
    double seconds = until_ns > from_ns ? (double)(until_ns - from_ns) / 1e9 : 0;
    return (uint64_t)(seconds * load->plan->rate / (double)load->plan->workers);
}

/* Goes on to the first message that is due at `until_ns` or later. There may be billions before
 * it. */
static void load_pass_even(struct load *load, uint64_t until_ns)
{
    uint64_t ticks = load_ticks_between(load, load->plan->began_ns, until_ns);
    while (load_tick_ns(load, ticks) < until_ns) {
        ticks++; /* for the first workers the estimate is one too low */
    }
    load->ticks = ticks > load->ticks ? ticks : load->ticks;
}

/* The same for random gaps. It counts only the first messages: the rate gives the number of the
 * others. */
static void load_pass_random(struct load *load, uint64_t until_ns)
{
    uint64_t before = load->ticks;
    while (load->ticks - before < LOAD_PASSED_MAX && load_next_due_ns(load) < until_ns) {
        (void)load_take_tick(load);
    }
    load->ticks += load_ticks_between(load, load_next_due_ns(load), until_ns);
}

/* Counts messages that were due before `until_ns` and were not given out as unsent and late. */
static void load_skip(struct load *load, uint64_t until_ns)
{
    uint64_t before = load->ticks;
    (load->arrivals.users != NULL ? load_pass_random : load_pass_even)(load, until_ns);
    load->stats.unsent += load->ticks - before;
    load->stats.late += load->ticks - before;
}

static uint64_t load_turn(struct worker *worker)
{
    struct load *load = load_self(worker);
    if (load->plan->rate <= 0 || !load->begun || !load_has_more(load)) {
        return UINT64_MAX;
    }
    uint64_t now_ns = worker_clock(worker);
    uint64_t until_ns = now_ns < load->measure_until_ns ? now_ns + 1 : load->measure_until_ns;
    uint64_t due_ns = load_give_out(load, until_ns);
    if (due_ns < until_ns) {
        return 0; /* more in the next turn */
    }
    if (due_ns <= now_ns) {
        return UINT64_MAX; /* the run is over; end_timer ends it */
    }
    uint64_t awake_ns = load->plan->crowded ? 0 : LOAD_AWAKE_NS;
    return due_ns - now_ns > awake_ns ? due_ns - awake_ns : 0;
}

/* ---- when connections begin ---------------------------------------------------------------- */

/* User u of worker w is number u * workers + w of all. */
static uint64_t load_ramp_ns(const struct load *load, size_t user)
{
    const struct load_plan *plan = load->plan;
    double number = (double)user * (double)plan->workers + (double)load_number(load);
    return (uint64_t)(number * (double)plan->ramp_ns / (double)plan->connections);
}

/* The turns of worker w are number w, w + workers, ... of all. Of those that have passed unused
 * only the last counts: otherwise many connects could follow each other at once. */
static uint64_t load_turn_ns(struct load *load)
{
    const struct load_plan *plan = load->plan;
    double step_ns = (double)plan->workers * 1e9 / plan->connect_rate;
    double offset_ns = (double)load_number(load) * 1e9 / plan->connect_rate;
    double passed_ns = (double)worker_now(&load->worker) - (double)plan->began_ns - offset_ns;
    uint64_t turn = passed_ns > 0 ? (uint64_t)(passed_ns / step_ns) : 0;
    turn = turn > load->connects ? turn : load->connects;
    load->connects = turn + 1;
    return (uint64_t)ceil((double)turn * step_ns + offset_ns);
}

uint64_t load_connect_ns(struct load *load, size_t user, bool first)
{
    const struct load_plan *plan = load->plan;
    uint64_t turn_ns = 0;
    if (!load->begun) {
        return 0; /* it looks for the server */
    }
    if (plan->connect_rate > 0) {
        turn_ns = load_turn_ns(load);
    } else if (first && plan->ramp_ns > 0) {
        turn_ns = load_ramp_ns(load, user);
    }
    return plan->began_ns + turn_ns;
}

/* ---- before the run ------------------------------------------------------------------------ */

static void load_begin_reach(struct load *load)
{
    if (!load->ending && !load->begun) {
        load->reaching = true;
        load_conn_begin(load->users[0]);
    }
}

void load_reached(struct load *load, int status, size_t address)
{
    assert(!load->begun);
    uv_mutex_lock(&load->worker.lock);
    load->reach = (struct load_reach){.up = status == 0, .status = status, .address = address};
    uv_mutex_unlock(&load->worker.lock);
    worker_notify(&load->worker);
}

/* ---- waiting in vain ----------------------------------------------------------------------- */

static uint64_t load_awaited_ns(struct load *load)
{
    uint64_t now_ns = worker_awake(&load->worker);
    return load->awaited_ns + (load->awaiting > 0 ? now_ns - load->awaited_from_ns : 0);
}

void load_one_awaits(struct load *load)
{
    if (load->awaiting++ == 0) {
        load->awaited_from_ns = worker_awake(&load->worker);
    }
}

void load_one_awaits_no_more(struct load *load)
{
    assert(load->awaiting > 0);
    load->awaited_ns = load_awaited_ns(load);
    load->awaited_from_ns = worker_awake(&load->worker);
    load->awaiting--;
}

static void load_publish(struct load *load, bool *flag, bool value)
{
    uv_mutex_lock(&load->worker.lock);
    *flag = value;
    uv_mutex_unlock(&load->worker.lock);
    worker_notify(&load->worker);
}

static bool load_published(struct load *load, const bool *flag)
{
    uv_mutex_lock(&load->worker.lock);
    bool value = *flag;
    uv_mutex_unlock(&load->worker.lock);
    return value;
}

bool load_is_hopeless(struct load *load)
{
    return load_published(load, &load->hopeless);
}

bool load_is_stopping(struct load *load)
{
    return load_published(load, &load->stopping);
}

/* Sets the watch to the earliest time at which --give-up can have passed. */
static void load_plan_give_up(struct load *load)
{
    uint64_t left_ns = load->plan->give_up_ns - load_awaited_ns(load);
    watch_set(&load->give_up, worker_awake(&load->worker) + left_ns);
}

static void load_on_give_up(struct watch *watch)
{
    struct load *load = CONTAINER_OF(watch, struct load, give_up);
    if (load_awaited_ns(load) < load->plan->give_up_ns) {
        load_plan_give_up(load);
    } else {
        load_publish(load, &load->hopeless, true);
    }
}

/* Only the worker writes its flags, so it may read them without the lock. */
void load_has_progress(struct load *load)
{
    load->awaited_ns = 0;
    load->awaited_from_ns = worker_awake(&load->worker);
    if (load->hopeless) {
        load_publish(load, &load->hopeless, false);
        load_plan_give_up(load);
    }
}

void load_has_failed(struct load *load)
{
    if (load->plan->stop_on_error && !load->stopping) {
        load_publish(load, &load->stopping, true);
        worker_defer(&load->worker, &load->stop_task);
    }
}

/* ---- the end of the run -------------------------------------------------------------------- */

/* With --requests the schedule has only that many messages, however many ticks have passed. */
static void load_bound_unsent(struct load *load)
{
    if (load->stats.unsent > load->requests_left) {
        load->stats.unsent = load->requests_left;
    }
}

static void load_end(struct load *load)
{
    uint64_t now_ns = worker_now(&load->worker);
    if (load->ending) {
        return;
    }
    if (load->plan->rate > 0 && load->begun && load_has_more(load)) {
        uint64_t until_ns = now_ns < load->measure_until_ns ? now_ns : load->measure_until_ns;
        (void)load_give_out(load, until_ns);
        load_skip(load, until_ns);
    }
    load->ending = true;
    if (load->begun) {
        strain_end(&load->strain, &load->worker);
    }
    timer_stop(&load->worker.timers, &load->end_timer);
    if (now_ns < load->measure_until_ns) {
        load->measure_until_ns = now_ns;
    }
    watch_set(&load->cut, worker_awake(&load->worker) + load->plan->drain_timeout_ns);
    load->connecting_last = SIZE_MAX;
    worker_defer(&load->worker, &load->abandon_task);
    for (size_t i = 0; i < load->user_count; i++) {
        if (load->users[i] != NULL) {
            load_conn_end(load->users[i]);
        }
    }
    load_bound_unsent(load);
}

static void load_cut(struct load *load)
{
    load_end(load);
    for (size_t i = 0; i < load->user_count; i++) {
        if (load->users[i] != NULL) {
            load_conn_cut(load->users[i]);
        }
    }
}

/* All messages have begun: users that wait for one end their connections. */
static void load_on_spent(struct worker_task *task)
{
    struct load *load = CONTAINER_OF(task, struct load, spent_task);
    for (size_t i = 0; i < load->user_count && !load_has_more(load); i++) {
        load_conn_settle(load->users[i]);
    }
}

/* The system may have finished more connects than one poll reports. So outstanding connects are
 * abandoned only after a poll that has ended none. */
static void load_on_abandon(struct worker_task *task)
{
    struct load *load = CONTAINER_OF(task, struct load, abandon_task);
    if (load->connecting > 0 && load->connecting < load->connecting_last) {
        load->connecting_last = load->connecting;
        worker_defer(&load->worker, task);
        return;
    }
    for (size_t i = 0; i < load->user_count; i++) {
        load_conn_abandon(load->users[i]);
    }
}

static void load_on_stop(struct worker_task *task)
{
    load_end(CONTAINER_OF(task, struct load, stop_task));
}

static void load_on_end(struct timer *timer)
{
    load_end(CONTAINER_OF(timer, struct load, end_timer));
}

static void load_on_cut(struct watch *watch)
{
    load_cut(CONTAINER_OF(watch, struct load, cut));
}

static void load_begin_run(struct load *load)
{
    const struct load_plan *plan = load->plan;
    if (load->ending) {
        return; /* told to end before the server was reached */
    }
    if (!load_begin_arrivals(load)) {
        load_end(load);
        return;
    }
    load->begun = true;
    load->reaching = false;
    strain_begin(&load->strain, &load->worker);
    load->measure_from_ns = plan->began_ns + plan->warmup_ns;
    load->hostile_from_ns = plan->began_ns + plan->hostile_from_ns;
    load->measure_until_ns = UINT64_MAX;
    if (plan->duration_ns > 0) {
        load->measure_until_ns = plan->began_ns + plan->duration_ns;
        timer_start(&load->worker.timers, &load->end_timer, load->measure_until_ns);
    }
    if (plan->give_up_ns > 0) {
        load_has_progress(load); /* the time to reach the server does not count */
        load_plan_give_up(load);
    }
    load_begin_slices(load);
    for (size_t i = 0; i < load->user_count; i++) {
        load_conn_begin(load->users[i]);
    }
}

static void load_snapshot(struct load *load)
{
    uv_mutex_lock(&load->worker.lock);
    load->snapshot = (struct load_snapshot){load->stats.counters, load->stats.up};
    uv_mutex_unlock(&load->worker.lock);
    worker_notify(&load->worker);
}

/* ---- reports ------------------------------------------------------------------------------- */

void load_report(const struct load *load, struct load_report *report)
{
    *report = (struct load_report){.stats = load->stats,
                                   .work = load->work,
                                   .measured_from_ns = load->measure_from_ns,
                                   .measured_until_ns = load->measure_until_ns,
                                   .first_message_ns = load->first_message_ns,
                                   .connected = load->ever_connected,
                                   .address = load->address};
}

/* Counts what each user had in the measured time. */
static void load_count_fairness(const struct load *load, struct histogram *fairness)
{
    for (size_t i = 0; load->begun && i < load->user_count; i++) {
        histogram_record(fairness, load_conn_measured(load->users[i]));
    }
}

static void load_publish_report(struct load *load)
{
    uint64_t now_ns = worker_now(&load->worker);
    struct load_report *report = malloc(sizeof(*report));
    if (report != NULL) {
        load_report(load, report);
        slicer_add_now(&load->slices, &report->stats);
        load_count_fairness(load, &report->stats.fairness);
        report->work.io = load->worker.io->stats;
        report->work.cpu_ns = sys_thread_cpu_ns();
        report->measured_until_ns =
            now_ns < load->measure_until_ns ? now_ns : load->measure_until_ns;
    }
    worker_publish_report(&load->worker, report);
}

/* ---- commands ------------------------------------------------------------------------------ */

static void load_command(struct worker *worker, enum worker_command command)
{
    struct load *load = load_self(worker);
    switch (command) {
    case WORKER_BEGIN:
        load_begin_run(load);
        break;
    case WORKER_SNAPSHOT:
        load_snapshot(load);
        break;
    case WORKER_REPORT:
        load_publish_report(load);
        break;
    case WORKER_RESTART: /* the client has no generations */
    case WORKER_DRAIN:
        load_end(load);
        break;
    case WORKER_ABORT:
        load_cut(load);
        break;
    case WORKER_REACH:
        load_begin_reach(load);
        break;
    case WORKER_TAKE: /* the server's */
        break;
    case WORKER_COMMANDS:
        assert(false);
        break;
    }
}

/* ---- life ---------------------------------------------------------------------------------- */

/* Makes all users. False: out of memory; load_stop() frees those that were made. */
static bool load_make_users(struct load *load)
{
    load->users = calloc(load->user_count, sizeof(struct load_conn *));
    bool made = load->users != NULL;
    for (size_t i = 0; made && i < load->user_count; i++) {
        load->users[i] = load_conn_start(load, i);
        made = load->users[i] != NULL;
    }
    return made;
}

static int load_start(struct worker *worker)
{
    struct load *load = load_self(worker);
    size_t chunk = load_chunk_size(load->plan);
    pool_init(&load->chunks, chunk, load->user_count * chunk);
    worker_tend(worker, &load->chunks);
    worker_task_init(&load->spent_task, load_on_spent);
    worker_task_init(&load->stop_task, load_on_stop);
    worker_task_init(&load->abandon_task, load_on_abandon);
    watch_init(&load->give_up, worker, load_on_give_up);
    timer_init(&load->end_timer, load_on_end);
    watch_init(&load->cut, worker, load_on_cut);
    load->next_number = load_number(load);
    if (!load_make_slices(load) || !load_make_users(load)) {
        (void)snprintf(worker->error, sizeof(worker->error), "worker %u: no memory for %s",
                       worker->index, units_counted(load->user_count, "connection").text);
        return UV_ENOMEM;
    }
    return 0;
}

static bool load_finished(const struct worker *worker)
{
    const struct load *load = (const struct load *)(const void *)worker;
    return load->users_live == 0;
}

static void load_free_users(struct load *load)
{
    for (size_t i = 0; load->users != NULL && i < load->user_count; i++) {
        if (load->users[i] != NULL) {
            load_conn_free(load->users[i]);
        }
    }
    free(load->users);
    load->users = NULL;
}

static void load_stop(struct worker *worker)
{
    struct load *load = load_self(worker);
    load_count_fairness(load, &load->stats.fairness);
    load_free_users(load);
    worker_cancel(worker, &load->spent_task);
    worker_cancel(worker, &load->stop_task);
    worker_cancel(worker, &load->abandon_task);
    watch_stop(&load->give_up);
    timer_stop(&worker->timers, &load->end_timer);
    watch_stop(&load->cut);
    pool_destroy(&load->chunks);
    arrivals_free(&load->arrivals);
    uint64_t now_ns = worker_clock(worker);
    if (now_ns < load->measure_until_ns) {
        load->measure_until_ns = now_ns; /* it has ended early */
    }
    if (load->begun && !load->ending) {
        strain_end(&load->strain, worker);
    }
    load_end_slices(load, now_ns);
    load_bound_unsent(load);
    load->work.io = worker->io->stats;
    load->work.cpu_ns = sys_thread_cpu_ns();
}

const struct worker_role load_role = {
    .start = load_start,
    .turn = load_turn,
    .command = load_command,
    .finished = load_finished,
    .stop = load_stop,
};
