#include "client_gate.h"

#include <assert.h>

#include "log.h"
#include "utc.h"

void client_gate_init(struct client_gate *gate, struct control *control,
                      const struct client_options *options, void (*open)(void *context),
                      void *context)
{
    *gate = (struct client_gate){.control = control,
                                 .options = options,
                                 .step = GATE_SERVER,
                                 .open = open,
                                 .context = context};
    client_wait_init(&gate->wait, control, options);
}

static void client_gate_open(void *context)
{
    struct client_gate *gate = context;
    gate->step = GATE_OPEN;
    gate->open(gate->context);
}

/* The server is up, or is not waited for. */
static void client_gate_is_ready(struct client_gate *gate)
{
    if (gate->options->start_at == NULL) {
        client_gate_open(gate);
        return;
    }
    gate->step = GATE_START_AT;
    control_show_progress(gate->control);
    client_start_at(&gate->start_at, gate->control, gate->options->start_at_ns, client_gate_open,
                    gate);
}

void client_gate_enter(struct client_gate *gate, struct load *load)
{
    if (gate->options->wait_ns > 0) {
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
    if (gate->step == GATE_START_AT && gate->control->stops == 0) {
        client_start_at_progress(&gate->start_at);
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
    switch (gate->step) {
    case GATE_SERVER:
        client_wait_report(&gate->wait);
        break;
    case GATE_START_AT:
        log_progress("");
        client_gate_end_start_at(gate);
        break;
    case GATE_OPEN:
        break;
    }
}
