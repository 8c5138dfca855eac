#include "worker.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "log.h"
#include "sys.h"

void worker_init(struct worker *worker)
{
    assert(worker->role != NULL && worker->backend != NULL);
    int status = uv_mutex_init(&worker->lock);
    assert(status == 0);
    status = uv_sem_init(&worker->started, 0);
    assert(status == 0);
    status = uv_sem_init(&worker->told, 0);
    assert(status == 0);
    (void)status;
    worker->tasks = NULL;
    worker->tasks_end = &worker->tasks;
}

void worker_destroy(struct worker *worker)
{
    assert(worker->io == NULL);
    uv_sem_destroy(&worker->told);
    uv_sem_destroy(&worker->started);
    uv_mutex_destroy(&worker->lock);
}

/* ---- memory -------------------------------------------------------------------------------- */

/* How long buffers that a burst needed are kept for the next one. */
#define WORKER_TRIM_NS UINT64_C(100000000)

static void worker_on_trim(struct timer *timer)
{
    struct worker *worker = CONTAINER_OF(timer, struct worker, trim);
    for (size_t i = 0; i < WORKER_POOLS && worker->pools[i] != NULL; i++) {
        pool_trim(worker->pools[i]);
    }
}

static void worker_plan_trim(struct worker *worker)
{
    if (timer_active(&worker->trim)) {
        return;
    }
    for (size_t i = 0; i < WORKER_POOLS && worker->pools[i] != NULL; i++) {
        if (pool_has_spare(worker->pools[i])) {
            timer_start(&worker->timers, &worker->trim, worker_now(worker) + WORKER_TRIM_NS);
            return;
        }
    }
}

void worker_tend(struct worker *worker, struct pool *pool)
{
    worker->pools[WORKER_POOLS - 1] = pool;
}

/* ---- the thread ---------------------------------------------------------------------------- */

/* Advice on a loop that did not open, to continue the message. */
static const char *worker_loop_hint(const struct worker *worker, int status)
{
    const char *(*hint)(int status) = worker->backend->loop_hint;
    const char *text = hint != NULL ? hint(status) : "";
    return text[0] != '\0' ? text : sys_shortage(status);
}

static int worker_open_loop(struct worker *worker)
{
    int status = worker->backend->loop_open(&worker->io_config, &worker->io);
    if (status != 0) {
        (void)snprintf(worker->error, sizeof(worker->error),
                       "worker %u: cannot open a loop of backend %s: %s%s", worker->index,
                       worker->backend->name, uv_strerror(status),
                       worker_loop_hint(worker, status));
        worker->io = NULL;
    }
    return status;
}

/* When the loop is open. Closes it if the role does not start. */
static int worker_start_role(struct worker *worker)
{
    timer_wheel_init(&worker->timers, worker_clock(worker));
    watches_init(&worker->watches);
    worker->expected_ns = UINT64_MAX; /* a slow start is not late */
    timer_init(&worker->trim, worker_on_trim);
    worker->pools[0] = &worker->io->pool;
    int status = worker->role->start(worker);
    if (status != 0) {
        worker_close(worker);
    }
    return status;
}

int worker_open(struct worker *worker)
{
    int status = worker_open_loop(worker);
    return status != 0 ? status : worker_start_role(worker);
}

static void worker_run_tasks(struct worker *worker)
{
    /* Tasks queued by these tasks wait for the next turn. */
    struct worker_task *batch = worker->tasks;
    worker->tasks = NULL;
    worker->tasks_end = &worker->tasks;
    if (batch != NULL) {
        batch->link = &batch;
    }
    while (batch != NULL) {
        struct worker_task *task = batch;
        worker_cancel(worker, task);
        task->run(task);
    }
}

static void worker_take_commands(struct worker *worker)
{
    unsigned posted[WORKER_COMMANDS];
    uv_mutex_lock(&worker->lock);
    memcpy(posted, worker->posted, sizeof(posted));
    memset(worker->posted, 0, sizeof(worker->posted));
    uv_mutex_unlock(&worker->lock);
    for (int command = 0; command < WORKER_COMMANDS; command++) {
        while (posted[command]-- > 0) {
            worker->role->command(worker, (enum worker_command)command);
        }
    }
}

/* Whether the next turn has something to do without an event. */
static bool worker_has_queued(const struct worker *worker)
{
    return worker->tasks != NULL || worker->watches.suspects != NULL;
}

/*
 * Until when the poll may wait. A sleeping core takes longer to wake than an echo takes. So with
 * busy_poll_ns the worker stays awake for a while after each outcome.
 */
