#include "client_options_start.h"

#include <stdio.h>
#include <string.h>

#include "run_token.h"
#include "units.h"
#include "utc.h"

/* A later start is more likely a mistake, such as a time in milliseconds. */
#define START_AHEAD_MAX_NS (30 * NS_PER_DAY)

bool client_options_is_time(const char *text)
{
    uint64_t unix_ns;
    return utc_parse(text, &unix_ns) == 0;
}

/* Splits a place that has a port. */
static bool split_barrier(const char *text, struct client_place *place)
{
    return option_split_address(text, place->host, sizeof place->host, place->port,
                                sizeof place->port) == 0 &&
           option_is_server_port(place->port);
}

/* Splits a place that may have a port, or be "*". */
static bool split_listen(const char *text, struct client_place *place)
{
    if (strcmp(text, "*") == 0) {
        place->host[0] = place->port[0] = '\0';
        return true;
    }
    return option_split_server(text, place->host, sizeof place->host, place->port,
                               sizeof place->port) == 0;
}

bool client_options_is_barrier(const char *text)
{
    struct client_place place;
    return split_barrier(text, &place);
}

bool client_options_is_listen(const char *text)
{
    struct client_place place;
    return split_listen(text, &place);
}

/* The texts replace what is empty. */
static void complete_place(struct client_place *place, const char *host, const char *port)
{
    if (place->host[0] == '\0') {
        (void)snprintf(place->host, sizeof place->host, "%s", host);
    }
    if (place->port[0] == '\0') {
        (void)snprintf(place->port, sizeof place->port, "%s", port);
    }
}

/* The places of --barrier and --barrier-listen; the rows have checked them. */
static void choose_places(struct client_options *options)
{
    if (options->barrier != NULL) {
        (void)split_barrier(options->barrier, &options->barrier_at);
        complete_place(&options->barrier_at, CLIENT_DEFAULT_HOST, "");
    }
    if (options->barrier_listen != NULL) {
        (void)split_listen(options->barrier_listen, &options->listen_at);
        complete_place(&options->listen_at, "*", options->barrier_at.port);
    }
}

static int check_barrier(struct client_options *options, bool has_token, struct option_error *error)
{
    if (options->barrier == NULL) {
        return options->barrier_listen == NULL
                   ? 0
                   : option_fail(&client_program, error, "--barrier-listen",
                                 "it is where rank 0 of a --barrier listens; give that, too");
    }
    if (options->share.ranks == 0) {
        return option_fail(&client_program, error, "--barrier",
                           "it is for the clients of one load; give each its --share, too");
    }
    if (options->start_at != NULL) {
        return option_fail(&client_program, error, "--barrier",
                           "it can't be combined with --start-at; give one of them");
    }
    if (!has_token) {
        return option_fail(&client_program, error, "--barrier",
                           "the clients need a text by which they know each other; give all the "
                           "same --run-token, or set " RUN_TOKEN_VARIABLE " to at most %d bytes",
                           RUN_TOKEN_SIZE - 1);
    }
    choose_places(options);
    return 0;
}

static int check_token(const struct client_options *options, struct option_error *error)
{
    bool unused = options->run_token != NULL && options->share.ranks == 0;

    return unused ? option_fail(&client_program, error, "--run-token",
                                "it is for the clients of one load; give each its --share, too")
                  : 0;
}

static int check_start_at(struct client_options *options, struct option_error *error)
{
    char now[UTC_TEXT_SIZE];
    uint64_t now_ns = utc_now_ns();

    if (options->start_at == NULL) {
        return 0;
    }
    (void)utc_parse(options->start_at, &options->start_at_ns); /* the row has checked it */
    if (options->start_at_ns > now_ns + START_AHEAD_MAX_NS) {
        return option_fail(&client_program, error, "--start-at",
                           "'%s' is more than 30 days ahead; by the clock of this machine it is %s",
                           options->start_at, utc_format(now, sizeof now, now_ns));
    }
    if (options->find_rate != NULL) {
        return option_fail(&client_program, error, "--start-at",
                           "it can't be combined with --find-rate, which has many runs");
    }
    return 0;
}

/* 53 bits, as those of a random seed, of what all clients of the run know. Not 0. */
static uint64_t common_seed(const struct client_options *options, const struct siphash_key *key)
{
    const uint64_t known[] = {options->start_at_ns, options->share.ranks};
    uint64_t seed = siphash_numbers(key, known, LENGTH(known)) & ((UINT64_C(1) << 53) - 1);

    return seed != 0 ? seed : 1;
}

/* Each client must have streams of its own, and all of them together those of one client. */
static int choose_seed(struct client_options *options, struct option_error *error)
{
    bool alone = options->share.ranks == 0;

    if (alone || options->seed != 0 || options->barrier != NULL) {
        return 0; /* rank 0 of a barrier tells its own to the others */
    }
    if (options->start_at == NULL) {
        return option_fail(&client_program, error, "--share",
                           "all clients need the same seed; give each the same --barrier, "
                           "--start-at or --seed");
    }
    options->seed = common_seed(options, &options->run_key);
    return 0;
}

int client_options_choose_start(struct client_options *options, struct option_error *error)
{
    bool launched = options->share.engine != NULL;
    bool has_token = run_token_key(options->run_token, launched, &options->run_key);
    int result = check_start_at(options, error);

    if (result == 0) {
        result = check_barrier(options, has_token, error);
    }
    if (result == 0) {
        result = check_token(options, error);
    }
    return result == 0 ? choose_seed(options, error) : result;
}
