#include "trust.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "units.h"

/* A smaller change from one look to the next is no step: the clocks are not read at once, and a
 * clock that is disciplined runs a little too fast or too slow. */
#define CLOCK_STEP_NS 50000000

/* Below this a client is never called late. */
#define LATENESS_NS_MIN 100000

/* Per cent, for people. */
static double percent(double share)
{
    return 100 * share;
}

static struct trust_finding *find(struct trust *trust, enum trust_class class)
{
    assert(trust->count < TRUST_FINDINGS_MAX);
    struct trust_finding *finding = &trust->findings[trust->count++];
    *finding = (struct trust_finding){.class = class};
    return finding;
}

/* The longest run of a worker. */
static uint64_t find_run_ns(const struct trust_run *run)
{
    uint64_t longest_ns = 0;
    for (size_t i = 0; i < run->strain_count; i++) {
        uint64_t run_ns = run->strains[i].run_ns;
        longest_ns = run_ns > longest_ns ? run_ns : longest_ns;
    }
    return longest_ns;
}

/* ---- the client ---------------------------------------------------------------------------- */

static void judge_busy(const struct trust_run *run, struct trust *trust)
{
    size_t busiest = 0;
    trust->busy_share_max = NAN;
    for (size_t i = 0; i < run->strain_count; i++) {
        double share = strain_busy_share(&run->strains[i]);
        if (!isnan(share) && !(share <= trust->busy_share_max)) {
            trust->busy_share_max = share;
            busiest = i;
        }
    }
    if (trust->busy_share_max > TRUST_BUSY_SHARE && find_run_ns(run) >= TRUST_RUN_NS_MIN) {
        (void)snprintf(find(trust, TRUST_CLIENT_BOUND)->text, TRUST_TEXT,
                       "client-bound: its thread %zu was busy for %.0f %% of the time, so the "
                       "client may be the bottleneck; use more threads (-t)",
                       busiest, percent(trust->busy_share_max));
    }
}

static double share_of(uint64_t count, uint64_t whole)
{
    return whole > 0 ? (double)count / (double)whole : 0;
}

/* Whether the client's own lateness shows in the latency. */
static bool is_lateness_large(const struct trust_run *run, const struct trust *trust,
                              uint64_t *lateness_ns)
{
    if (run->lateness == NULL || run->lateness->count == 0) {
        return false;
    }
    *lateness_ns = histogram_percentile(run->lateness, 99);
    return *lateness_ns > LATENESS_NS_MIN && *lateness_ns > trust->p99.value_ns / 10;
}

static void judge_schedule(const struct trust_run *run, struct trust *trust)
{
    uint64_t due = run->begun + run->unsent;
    uint64_t lateness_ns;
    char text[UNITS_TEXT_SIZE];
    if (!run->scheduled || due < TRUST_DUE_MIN) {
        return;
    }
    if (share_of(run->late, due) > TRUST_LATE_SHARE) {
        (void)snprintf(find(trust, TRUST_LATE)->text, TRUST_TEXT,
                       "the client was late: it gave out %.1f %% of the schedule late or not at "
                       "all; use more threads (-t) or a lower --rate",
                       percent(share_of(run->late, due)));
    } else if (is_lateness_large(run, trust, &lateness_ns)) {
        (void)snprintf(find(trust, TRUST_LATE)->text, TRUST_TEXT,
                       "the client was late: it gave out 1 %% of the messages %s or more after "
                       "they were due, which the latency includes",
                       units_format_duration(text, sizeof(text), lateness_ns));
    }
    if (share_of(run->unsent, due) > TRUST_LATE_SHARE && run->blocked > run->late) {
        (void)snprintf(find(trust, TRUST_SATURATED)->text, TRUST_TEXT,
                       "saturated: the server did not keep up with --rate, %.1f %% of the schedule "
                       "never began; the latency grows with the length of the run",
                       percent(share_of(run->unsent, due)));
    }
}

/* ---- the halves of the run ----------------------------------------------------------------- */

/* By how much the intervals differ at least, as a share of the first value. */
static double gap_share(double low1, double high1, double low2, double high2, double value)
{
    double gap = fmax(low2 - high1, low1 - high2);
    return value > 0 && gap > 0 ? gap / value : 0;
}

static bool has_latency_drifted(const struct batches *batches, struct trust *trust)
{
    struct precision one;
    struct precision two;
    char first[UNITS_TEXT_SIZE];
    char second[UNITS_TEXT_SIZE];
    size_t half = batches->count / 2;
    precision_estimate(batches, 0, half, 50, &one);
    precision_estimate(batches, batches->count - half, half, 50, &two);
    if (!one.known || !two.known ||
        gap_share((double)one.low_ns, (double)one.high_ns, (double)two.low_ns, (double)two.high_ns,
                  (double)one.value_ns) <= TRUST_DRIFT_SHARE) {
        return false;
    }
    (void)snprintf(find(trust, TRUST_DRIFT)->text, TRUST_TEXT,
                   "drift: p50 was %s in the first half of the run and %s in the second; warm up "
                   "longer, or look for what changes",
                   units_format_duration(first, sizeof(first), one.value_ns),
                   units_format_duration(second, sizeof(second), two.value_ns));
    return true;
}

