#include "client_trust.h"

#include <stdlib.h>

#include "load.h"
#include "log.h"
#include "sys.h"
#include "util.h"

/* A look at both clocks that takes longer was interrupted between them, and says nothing. */
#define LOOK_NS_MAX UINT64_C(10000000)

static void look_at_clock(struct trust_clock *clock)
{
    uv_timeval64_t now;
    uint64_t before_ns = uv_hrtime();
    int status = uv_gettimeofday(&now);
    if (status == 0 && uv_hrtime() - before_ns <= LOOK_NS_MAX) {
        int64_t time_ns = now.tv_sec * (int64_t)NS_PER_S + now.tv_usec * (int64_t)NS_PER_US;
        trust_look_at_clock(clock, time_ns - (int64_t)before_ns);
    }
}

bool client_trust_init(struct client_trust *trust, const struct client_options *options)
{
    *trust = (struct client_trust){.options = options, .steal_ns = TRUST_UNKNOWN};
    until_init(&trust->until, options->until);
    if (!batches_init(&trust->batches)) {
        log_message("out of memory: cannot keep the latencies of the run");
        return false;
    }
    return true;
}

void client_trust_free(struct client_trust *trust)
{
    batches_free(&trust->batches);
}

void client_trust_begin(struct client_trust *trust)
{
    trust->steal_ns = sys_steal_ns();
    look_at_clock(&trust->clock);
}

/* What is answered after the measured time belongs to its last batch. A run that is shorter than a
 * slice has only that. */
void client_trust_on_slice(void *context, const struct slice *slice)
{
    struct client_trust *trust = context;
    struct batches *batches = &trust->batches;
    bool measured = slice->phase == SLICE_MEASURED;
    look_at_clock(&trust->clock);
    if (measured || (slice->phase == SLICE_AFTER && batches->count == 0)) {
        batches_add(batches, slice->from_ns, slice->until_ns, slice->messages, &slice->latency);
    } else if (slice->phase == SLICE_AFTER) {
        batches_add_latency(batches, &slice->latency);
    }
    if (measured && batches->filled == batches->slices) {
        until_look(&trust->until, batches);
    }
}

/* Copies what the workers did. Without memory nothing is known of them. */
static struct strain *copy_strains(const struct crew *crew)
{
    struct strain *strains = calloc(crew->count, sizeof(*strains));
    for (size_t i = 0; strains != NULL && i < crew->count; i++) {
        const struct load *load = (const struct load *)(const void *)crew_worker(crew, i);
        strains[i] = load->strain;
    }
    return strains;
}

/* How many CPUs the workers may use. */
static size_t count_cpus(const struct client_options *options)
{
    return options->cpus.count > 0 ? options->cpus.count : sys_cpu_count();
}

void client_trust_judge(struct client_trust *trust, const struct crew *crew,
                        const struct client_stats *stats, double rate, struct trust *judged)
{
    struct strain *strains = copy_strains(crew);
    uint64_t steal_ns = sys_steal_ns();
    look_at_clock(&trust->clock);
    bool known = steal_ns != TRUST_UNKNOWN && steal_ns >= trust->steal_ns;
    struct trust_run run = {.batches = &trust->batches,
                            .strains = strains,
                            .strain_count = strains != NULL ? crew->count : 0,
                            .cpus = count_cpus(trust->options),
                            .scheduled = rate > 0,
                            .begun = stats->begun,
                            .unsent = stats->unsent,
                            .late = stats->late,
                            .blocked = stats->blocked,
                            .lateness = &stats->lateness,
                            .steal_ns = known ? steal_ns - trust->steal_ns : TRUST_UNKNOWN,
                            .clock_step_ns = trust->clock.step_ns};
    trust_judge(&run, judged);
    until_look(&trust->until, &trust->batches);
    free(strains);
}
