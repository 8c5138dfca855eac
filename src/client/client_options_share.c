#include "client_options_share.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "units.h"

/* ---- what goes with --share ---------------------------------------------------------------- */

/* These look at the result of the run while it goes on, and no client sees that of all. */
static int check_others(const struct client_options *options, struct option_error *error)
{
    if (options->find_rate != NULL) {
        return option_fail(&client_program, error, "--find-rate",
                           "does not go with --share; give a --rate, and try one after another");
    }
    if (options->until != NULL) {
        return option_fail(&client_program, error, "--until",
                           "does not go with --share; give a --duration or --requests");
    }
    if (options->hostile.count > 0) {
        return option_fail(&client_program, error, "--hostile",
                           "does not go with --share; give it to one more client, without --share");
    }
    return 0;
}

int client_options_read_share(struct client_options *options, struct option_error *error)
{
    char reason[SHARE_REASON];

    if (options->share_text == NULL) {
        return 0;
    }
    if (share_parse(options->share_text, &options->share, reason) != 0) {
        return option_fail(&client_program, error, "--share", "'%s': %s", options->share_text,
                           reason);
    }
    return check_others(options, error);
}

/* ---- names of files ------------------------------------------------------------------------ */

#define RANK "{rank}"

/* A copy of `name` with the rank in it; free() it. NULL: out of memory. */
static char *put_rank(const char *name, uint64_t rank)
{
    struct text text = {0};

    for (const char *at = strstr(name, RANK); at != NULL; at = strstr(name, RANK)) {
        text_append(&text, name, (size_t)(at - name));
        text_printf(&text, "%" PRIu64, rank);
        name = at + strlen(RANK);
    }
    text_string(&text, name);
    if (text.failed) {
        text_free(&text);
    }
    return text.data;
}

/* `name` is replaced, and `made` set to the new one, if it has {rank}. */
static int name_file(const struct client_options *options, const char *option, const char **name,
                     char **made, struct option_error *error)
{
    if (*name == NULL || strstr(*name, RANK) == NULL) {
        return 0;
    }
    if (options->share.ranks == 0) {
        return option_fail(&client_program, error, option,
                           "'%s': " RANK " is the rank of --share; give that, too", *name);
    }
    *made = put_rank(*name, options->share.rank);
    if (*made == NULL) {
        return option_fail(&client_program, error, option, "no memory for the name");
    }
    *name = *made;
    return 0;
}

int client_options_name_files(struct client_options *options, struct option_error *error)
{
    char **made = options->file_names;
    int result = name_file(options, "--json", &options->common.json, &made[0], error);

    if (result == 0) {
        result = name_file(options, "--json-stream", &options->json_stream, &made[1], error);
    }
    return result == 0 ? name_file(options, "--hgrm", &options->hgrm, &made[2], error) : result;
}

void client_options_free_names(struct client_options *options)
{
    for (size_t i = 0; i < CLIENT_FILES; i++) {
        free(options->file_names[i]);
        options->file_names[i] = NULL;
    }
}

/* ---- this client's part -------------------------------------------------------------------- */

/* Every client has some. */
static int check_parts(const struct client_options *options, struct option_error *error)
{
    uint64_t ranks = options->share.ranks;
    char given[UNITS_TEXT_SIZE];

    if (options->requests > 0 && options->requests < ranks) {
        return option_fail(&client_program, error, "--requests",
                           "'%" PRIu64
                           "' is out of range; it takes 0 (no limit) or at least %" PRIu64
                           " here, one for each client of --share",
                           options->requests, ranks);
    }
    if (options->bandwidth > 0 && options->bandwidth < ranks) {
        return option_fail(&client_program, error, "--bandwidth",
                           "'%s' is out of range; it takes at least %" PRIu64
                           " here, a byte per second for each client of --share",
                           units_exact_bytes(given, sizeof given, options->bandwidth), ranks);
    }
    return 0;
}

int client_options_take_share(struct client_options *options, struct option_error *error)
{
    uint64_t rank = options->share.rank;
    uint64_t ranks = share_ranks(&options->share);

    if (check_parts(options, error) != 0) {
        return UV_EINVAL;
    }
    options->whole = (struct client_whole){.connections = options->connections,
                                           .rate = options->rate,
                                           .connect_rate = options->connect_rate,
                                           .bandwidth = options->bandwidth,
                                           .requests = options->requests};
    options->connections = share_part(options->connections, ranks, rank);
    options->requests = share_part(options->requests, ranks, rank);
    options->bandwidth = share_part(options->bandwidth, ranks, rank);
    options->rate /= (double)ranks;
    options->connect_rate /= (double)ranks;
    return 0;
}
