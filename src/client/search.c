#include "search.h"

#include <assert.h>
#include <math.h>

#include "util.h"

#define SEARCH_GROWTH 2.0       /* of the rate while it holds; its inverse while it fails */
#define SEARCH_BACKLOG_MAX 0.01 /* of the messages due: the growth that is no growth yet */
#define SEARCH_DISTURBED_TRIES 3
#define SEARCH_NARROW_TRIES 2
#define SEARCH_NARROW 0.5 /* of the share that is needed */

/* What disturbs a step: the client is later than this share of the limit, or waits for a CPU for
 * this share of the time. */
#define SEARCH_LATENESS_MAX 0.5
#define SEARCH_WAITED_MAX 0.05

void search_init(struct search *search, const struct search_plan *plan)
{
    assert(plan->lowest > 0 && plan->lowest <= plan->first && plan->first <= plan->highest);
    assert(plan->percentile > 0 && plan->percentile < 100 && plan->limit_ns > 0);
    search->plan = *plan;
    search->count = 0;
    search->held = 0;
    search->failed = INFINITY;
    search->client_late = false;
}

/* ---- where to go ---------------------------------------------------------------------------- */

enum search_end search_end(const struct search *search)
{
    bool narrow = search->failed <= search->held * (1 + SEARCH_RESOLUTION);
    bool lowest = search->held <= 0 && search->failed <= search->plan.lowest;
    if (search->held >= search->plan.highest) {
        return SEARCH_ALWAYS;
    }
    if ((narrow || lowest) && search->client_late) {
        return SEARCH_CLIENT;
    }
    return narrow ? SEARCH_FOUND : lowest ? SEARCH_NEVER : SEARCH_OPEN;
}

static double search_rate(const struct search *search)
{
    if (search->count > 0 && search->steps[search->count - 1].repeated) {
        return search->steps[search->count - 1].rate;
    }
    if (search->held <= 0 && isinf(search->failed)) {
        return search->plan.first;
    }
    if (isinf(search->failed)) {
        return fmin(search->held * SEARCH_GROWTH, search->plan.highest);
    }
    if (search->held <= 0) {
        return fmax(search->failed / SEARCH_GROWTH, search->plan.lowest);
    }
    return (search->held + search->failed) / 2;
}

bool search_next(const struct search *search, double *rate)
{
    if (search->count == SEARCH_STEPS_MAX || search_end(search) != SEARCH_OPEN) {
        return false;
    }
    *rate = search_rate(search);
    return true;
}

/* ---- how a step went ------------------------------------------------------------------------ */

/* The growth of the backlog in half of the time, as a share of the messages that were due then. A
 * backlog that goes up and down does not grow. */
static double search_growth(const struct search_figures *figures)
{
    const double *backlog = figures->backlog;
    double growth = (backlog[3] - backlog[1]) / ((double)figures->due / 2);
    bool steady = backlog[1] >= backlog[2] || backlog[2] >= backlog[3];
    return steady ? 0 : growth; /* with NAN, nothing is steady */
}

static double search_needed(const struct search *search)
{
    return search->plan.percentile / 100;
}

static bool search_is_narrow(const struct search *search, const struct search_step *step)
{
    return step->share >= search_needed(search) * SEARCH_NARROW;
}

/* Whether the machine explains why the step failed. */
static bool search_is_disturbed(const struct search *search, const struct search_step *step)
{
    double late = (double)step->lateness_ns / (double)search->plan.limit_ns;
    bool waited = step->waited > SEARCH_WAITED_MAX; /* false for NAN */
    return late >= SEARCH_LATENESS_MAX || (waited && search_is_narrow(search, step));
}

static enum search_outcome search_outcome(const struct search *search,
                                          const struct search_step *step,
                                          const struct search_figures *figures)
{
    enum search_outcome outcome = SEARCH_HELD;
    if (step->share < search_needed(search)) {
        outcome = SEARCH_SLOW;
    } else if (step->growth > SEARCH_BACKLOG_MAX) {
        outcome = SEARCH_GROWS;
    } else if (figures->failed) {
        outcome = SEARCH_FAILED;
    }
    bool held = outcome == SEARCH_HELD;
    return !held && search_is_disturbed(search, step) ? SEARCH_DISTURBED : outcome;
}

/* How many steps in a row, up to now, had this rate. */
static size_t search_tries(const struct search *search)
{
    size_t tries = 1;
    while (tries < search->count && search->steps[search->count - 1 - tries].repeated) {
        tries++;
    }
    return tries;
}

static bool search_repeats(const struct search *search, const struct search_step *step)
{
    switch (step->outcome) {
    case SEARCH_DISTURBED:
        return search_tries(search) < SEARCH_DISTURBED_TRIES;
    case SEARCH_SLOW:
        return search_is_narrow(search, step) && search_tries(search) < SEARCH_NARROW_TRIES;
    case SEARCH_GROWS:
    case SEARCH_FAILED:
    case SEARCH_HELD:
    default:
        return false;
    }
}

const struct search_step *search_judge(struct search *search, const struct search_figures *figures)
{
    double rate;
    bool open = search_next(search, &rate);
    assert(open);
    (void)open;
    struct search_step *step = &search->steps[search->count++];
    *step = (struct search_step){
        .rate = rate,
        .share = figures->due > 0 ? (double)figures->in_time / (double)figures->due : 0,
        .growth = search_growth(figures),
        .lateness_ns = figures->lateness_ns,
        .waited = figures->waited};
    step->outcome = search_outcome(search, step, figures);
    step->repeated = search_repeats(search, step);
    if (step->outcome == SEARCH_HELD) {
        search->held = rate;
    } else if (!step->repeated) {
        search->failed = rate;
        search->client_late = step->outcome == SEARCH_DISTURBED;
    }
    return step;
}

uint64_t search_in_time(const struct histogram *latency, uint64_t limit_ns)
{
    struct histogram_bucket bucket;
    size_t position = 0;
    uint64_t count = 0;
    while (histogram_next(latency, &position, &bucket) &&
           (bucket.upper < limit_ns || latency->max < limit_ns)) {
        count += bucket.count;
    }
    return count;
}

/* ---- names ---------------------------------------------------------------------------------- */

const char *search_end_name(enum search_end end)
{
    static const char *const names[] = {"stopped", "found", "never", "always", "client"};
    assert((size_t)end < LENGTH(names));
    return names[end];
}

const char *search_outcome_name(enum search_outcome outcome)
{
    static const char *const names[] = {"held", "slow", "backlog", "failed", "disturbed"};
    assert((size_t)outcome < LENGTH(names));
    return names[outcome];
}
