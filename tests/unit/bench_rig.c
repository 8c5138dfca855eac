#include "bench_rig.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "random.h"
#include "result.h"
#include "summary.h"

/* Nearly normal, mean 0, variance 1. */
static double noise(uint64_t *state)
{
    double sum = 0;
    for (int i = 0; i < 12; i++) {
        sum += random_fraction(state);
    }
    return sum - 6;
}

static json_t *rig_run(const struct bench_rig *rig, size_t which, size_t round, double drift,
                       uint64_t *seed)
{
    const char *subject = rig->subjects[which];
    bool changed = rig->changed != NULL && strcmp(rig->changed, subject) == 0;
    double lead = rig->equal ? 1 : pow(1.1, (double)which);
    double quicker = lead * drift;
    double cpu = 5e-6 / quicker * (changed ? rig->cpu : 1) * exp(rig->noise * noise(seed));
    double rate = 1e5 * quicker * (changed && rig->speed > 0 ? rig->speed : 1) *
                  exp(rig->noise * noise(seed));
    json_t *run = json_pack("{s:s,s:[],s:i,s:f,s:f,s:f}", "subject", subject, "marks", "round",
                            (int)round, "messages_per_second", rate, "server_cpu_per_message", cpu,
                            "client_cpu_per_message", 5e-6);
    if (rig->shared_noise > 0) {
        double share = (changed ? rig->cpu : 1) * exp(rig->shared_noise * noise(seed));
        result_set(run, "server_cpu_per_client_cpu", share / lead);
    }
    return run;
}

static json_t *rig_case(const struct bench_rig *rig, size_t number, uint64_t *seed)
{
    char name[32];
    (void)snprintf(name, sizeof(name), "case%zu", number);
    json_t *test_case = json_pack("{s:s,s:[]}", "name", name, "runs");
    for (size_t round = 0; round < rig->rounds; round++) {
        double drift = exp(rig->drift * noise(seed));
        for (size_t which = 0; rig->subjects[which] != NULL; which++) {
            result_append(json_object_get(test_case, "runs"),
                          rig_run(rig, which, round, drift, seed));
        }
    }
    summary_make(test_case);
    return test_case;
}

json_t *bench_rig_document(const struct bench_rig *rig, uint64_t seed)
{
    json_t *document =
        json_pack("{s:i,s:{},s:[]}", "format", RESULT_FORMAT, "environment", "cases");
    seed = seed * 0x9e3779b97f4a7c15 + 1;
    for (size_t i = 0; i < rig->cases; i++) {
        result_append(json_object_get(document, "cases"), rig_case(rig, i, &seed));
    }
    return document;
}

json_t *bench_rig_run(json_t *test_case, const char *subject, size_t round)
{
    return (json_t *)(uintptr_t)result_find_run(test_case, subject, round);
}
