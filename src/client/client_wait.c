#include "client_wait.h"

#include <string.h>

#include "log.h"
#include "units.h"

/* The first and the longest pause between two queries for a name, in milliseconds. */
#define CLIENT_WAIT_MIN_MS 50
#define CLIENT_WAIT_MAX_MS 1000

struct client_wait_plan client_wait_for_server(const struct client_options *options)
{
    return (struct client_wait_plan){.option = "--wait",
                                     .host_option = "--host",
                                     .host = options->host,
                                     .port = options->port,
                                     .limit_ns = options->wait_ns};
}

void client_wait_init(struct client_wait *wait, struct control *control,
                      const struct client_wait_plan *plan)
{
    bool brackets = strchr(plan->host, ':') != NULL;
    memset(wait, 0, sizeof(*wait));
    wait->control = control;
    wait->plan = *plan;
    wait->deadline_ns = uv_hrtime() + plan->limit_ns;
    (void)snprintf(wait->name, sizeof(wait->name), brackets ? "[%s]:%s" : "%s:%s", plan->host,
                   plan->port);
}

/* Reports a failed try, unless the last one failed for the same reason. */
static void client_wait_failed(struct client_wait *wait, int status)
{
    if (status != wait->status) {
        log_message("waiting for %s: %s", wait->name, uv_strerror(status));
        wait->status = status;
    }
}

static void client_wait_late(struct client_wait *wait)
{
    char time[UNITS_TEXT_SIZE];
    wait->late = true;
    log_message("%s: %s is not up after %s: %s", wait->plan.option, wait->name,
                units_exact_duration(time, sizeof(time), wait->plan.limit_ns),
                wait->status == 0 ? "no answer" : uv_strerror(wait->status));
}

void client_wait_report(const struct client_wait *wait)
{
    if (!wait->late && wait->control->stops > 0) {
        log_message("%s: told to end before %s was up: %s", wait->plan.option, wait->name,
                    wait->status == 0 ? "no answer" : uv_strerror(wait->status));
    }
}

/* ---- its name ------------------------------------------------------------------------------ */

/* Whether a later query may find the name. */
static bool client_wait_may_resolve(int status)
{
    return status == UV_EAI_NONAME || status == UV_EAI_NODATA || status == UV_EAI_AGAIN ||
           status == UV_EAI_FAIL;
}

static uint64_t client_wait_left_ms(const struct client_wait *wait)
{
    uint64_t now_ns = uv_hrtime();
    uint64_t left_ns = wait->deadline_ns > now_ns ? wait->deadline_ns - now_ns : 0;
    return (left_ns + NS_PER_MS - 1) / NS_PER_MS;
}

/* Pauses after a query that failed with `status`. 0: try again; or `status`, which has been
 * reported. */
static int client_wait_pause(struct client_wait *wait, int status, uint64_t pause_ms)
{
    uint64_t left_ms = client_wait_left_ms(wait);
    if (wait->plan.limit_ns == 0 || !client_wait_may_resolve(status)) {
        control_resolve_failed(wait->plan.host_option, wait->plan.host, wait->plan.port, status);
        return status;
    }
    client_wait_failed(wait, status);
    if (left_ms == 0) {
        client_wait_late(wait);
        return status;
    }
    control_pause(wait->control, pause_ms < left_ms ? pause_ms : left_ms);
    return 0;
}

int client_wait_resolve(struct client_wait *wait, struct net_resolution *resolution)
{
    const struct client_wait_plan *plan = &wait->plan;
    uint64_t pause_ms = CLIENT_WAIT_MIN_MS;
    for (;;) {
        int status =
            control_resolve(wait->control, resolution, plan->host, plan->port, plan->passive);
        if (status == UV_ECANCELED && wait->status != 0) {
            client_wait_report(wait);
        } else if (status == UV_ECANCELED) {
            log_message("told to end before the address of '%s' was found", plan->host);
        }
        if (status == 0 || status == UV_ECANCELED) {
            return status;
        }
        status = client_wait_pause(wait, status, pause_ms);
        if (status != 0) {
            return status;
        }
        pause_ms = pause_ms * 2 < CLIENT_WAIT_MAX_MS ? pause_ms * 2 : CLIENT_WAIT_MAX_MS;
    }
}

/* ---- a connection -------------------------------------------------------------------------- */

static void client_wait_on_time(uv_timer_t *timer)
{
    struct client_wait *wait = timer->data;
    client_wait_late(wait);
    crew_post(&wait->control->crew, WORKER_ABORT);
}

void client_wait_reach(struct client_wait *wait, struct load *load)
{
    wait->load = load;
    (void)uv_timer_init(&wait->control->loop, &wait->timer);
    wait->timer.data = wait;
    (void)uv_timer_start(&wait->timer, client_wait_on_time, client_wait_left_ms(wait), 0);
    worker_post(&load->worker, WORKER_REACH);
}

bool client_wait_is_over(struct client_wait *wait)
{
    if (wait->load == NULL) {
        return false;
    }
    uv_mutex_lock(&wait->load->worker.lock);
    struct load_reach reach = wait->load->reach;
    uv_mutex_unlock(&wait->load->worker.lock);
    if (wait->late || wait->control->stops > 0) {
        return false; /* the workers are ending */
    }
    if (!reach.up && reach.status != 0) {
        client_wait_failed(wait, reach.status);
    }
    if (reach.up) {
        (void)uv_timer_stop(&wait->timer);
    }
    return reach.up;
}