static uint64_t worker_wait_until(struct worker *worker, uint64_t deadline_ns)
{
    const struct io_stats *stats = &worker->io->stats;
    if (worker_has_queued(worker)) {
        return 0;
    }
    if (worker->busy_poll_ns == 0) {
        return deadline_ns;
    }
    uint64_t now_ns = worker_clock(worker);
    if (stats->completions + stats->inline_outcomes != worker->outcomes) {
        worker->outcomes = stats->completions + stats->inline_outcomes;
        worker->busy_until_ns = now_ns + worker->busy_poll_ns;
    }
    return now_ns < worker->busy_until_ns ? 0 : deadline_ns;
}

/* A turn that finds nothing takes a few microseconds. A longer one had no CPU for the rest. */
#define WORKER_IDLE_TURN_NS UINT64_C(100000)

/* A turn begins at `now_ns`, and the last one is over. */
static void worker_count_idle(struct worker *worker, uint64_t before_ns, uint64_t now_ns)
{
    const struct io_stats *stats = &worker->io->stats;
    uint64_t work = stats->completions + stats->inline_outcomes + stats->recv_calls +
                    stats->send_calls + stats->wakes;
    if (worker->spins && work == worker->work) {
        uint64_t turn_ns = now_ns - before_ns;
        worker->idle_ns += turn_ns < WORKER_IDLE_TURN_NS ? turn_ns : WORKER_IDLE_TURN_NS;
    }
    worker->work = work;
}

static int worker_poll(struct worker *worker, uint64_t deadline_ns)
{
    uint64_t until_ns = worker_wait_until(worker, deadline_ns);
    worker->spins = until_ns == 0 && !worker_has_queued(worker);
    if (until_ns > worker->expected_ns) {
        worker->expected_ns = until_ns;
    }
    worker->now_valid = false;
    return worker->backend->poll(worker->io, until_ns);
}

static void worker_poll_failed(struct worker *worker, int status)
{
    worker->status = status;
    (void)snprintf(worker->error, sizeof(worker->error),
                   "worker %u: the loop of backend %s failed: %s", worker->index,
                   worker->backend->name, uv_strerror(status));
}

bool worker_turn(struct worker *worker)
{
    assert(worker->io != NULL);
    worker->turn++;
    worker->now_valid = false;
    uint64_t before_ns = worker->began_ns;
    worker->began_ns = worker_now(worker);
    worker_count_idle(worker, before_ns, worker->began_ns);
    timer_wheel_run(&worker->timers, worker->began_ns);
    worker_run_tasks(worker);
    worker_plan_trim(worker);
    uint64_t due_ns = worker->role->turn != NULL ? worker->role->turn(worker) : UINT64_MAX;
    uint64_t deadline_ns = timer_wheel_next(&worker->timers);
    if (worker->role->finished(worker)) {
        return false;
    }
    int woken = worker_poll(worker, due_ns < deadline_ns ? due_ns : deadline_ns);
    if (woken < 0) {
        worker_poll_failed(worker, woken);
        return false;
    }
    watch_judge(worker);
    if (woken > 0) {
        worker_take_commands(worker);
    }
    return true;
}

void worker_close(struct worker *worker)
{
    worker->role->stop(worker);
    if (worker->status == 0) {
        worker->backend->loop_close(worker->io);
    }
    worker->io = NULL;
}

static void worker_pin(struct worker *worker)
{
    if (worker->cpu >= 0) {
        int status = sys_pin_thread(worker->cpu);
        if (status != 0) {
            log_message("--cpus: cannot pin worker %u to CPU %d: %s", worker->index, worker->cpu,
                        uv_strerror(status));
            worker->cpu = -1;
        }
    }
}

/* Opens the loop, waits for worker_begin() or worker_dismiss(), and starts the role. True: the
 * worker runs. */
static bool worker_prepare(struct worker *worker)
{
    worker->start_status = worker_open_loop(worker);
    uv_sem_post(&worker->started);
    if (worker->start_status != 0) {
        return false;
    }
    uv_sem_wait(&worker->told);
    if (worker->dismissed) {
        worker->backend->loop_close(worker->io);
        worker->io = NULL;
        return false;
    }
    worker->start_status = worker_start_role(worker);
    uv_sem_post(&worker->started);
    return worker->start_status == 0;
}

static void worker_main(void *argument)
{
    struct worker *worker = argument;
    worker_pin(worker);
    if (!worker_prepare(worker)) {
        return;
    }
    while (worker_turn(worker)) {
    }
    uv_mutex_lock(&worker->lock); /* a concurrent post must find the loop open */
    worker->ended = true;
    uv_mutex_unlock(&worker->lock);
    worker_close(worker);
    worker_notify(worker);
}

