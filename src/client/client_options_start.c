#include "client_options_start.h"

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
    uint64_t seed = siphash(key, known, sizeof known) & ((UINT64_C(1) << 53) - 1);

    return seed != 0 ? seed : 1;
}

/* Each client must have streams of its own, and all of them together those of one client. */
static int choose_seed(struct client_options *options, struct option_error *error)
{
    bool alone = options->share.ranks == 0;

    if (alone || options->seed != 0) {
        return 0;
    }
    if (options->start_at == NULL) {
        return option_fail(&client_program, error, "--share",
                           "all clients need the same seed; give each the same --seed or "
                           "--start-at");
    }
    options->seed = common_seed(options, &options->run_key);
    return 0;
}

int client_options_choose_start(struct client_options *options, struct option_error *error)
{
    int result = check_start_at(options, error);

    (void)run_token_key(options->run_token, options->share.engine != NULL, &options->run_key);
    return result == 0 ? choose_seed(options, error) : result;
}