static void judge_rate_drift(const struct batches *batches, struct trust *trust)
{
    double low1;
    double high1;
    double low2;
    double high2;
    char first[UNITS_TEXT_SIZE];
    char second[UNITS_TEXT_SIZE];
    size_t half = batches->count / 2;
    precision_rate(batches, 0, half, &low1, &high1);
    precision_rate(batches, batches->count - half, half, &low2, &high2);
    double one = (low1 + high1) / 2;
    double two = (low2 + high2) / 2;
    if (gap_share(low1, high1, low2, high2, one) > TRUST_DRIFT_SHARE) {
        (void)snprintf(find(trust, TRUST_DRIFT)->text, TRUST_TEXT,
                       "drift: the rate was %s in the first half of the run and %s in the second; "
                       "warm up longer, or look for what changes",
                       units_format_rate(first, sizeof(first), one),
                       units_format_rate(second, sizeof(second), two));
    }
}

static void judge_drift(const struct trust_run *run, struct trust *trust)
{
    if (run->batches->count >= 2 * PRECISION_BATCHES_MIN &&
        !has_latency_drifted(run->batches, trust)) {
        judge_rate_drift(run->batches, trust);
    }
}

static void judge_dependence(struct trust *trust)
{
    if (trust->p99.known && (trust->p50.dependent || trust->p99.dependent)) {
        (void)snprintf(find(trust, TRUST_DEPENDENT)->text, TRUST_TEXT,
                       "dependent: slow times last longer than a sixteenth of the run, so the "
                       "interval may be too narrow; measure longer");
    }
}

/* ---- the machine --------------------------------------------------------------------------- */

/* The worker that waited longest for a CPU; NULL: not known. */
static const struct strain *find_longest_wait(const struct trust_run *run)
{
    const struct strain *longest = NULL;
    for (size_t i = 0; i < run->strain_count; i++) {
        const struct strain *strain = &run->strains[i];
        bool longer = longest == NULL || strain->wait_ns > longest->wait_ns;
        longest = strain->wait_ns != STRAIN_UNKNOWN && longer ? strain : longest;
    }
    return longest;
}

/* A thread that mostly sleeps may wait for a small share of the time, but before each message. */
static bool is_wait_long(double waited, const struct strain *strain)
{
    return waited > TRUST_WAIT_SHARE ||
           (waited > TRUST_WAIT_LEAST && strain->wait_ns > strain->cpu_ns);
}

/* The share of the run, 0 if that can't be judged. */
static double run_share(const struct trust_run *run, uint64_t ns)
{
    uint64_t run_ns = find_run_ns(run);
    return ns != TRUST_UNKNOWN && run_ns >= TRUST_RUN_NS_MIN ? share_of(ns, run_ns) : 0;
}

/* Threads that share CPUs wait for each other, though no other program runs. */
static void find_waiting(const struct trust_run *run, double waited, struct trust *trust)
{
    struct trust_finding *finding = find(trust, TRUST_BUSY_MACHINE);
    int used =
        snprintf(finding->text, TRUST_TEXT,
                 "busy machine: a thread of the client waited for a free CPU for %.0f %% of the "
                 "time; ",
                 percent(waited));
    char *advice = finding->text + used;
    size_t size = TRUST_TEXT - (size_t)used;
    assert(used > 0 && used < TRUST_TEXT);
    if (run->strain_count > run->cpus) {
        (void)snprintf(advice, size, "its %s share %s, so use fewer (-t)",
                       units_counted(run->strain_count, "thread").text,
                       units_counted(run->cpus, "CPU").text);
    } else {
        (void)snprintf(advice, size,
                       "stop other programs, or give the client CPUs of its own (--cpus)");
    }
}

static void judge_machine(const struct trust_run *run, struct trust *trust)
{
    double stolen = run_share(run, run->steal_ns);
    trust->steal_ns = run->steal_ns;
    const struct strain *strain = find_longest_wait(run);
    trust->wait_ns = strain != NULL ? strain->wait_ns : TRUST_UNKNOWN;
    double waited = run_share(run, trust->wait_ns);
    if (stolen > TRUST_STEAL_SHARE) {
        (void)snprintf(find(trust, TRUST_BUSY_MACHINE)->text, TRUST_TEXT,
                       "busy machine: the hypervisor took away %.1f %% of the CPUs' time",
                       percent(stolen));
    } else if (is_wait_long(waited, strain)) {
        find_waiting(run, waited, trust);
    }
}

void trust_look_at_clock(struct trust_clock *clock, int64_t ahead_ns)
{
    int64_t step_ns = clock->known ? ahead_ns - clock->ahead_ns : 0;
    if (llabs(step_ns) > llabs(clock->step_ns)) {
        clock->step_ns = step_ns;
    }
    clock->ahead_ns = ahead_ns;
    clock->known = true;
}

