#include "client_barrier.h"

#include <stdio.h>

#include "log.h"

/* With --barrier-timeout 0 a name is waited for as long as a run can take. */
#define BARRIER_EVER_NS (365 * NS_PER_DAY)

static bool is_host(const struct client_options *options)
{
    return options->share.rank == 0;
}

int client_barrier_resolve(struct client_barrier *barrier, struct control *control,
                           const struct client_options *options)
{
    bool listens = is_host(options) && options->barrier_listen != NULL;
    const struct client_place *place = listens ? &options->listen_at : &options->barrier_at;
    const struct client_wait_plan wait = {
        .option = "--barrier-timeout",
        .host_option = listens ? "--barrier-listen" : "--barrier",
        .host = place->host,
        .port = place->port,
        .passive = listens,
        .limit_ns = options->barrier_timeout_ns > 0 ? options->barrier_timeout_ns : BARRIER_EVER_NS,
    };
    client_wait_init(&barrier->wait, control, &wait);
    barrier->plan.loop = &control->loop;
    barrier->plan.options = options;
    barrier->plan.name = barrier->wait.name;
    return client_wait_resolve(&barrier->wait, &barrier->resolution);
}

bool client_barrier_open(struct client_barrier *barrier, uint64_t run_id,
                         void (*begin)(void *context, uint64_t at_ns, uint64_t run_id),
                         void (*failed)(void *context), void *context)
{
    struct barrier_plan *plan = &barrier->plan;
    plan->addresses = barrier->resolution.addresses;
    plan->address_count = barrier->resolution.count;
    plan->begin = begin;
    plan->failed = failed;
    plan->context = context;
    return !is_host(plan->options) || barrier_host_open(&barrier->host, plan, run_id) == 0;
}

void client_barrier_ready(struct client_barrier *barrier)
{
    if (is_host(barrier->plan.options)) {
        barrier_host_ready(&barrier->host);
    } else {
        barrier_guest_open(&barrier->guest, &barrier->plan);
    }
}

void client_barrier_progress(const struct client_barrier *barrier)
{
    char text[BARRIER_AWAITED_TEXT + 16];
    char awaited[BARRIER_AWAITED_TEXT];
    if (barrier->host.open) {
        barrier_book_awaited(&barrier->host.book, awaited);
        (void)snprintf(text, sizeof(text), "waiting for %s", awaited);
        log_progress(text);
    } else if (barrier->guest.open) {
        log_progress(barrier->guest.joined ? "waiting for the other ranks" : "waiting for rank 0");
    }
}

void client_barrier_end(struct client_barrier *barrier)
{
    bool open = barrier->host.open || barrier->guest.open;
    bool stopped = open && barrier->wait.control->stops > 0;
    if (stopped) {
        log_message("--barrier: told to end before all clients were there");
    }
    barrier_host_end(&barrier->host, stopped ? "it was told to end"
                                             : "it could not begin; its own messages say why");
    barrier_guest_close(&barrier->guest);
}

void client_barrier_free(struct client_barrier *barrier)
{
    net_resolution_free(&barrier->resolution);
}
