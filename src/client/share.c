#include "share.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <uv.h>

#include "units.h"
#include "util.h"

#define SHARE_GIVE "give R/N, as in 0/4"

/* What a launcher sets for each process that it starts. */
struct share_engine {
    const char *name;
    const char *rank;
    const char *ranks;
};

/* The innermost first: one launcher may run in another's job. */
static const struct share_engine share_engines[] = {
    {"Open MPI", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"},
    {"PMI", "PMI_RANK", "PMI_SIZE"},
    {"Slurm", "SLURM_PROCID", "SLURM_NTASKS"},
    {"Kubernetes", "JOB_COMPLETION_INDEX", "JOB_COMPLETIONS"},
};

#define SHARE_FAIL(reason, ...) ((void)snprintf(reason, SHARE_REASON, __VA_ARGS__), UV_EINVAL)

/* ---- R/N ----------------------------------------------------------------------------------- */

static int share_parse_pair(const char *text, struct share *share, char *reason)
{
    const char *slash = strchr(text, '/');
    char rank[UNITS_TEXT_SIZE];
    size_t length = slash != NULL ? (size_t)(slash - text) : sizeof(rank);
    if (length >= sizeof(rank)) {
        return SHARE_FAIL(reason, "it takes " SHARE_TAKES);
    }
    memcpy(rank, text, length);
    rank[length] = '\0';
    if (units_parse_integer(rank, &share->rank) != 0 ||
        units_parse_integer(slash + 1, &share->ranks) != 0) {
        return SHARE_FAIL(reason, "it takes " SHARE_TAKES);
    }
    if (share->ranks == 0 || share->ranks > SHARE_RANKS_MAX) {
        return SHARE_FAIL(reason, "the number of clients is 1 to %d", SHARE_RANKS_MAX);
    }
    if (share->rank >= share->ranks) {
        return SHARE_FAIL(reason, "ranks count from 0: this one takes 0 to %" PRIu64,
                          share->ranks - 1);
    }
    return 0;
}

/* ---- auto ---------------------------------------------------------------------------------- */

static bool share_is_set(const char *variable)
{
    char value[1];
    size_t size = sizeof(value);
    return uv_os_getenv(variable, value, &size) != UV_ENOENT;
}

/* Reads a number from the environment, from `least` to `most`. */
static int share_read(const char *variable, uint64_t least, uint64_t most, uint64_t *number,
                      char *reason)
{
    char value[UNITS_TEXT_SIZE] = "";
    size_t size = sizeof(value);
    int status = uv_os_getenv(variable, value, &size);
    if (status == 0 && units_parse_integer(value, number) == 0 && *number >= least &&
        *number <= most) {
        return 0;
    }
    return SHARE_FAIL(reason, "%s is '%s' and takes %" PRIu64 " to %" PRIu64 "; " SHARE_GIVE,
                      variable, status == 0 ? value : "...", least, most);
}

static int share_read_engine(const struct share_engine *engine, struct share *share, char *reason)
{
    int status = share_read(engine->ranks, 1, SHARE_RANKS_MAX, &share->ranks, reason);
    share->engine = engine->name;
    return status != 0 ? status
                       : share_read(engine->rank, 0, share->ranks - 1, &share->rank, reason);
}

/* Says what was looked for; or that only one variable of a pair is set. */
static int share_not_found(char *reason)
{
    int used = snprintf(reason, SHARE_REASON, "no launcher has set");
    for (size_t i = 0; i < LENGTH(share_engines); i++) {
        const struct share_engine *engine = &share_engines[i];
        bool ranked = share_is_set(engine->rank);
        if (ranked || share_is_set(engine->ranks)) {
            return SHARE_FAIL(reason, "%s is set and %s is not; set both, or " SHARE_GIVE,
                              ranked ? engine->rank : engine->ranks,
                              ranked ? engine->ranks : engine->rank);
        }
        used += snprintf(reason + used, SHARE_REASON - (size_t)used, "%s %s and %s",
                         i == 0 ? "" : ", or", engine->rank, engine->ranks);
    }
    (void)snprintf(reason + used, SHARE_REASON - (size_t)used, "; " SHARE_GIVE);
    return UV_EINVAL;
}

static int share_find(struct share *share, char *reason)
{
    for (size_t i = 0; i < LENGTH(share_engines); i++) {
        const struct share_engine *engine = &share_engines[i];
        if (share_is_set(engine->rank) && share_is_set(engine->ranks)) {
            return share_read_engine(engine, share, reason);
        }
    }
    return share_not_found(reason);
}

/* -------------------------------------------------------------------------------------------- */

int share_parse(const char *text, struct share *share, char reason[SHARE_REASON])
{
    *share = (struct share){.ranks = 0};
    return strcmp(text, "auto") == 0 ? share_find(share, reason)
                                     : share_parse_pair(text, share, reason);
}