static void judge_clock(const struct trust_run *run, struct trust *trust)
{
    uint64_t size_ns = (uint64_t)llabs(run->clock_step_ns);
    char text[UNITS_TEXT_SIZE];
    if (size_ns <= CLOCK_STEP_NS) {
        return;
    }
    trust->step_seconds = (double)run->clock_step_ns / 1e9;
    (void)snprintf(find(trust, TRUST_CLOCK_STEP)->text, TRUST_TEXT,
                   "clock step: the time of day was set %s by %s during the run; times of day in "
                   "the report are wrong, latencies are not",
                   run->clock_step_ns > 0 ? "forward" : "back",
                   units_format_duration(text, sizeof(text), size_ns));
}

/* ---- the judgement ------------------------------------------------------------------------- */

void trust_judge(const struct trust_run *run, struct trust *trust)
{
    *trust = (struct trust){.count = 0};
    precision_estimate(run->batches, 0, run->batches->count, 50, &trust->p50);
    precision_estimate(run->batches, 0, run->batches->count, 99, &trust->p99);
    judge_busy(run, trust);
    judge_schedule(run, trust);
    judge_drift(run, trust);
    judge_dependence(trust);
    judge_machine(run, trust);
    judge_clock(run, trust);
    if (!trust->p99.known) {
        (void)snprintf(find(trust, TRUST_TOO_FEW)->text, TRUST_TEXT, "cannot tell: %s",
                       trust->p99.why);
    }
}

const char *trust_class_name(enum trust_class class)
{
    static const char *const names[TRUST_CLASSES] = {"client_bound", "late",      "saturated",
                                                     "drift",        "dependent", "busy_machine",
                                                     "clock_step",   "too_few",   "apart"};
    assert(class < TRUST_CLASSES);
    return names[class];
}

/* ---- text ---------------------------------------------------------------------------------- */

static void text_interval(const struct precision *precision, struct text *out)
{
    char low[UNITS_TEXT_SIZE];
    char high[UNITS_TEXT_SIZE];
    text_printf(out, "p%g within %s to %s (%g %%)", precision->percentile,
                units_format_duration(low, sizeof(low), precision->low_ns),
                units_format_duration(high, sizeof(high), precision->high_ns),
                percent(PRECISION_CONFIDENCE));
}

/* Says so if the messages depend on each other. */
static void text_effective(const struct precision *precision, struct text *out)
{
    char worth[UNITS_TEXT_SIZE];
    if (precision->effective < (double)precision->messages / 2) {
        text_printf(out, ", %s worth %s independent ones",
                    units_counted(precision->messages, "message").text,
                    units_format_grouped(worth, sizeof(worth), (uint64_t)precision->effective));
    }
}

void trust_text(const struct trust *trust, struct text *out)
{
    text_printf(out, "  trust        ");
    if (trust->p99.known) {
        text_interval(&trust->p99, out);
        text_effective(&trust->p99, out);
    } else if (trust->p50.known) {
        text_interval(&trust->p50, out);
    } else {
        text_printf(out, "no interval of p50 or p99");
    }
    text_printf(out, "%s\n", trust->count == 0 ? "; nothing disturbed the run" : "");
    for (size_t i = 0; i < trust->count; i++) {
        text_printf(out, "  doubt        %s\n", trust->findings[i].text);
    }
}

/* ---- JSON ---------------------------------------------------------------------------------- */

static void json_interval(struct json *json, const char *key, const struct precision *precision)
{
    if (!precision->known) {
        json_null(json, key);
        return;
    }
    json_object(json, key);
    json_uint(json, "low", precision->low_ns);
    json_uint(json, "high", precision->high_ns);
    json_double(json, "confidence", PRECISION_CONFIDENCE);
    json_end_object(json);
}

static void json_seconds(struct json *json, const char *key, uint64_t ns)
{
    json_double(json, key, ns == TRUST_UNKNOWN ? NAN : (double)ns / 1e9);
}

void trust_json(const struct trust *trust, struct json *json)
{
    json_object(json, "trust");
    json_bool(json, "ok", trust->count == 0);
    json_array(json, "findings");
    for (size_t i = 0; i < trust->count; i++) {
        json_object(json, NULL);
        json_string(json, "class", trust_class_name(trust->findings[i].class));
        json_string(json, "text", trust->findings[i].text);
        json_end_object(json);
    }
    json_end_array(json);
    json_interval(json, "p50", &trust->p50);
    json_interval(json, "p99", &trust->p99);
    json_uint(json, "samples", trust->p99.messages);
    json_uint(json, "samples_effective", (uint64_t)trust->p99.effective);
    json_double(json, "correlation", trust->p99.correlation);
    json_double(json, "busy_share_max", trust->busy_share_max);
    json_seconds(json, "run_queue_wait_seconds", trust->wait_ns);
    json_seconds(json, "steal_seconds", trust->steal_ns);
    json_double(json, "clock_step_seconds", trust->step_seconds);
    json_end_object(json);
}
