#include "client_options_share.h"

/* Reads --share. */
static int read_share(struct client_options *options, struct option_error *error)
{
    char reason[SHARE_REASON];

    if (options->share_text == NULL ||
        share_parse(options->share_text, &options->share, reason) == 0) {
        return 0;
    }
    return option_fail(&client_program, error, "--share", "'%s': %s", options->share_text, reason);
}

int client_options_take_share(struct client_options *options, struct option_error *error)
{
    options->whole = (struct client_whole){.connections = options->connections,
                                           .rate = options->rate,
                                           .connect_rate = options->connect_rate,
                                           .bandwidth = options->bandwidth,
                                           .requests = options->requests};
    return read_share(options, error);
}
