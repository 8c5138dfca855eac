#include "client_hostile.h"

#include <stdlib.h>

#include "units.h"

/* --hostile-from of an endless run. */
#define HOSTILE_FROM_NS (5 * NS_PER_S)

/* ---- options ------------------------------------------------------------------------------- */

static int check_hostile_modes(const struct client_options *options, struct option_error *error)
{
    struct hostile_group group;
    char why[HOSTILE_WHY];

    if (options->hostile.count > 0 && options->find_rate != NULL) {
        return option_fail(&client_program, error, "--hostile",
                           "'%s' has no place in the short runs of --find-rate; give one of them",
                           options->hostile.items[0]);
    }
    for (size_t i = 0; i < options->hostile.count; i++) {
        if (hostile_parse(options->hostile.items[i], &group, why) != 0) {
            return option_fail(&client_program, error, "--hostile", "%s", why);
        }
    }
    return 0;
}

/* Half of the measured time. */
static uint64_t default_hostile_from(const struct client_options *options)
{
    if (options->hostile.count == 0) {
        return 0;
    }
    return options->duration_ns == 0 ? HOSTILE_FROM_NS
                                     : options->warmup_ns / 2 + options->duration_ns / 2;
}

static int check_hostile_from(struct client_options *options, struct option_error *error)
{
    char from[UNITS_TEXT_SIZE];
    char duration[UNITS_TEXT_SIZE];

    if (options->hostile_from_ns == UINT64_MAX) {
        options->hostile_from_ns = default_hostile_from(options);
        return 0;
    }
    (void)units_exact_duration(from, sizeof from, options->hostile_from_ns);
    if (options->hostile.count == 0) {
        return option_fail(&client_program, error, "--hostile-from",
                           "'%s' has no effect; it takes a --hostile, too", from);
    }
    if (options->duration_ns == 0 || options->hostile_from_ns < options->duration_ns) {
        return 0;
    }
    return option_fail(&client_program, error, "--hostile-from",
                       "'%s' is out of range; it takes less than %s here, the --duration", from,
                       units_exact_duration(duration, sizeof duration, options->duration_ns));
}

int client_hostile_check(struct client_options *options, struct option_error *error)
{
    int result = check_hostile_modes(options, error);
    return result == 0 ? check_hostile_from(options, error) : result;
}

uint64_t client_hostile_count(const struct client_options *options)
{
    uint64_t count = 0;
    for (size_t i = 0; i < options->hostile.count; i++) {
        struct hostile_group group = {0};
        char why[HOSTILE_WHY];
        (void)hostile_parse(options->hostile.items[i], &group, why); /* has been checked */
        count += group.count;
    }
    return count;
}

/* ---- crew ---------------------------------------------------------------------------------- */

int client_hostile_add(struct hostile *hostile, struct crew *crew,
                       const struct client_options *options, const struct load_plan *plan,
                       const struct crew_plan *base)
{
    const struct option_strings *texts = &options->hostile;
    struct hostile_group groups[OPTION_STRINGS_MAX];
    struct crew_plan own = *base;
    char why[HOSTILE_WHY];
    if (texts->count == 0) {
        return 0;
    }
    for (size_t i = 0; i < texts->count; i++) {
        (void)hostile_parse(texts->items[i], &groups[i], why); /* has been checked */
    }
    own.role = &hostile_role;
    own.io_config.buffer_size = HOSTILE_BUFFER;
    own.io_config.buffer_memory = HOSTILE_BUFFER_MEMORY;
    int status = hostile_init(hostile, plan, groups, texts->count, options->hostile_from_ns);
    if (status == 0) {
        crew_add(crew, &own, &hostile->worker);
    }
    return status;
}

/* ---- report -------------------------------------------------------------------------------- */

/* The published result, or that of a worker that has ended. NULL: there is no memory. */
static struct hostile_result *client_hostile_take(struct hostile *hostile)
{
    struct hostile_result *published = worker_take_report(&hostile->worker);
    if (hostile->worker.running) {
        return published;
    }
    free(published);
    return hostile_result(hostile);
}

const struct hostile_report *client_hostile_report(struct hostile *hostile, const struct crew *crew,
                                                   const struct client_sum *sum,
                                                   struct hostile_report *report)
{
    *report = (struct hostile_report){.result = NULL};
    if (crew->companion == NULL) {
        return NULL;
    }
    uint64_t from_ns = hostile->plan->began_ns + hostile->from_ns;
    uint64_t start_ns = sum->from_ns < sum->until_ns ? sum->from_ns : sum->until_ns;
    uint64_t middle_ns = from_ns < sum->until_ns ? from_ns : sum->until_ns;
    middle_ns = middle_ns > start_ns ? middle_ns : start_ns;
    report->result = client_hostile_take(hostile);
    report->from_ns = hostile->from_ns;
    report->before = (struct hostile_part){.latency = &sum->stats->latency_before,
                                           .seconds = (double)(middle_ns - start_ns) / 1e9};
    report->beside = (struct hostile_part){.latency = &sum->stats->latency_beside,
                                           .seconds = (double)(sum->until_ns - middle_ns) / 1e9};
    return report;
}