/* Waits for the current stage of the start. */
static int worker_await_start(struct worker *worker)
{
    uv_sem_wait(&worker->started);
    if (worker->start_status != 0) {
        worker_join(worker);
    }
    return worker->start_status;
}

int worker_launch(struct worker *worker)
{
    worker->dismissed = false;
    int status = uv_thread_create(&worker->thread, worker_main, worker);
    if (status != 0) {
        (void)snprintf(worker->error, sizeof(worker->error), "cannot start worker %u: %s%s",
                       worker->index, uv_strerror(status), sys_shortage(status));
        return status;
    }
    return worker_await_start(worker);
}

int worker_begin(struct worker *worker)
{
    uv_sem_post(&worker->told);
    int status = worker_await_start(worker);
    worker->running = status == 0;
    return status;
}

void worker_dismiss(struct worker *worker)
{
    worker->dismissed = true;
    uv_sem_post(&worker->told);
    worker_join(worker);
}

int worker_start(struct worker *worker)
{
    int status = worker_launch(worker);
    return status != 0 ? status : worker_begin(worker);
}

void worker_join(struct worker *worker)
{
    int status = uv_thread_join(&worker->thread);
    assert(status == 0);
    (void)status;
    worker->running = false;
}

void worker_post(struct worker *worker, enum worker_command command)
{
    assert(command < WORKER_COMMANDS);
    uv_mutex_lock(&worker->lock);
    if (!worker->ended) {
        worker->posted[command]++;
        worker->backend->wake(worker->io);
    }
    uv_mutex_unlock(&worker->lock);
}

bool worker_has_ended(struct worker *worker)
{
    uv_mutex_lock(&worker->lock);
    bool ended = worker->ended;
    uv_mutex_unlock(&worker->lock);
    return ended;
}

/* ---- for roles ----------------------------------------------------------------------------- */

uint64_t worker_clock(const struct worker *worker)
{
    return worker->backend->now(worker->io);
}

/* A worker that was stopped past its deadline was also stopped before it, for an unknown time. So
 * the awake clock leaves out as much of the wait as the overrun is long. */
void worker_look(struct worker *worker)
{
    uint64_t now_ns = worker_clock(worker);
    assert(!worker->now_valid);
    if (now_ns > worker->expected_ns && now_ns - worker->expected_ns > WORKER_LATE_NS) {
        uint64_t overrun_ns = now_ns - worker->expected_ns - WORKER_LATE_NS;
        uint64_t waited_ns = worker->expected_ns - worker->now_ns;
        worker->late_ns += overrun_ns + (waited_ns < overrun_ns ? waited_ns : overrun_ns);
    }
    worker->now_ns = worker->expected_ns = now_ns;
    worker->now_valid = true;
}

void worker_task_init(struct worker_task *task, void (*run)(struct worker_task *task))
{
    *task = (struct worker_task){.run = run};
}

void worker_defer(struct worker *worker, struct worker_task *task)
{
    if (task->link != NULL) {
        return;
    }
    task->next = NULL;
    task->link = worker->tasks_end;
    *worker->tasks_end = task;
    worker->tasks_end = &task->next;
}

void worker_cancel(struct worker *worker, struct worker_task *task)
{
    if (task->link == NULL) {
        return;
    }
    *task->link = task->next;
    if (task->next != NULL) {
        task->next->link = task->link;
    } else if (worker->tasks_end == &task->next) {
        worker->tasks_end = task->link;
    }
    task->link = NULL;
}

void worker_notify(struct worker *worker)
{
    if (worker->control != NULL) {
        (void)uv_async_send(worker->control);
    }
}

/* ---- the report so far --------------------------------------------------------------------- */

void worker_publish_report(struct worker *worker, void *report)
{
    uv_mutex_lock(&worker->lock);
    assert(!worker->has_report);
    worker->report = report;
    worker->has_report = true;
    uv_mutex_unlock(&worker->lock);
    worker_notify(worker);
}

bool worker_has_report(struct worker *worker)
{
    uv_mutex_lock(&worker->lock);
    bool has = worker->has_report;
    uv_mutex_unlock(&worker->lock);
    return has;
}

void *worker_take_report(struct worker *worker)
{
    uv_mutex_lock(&worker->lock);
    void *report = worker->report;
    worker->report = NULL;
    worker->has_report = false;
    uv_mutex_unlock(&worker->lock);
    return report;
}
