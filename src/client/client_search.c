/* --find-rate: each step of the search is a whole run of the client. */

#include "client_internal.h"

#include <math.h>

#include "log.h"

/* The longest share of its time that a worker was ready and had no CPU; NAN: not known. */
static double client_waited(const struct client *client)
{
    double most = NAN;
    for (size_t i = 0; i < client->control.crew.count; i++) {
        const struct strain *strain = &client_load(client, i)->strain;
        if (strain->run_ns > 0 && strain->wait_ns != STRAIN_UNKNOWN) {
            most = fmax(most, (double)strain->wait_ns / (double)strain->run_ns);
        }
    }
    return most;
}

/* What a step measured. Messages without an answer were due, too. */
static struct search_figures client_figures(const struct client *client,
                                            const struct client_stats *stats, bool ok)
{
    const struct search_plan *plan = &client->find.search.plan;
    struct search_figures figures = {
        .due = stats->latency.count + stats->unsent + stats->counters.unanswered_messages +
               stats->counters.drained_messages,
        .in_time = search_in_time(&stats->latency, plan->limit_ns),
        .lateness_ns = histogram_percentile(&stats->lateness, plan->percentile),
        .waited = client_waited(client),
        .failed = !ok,
    };
    backlog_means(&client->backlog, figures.backlog);
    return figures;
}

/* Whether a run may fail in this way because of its rate, or because the user has stopped it. */
static bool client_explains(enum verdict_class class, bool stopped)
{
    return class == VERDICT_RATE || class == VERDICT_TIMEOUT || class == VERDICT_UNANSWERED ||
           (stopped && class == VERDICT_NOT_UP);
}

/* Whether the run failed in a way that a lower rate would not change. */
static bool client_is_broken(const struct client *client, const struct verdict *verdict)
{
    bool broken = client->control.crew.failed;
    for (size_t i = 0; i < verdict->count && !broken; i++) {
        broken = !client_explains(verdict->failures[i].class, client->control.stops > 0);
    }
    return broken;
}

/* The figures and the outputs of a step that has ended. */
static enum find_rate_end client_end_step(struct client *client, struct search_figures *figures)
{
    struct client_sum sum;
    struct verdict verdict;
    if (!client_sum_ended(client, &sum)) {
        return FIND_RATE_BROKEN;
    }
    client_make_outputs(client, &sum, &client->step);
    client_judge_sum(client, &sum, &verdict);
    *figures = client_figures(client, sum.stats, verdict.ok);
    client_sum_free(&sum);
    return client_is_broken(client, &verdict) ? FIND_RATE_BROKEN
           : client->control.stops > 0        ? FIND_RATE_STOPPED
                                              : FIND_RATE_MEASURED;
}

/* Runs a step. A find_rate_runner. */
static enum find_rate_end client_run_step(void *context, double rate,
                                          struct search_figures *figures)
{
    struct client *client = context;
    bool first = !client->step.made && !client->outputs.made;
    client->step_options.rate = client->step_options.whole.rate = rate;
    backlog_init(&client->backlog, client->options->warmup_ns, client->options->duration_ns);
    client_free_run(client);
    client_once(client, first);
    if (client->control.begun) {
        return client_end_step(client, figures);
    }
    return client->control.stops > 0 && !first ? FIND_RATE_STOPPED : FIND_RATE_BROKEN;
}

/* The report at the end is that of the last step that held. */
static void client_on_judged(void *context, const struct search_step *step)
{
    struct client *client = context;
    if (step->outcome == SEARCH_HELD) {
        client_outputs_free(&client->outputs);
        client->outputs = client->step;
        client->step = (struct client_outputs){0};
        client->outputs.json.out = &client->outputs.json_text;
    }
}

int client_find_rate(struct client *client)
{
    const struct find_rate_runner runner = {client_run_step, client_on_judged, client};
    const struct client_options *options = client->options;
    client->searches = true;
    client->step_options = *options;
    client->options = &client->step_options;
    find_rate_init(&client->find, options->find_rate, options->rate,
                   options->duration_ns - options->warmup_ns);
    find_rate_run(&client->find, &runner);
    struct client_outputs *outputs =
        client->outputs.made && !client->find.broken ? &client->outputs : &client->step;
    int code = find_rate_code(&client->find);
    if (code == 0) {
        code = outputs->code;
    }
    log_progress("");
    if (outputs->made) {
        client_outputs_print(outputs, options, &client->find);
    }
    return code;
}
