#include "client_options_connects.h"

#include <inttypes.h>

#include "units.h"

/* At least one for each worker. */
static int check_count(struct client_options *options, struct option_error *error)
{
    uint64_t ranks = share_ranks(&options->share);
    uint64_t least = ranks * options->threads;
    uint64_t most = ranks * CLIENT_CONNECTIONS_EACH;
    char limit[UNITS_TEXT_SIZE];

    if (options->connections == 0) {
        options->connections = least;
    }
    if (options->connections < least) {
        return option_fail(&client_program, error, "--connections",
                           "'%" PRIu64 "' is out of range; it takes at least %" PRIu64
                           " here, one for each of --threads%s",
                           options->connections, least, ranks > 1 ? " of all clients" : "");
    }
    if (options->connections > most) {
        return option_fail(&client_program, error, "--connections",
                           "'%" PRIu64 "' is out of range; it takes 1 to %s here, 1M in each "
                           "client",
                           options->connections, units_exact_count(limit, sizeof limit, most));
    }
    return 0;
}

static int check_families(const struct client_options *options, struct option_error *error)
{
    if (!options->ipv4 || !options->ipv6) {
        return 0;
    }
    return option_fail(&client_program, error, "-6",
                       "does not go with -4; leave both out for addresses of both families");
}

static int check_sources(struct client_options *options, struct option_error *error)
{
    if (options->source == NULL) {
        return 0;
    }
    (void)source_parse(options->source, &options->sources); /* the row has checked it */
    if (options->ipv4 && source_count(&options->sources, AF_INET) == 0) {
        return option_fail(&client_program, error, "--source",
                           "'%s' is not accepted; it takes an IPv4 address here, since -4 is given",
                           options->source);
    }
    if (options->ipv6 && source_count(&options->sources, AF_INET6) == 0) {
        return option_fail(&client_program, error, "--source",
                           "'%s' is not accepted; it takes an IPv6 address here, since -6 is given",
                           options->source);
    }
    return 0;
}

/* --ramp is a rate of the first connects. Another one may not be given. */
static int check_ramp(const struct client_options *options, struct option_error *error)
{
    double wanted = options->connect_rate * (double)options->ramp_ns;
    char rate[UNITS_TEXT_SIZE];
    char ramp[UNITS_TEXT_SIZE];
    char duration[UNITS_TEXT_SIZE];

    (void)units_exact_duration(ramp, sizeof ramp, options->ramp_ns);
    if (wanted > 0 && wanted != (double)options->connections * 1e9) {
        return option_fail(&client_program, error, "--ramp",
                           "'%s' does not agree with --connect-rate: %" PRIu64
                           " connections in that time are not %s a second; give one of the two",
                           ramp, options->connections,
                           units_exact_decimal(rate, sizeof rate, options->connect_rate));
    }
    if (options->duration_ns > 0 && options->ramp_ns >= options->duration_ns) {
        return option_fail(&client_program, error, "--ramp",
                           "'%s' is out of range; it takes less than %s here, the --duration", ramp,
                           units_exact_duration(duration, sizeof duration, options->duration_ns));
    }
    return 0;
}

/* All connections must have their turn before the run ends. */
static int check_connect_rate(const struct client_options *options, struct option_error *error)
{
    double last = (double)(options->connections - 1);
    double seconds = (double)options->duration_ns / 1e9;
    char rate[UNITS_TEXT_SIZE];
    char duration[UNITS_TEXT_SIZE];

    if (options->connect_rate <= 0 || options->duration_ns == 0 ||
        last < options->connect_rate * seconds) {
        return 0;
    }
    return option_fail(&client_program, error, "--connect-rate",
                       "'%s' is out of range; it takes more than %.10g here, so that all "
                       "--connections begin in the --duration of %s",
                       units_exact_decimal(rate, sizeof rate, options->connect_rate),
                       last / seconds,
                       units_exact_duration(duration, sizeof duration, options->duration_ns));
}

int client_options_check_connects(struct client_options *options, struct option_error *error)
{
    int result = check_count(options, error);

    if (result == 0) {
        result = check_families(options, error);
    }
    if (result == 0) {
        result = check_sources(options, error);
    }
    if (result == 0) {
        result = check_ramp(options, error);
    }
    return result == 0 ? check_connect_rate(options, error) : result;
}
