#include "client_gate.h"

#include <assert.h>

#include "log.h"
#include "utc.h"

void client_gate_init(struct client_gate *gate, struct control *control,
                      const struct client_options *options, void (*open)(void *context),
                      void *context)
{
    const struct client_wait_plan wait = client_wait_for_server(options);
    *gate = (struct client_gate){.control = control,
                                 .options = options,
                                 .step = GATE_SERVER,
                                 .open = open,
                                 .context = context};
    client_wait_init(&gate->wait, control, &wait);
}

int client_gate_resolve(struct client_gate *gate, struct net_resolution *resolution)
{
    int status = client_wait_resolve(&gate->wait, resolution);
    if (status == 0 && gate->options->barrier != NULL) {
        status = client_barrier_resolve(&gate->barrier, gate->control, gate->options);
    }
    return status;
}

static void client_gate_open(void *context)
{
    struct client_gate *gate = context;
    gate->step = GATE_OPEN;
    gate->open(gate->context);
}

static void client_gate_on_moment(void *context)
{
    struct client_gate *gate = context;
    if (gate->control->stops == 0) { /* otherwise the workers are ending */
        client_gate_open(gate);
    }
}

static void client_gate_on_barrier(void *context, uint64_t at_ns, uint64_t run_id)
{
    struct client_gate *gate = context;
    gate->step = GATE_MOMENT;
    *gate->run_id = run_id;
    moment_await(&gate->moment, &gate->control->loop, at_ns, client_gate_on_moment, gate);
}

static void client_gate_failed(void *context)
{
    struct client_gate *gate = context;
    crew_post(&gate->control->crew, WORKER_ABORT);
}

/* The server is up, or is not waited for. */
static void client_gate_is_ready(struct client_gate *gate)
{
    const struct client_options *options = gate->options;
    if (options->start_at != NULL) {
        gate->step = GATE_START_AT;
        control_show_progress(gate->control);
        client_start_at(&gate->start_at, gate->control, options->start_at_ns, client_gate_open,
                        gate);
    } else if (options->barrier != NULL) {
        gate->step = GATE_BARRIER;
        control_show_progress(gate->control);
        client_barrier_ready(&gate->barrier);
    } else {
        client_gate_open(gate);
    }
}

void client_gate_enter(struct client_gate *gate, struct load *load, uint64_t *run_id)
{
    gate->run_id = run_id;
    if (gate->options->barrier != NULL &&
        !client_barrier_open(&gate->barrier, *run_id, client_gate_on_barrier, client_gate_failed,
                             gate)) {
        client_gate_failed(gate);
    } else if (gate->options->wait_ns > 0) {
        client_wait_reach(&gate->wait, load);
    } else {
        client_gate_is_ready(gate);
    }
}

void client_gate_on_news(struct client_gate *gate)
{
    if (gate->step == GATE_SERVER && client_wait_is_over(&gate->wait)) {
        client_gate_is_ready(gate);
    }
}

void client_gate_progress(const struct client_gate *gate)
{
    if (gate->control->stops > 0) {
        return;
    }
    if (gate->step == GATE_START_AT) {
        client_start_at_progress(&gate->start_at);
    } else if (gate->step == GATE_BARRIER) {
        client_barrier_progress(&gate->barrier);
    }
}

static void client_gate_end_start_at(struct client_gate *gate)
{
    char time[UTC_TEXT_SIZE];
    client_start_at_end(&gate->start_at);
    if (!gate->start_at.late && gate->control->stops > 0) {
        log_message("--start-at: told to end before %s",
                    utc_format(time, sizeof(time), gate->options->start_at_ns));
    }
}

void client_gate_end(struct client_gate *gate)
{
    log_progress("");
    switch (gate->step) {
    case GATE_SERVER:
        client_wait_report(&gate->wait);
        break;
    case GATE_START_AT:
        client_gate_end_start_at(gate);
        break;
    case GATE_MOMENT:
        if (gate->control->stops > 0) {
            log_message("--barrier: told to end before the start");
        }
        break;
    case GATE_BARRIER:
    case GATE_OPEN:
        break;
    }
    moment_cancel(&gate->moment);
    client_barrier_end(&gate->barrier);
}

void client_gate_free(struct client_gate *gate)
{
    client_barrier_free(&gate->barrier);
}
