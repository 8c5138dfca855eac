#include "client_options_load.h"

#include <stdlib.h>
#include <string.h>

#include "arrival.h"
#include "units.h"

#define DEFAULT_SIZE 4096

/* Makes the sizes of messages, if they differ. */
static int choose_sizes(struct client_options *options, struct option_error *error)
{
    bool table = options->size_table != NULL;
    const char *text = table ? options->size_table : options->size_text;
    char reason[SIZES_ERROR_SIZE];
    int result;

    if (table && (options->message_size > 0 || options->size_text != NULL)) {
        return option_fail(&client_program, error, "--sizes", "give either it or --size");
    }
    if (options->message_size == 0 && text == NULL) {
        options->message_size = DEFAULT_SIZE;
    }
    if (options->message_size > 0) {
        return 0;
    }
    result = (table ? sizes_read : sizes_parse)(text, &options->sizes, reason);
    return result == 0 ? 0
                       : option_fail(&client_program, error, table ? "--sizes" : "--size",
                                     "'%s': %s; it takes %s", text, reason,
                                     table ? SIZES_TABLE_TAKES : "1 to 1TiB, " SIZES_LIST_TAKES);
}

/* Makes a rate of --bandwidth. */
static int choose_rate(struct client_options *options, struct option_error *error)
{
    double mean = options->sizes != NULL ? options->sizes->mean : (double)options->message_size;
    char given[UNITS_TEXT_SIZE];
    double rate = (double)options->bandwidth / mean;

    if (options->bandwidth == 0) {
        return 0;
    }
    if (options->rate > 0) {
        return option_fail(&client_program, error, "--bandwidth", "give either it or --rate");
    }
    if (rate < CLIENT_RATE_MIN_THOUSANDTHS / 1e3 || rate > (double)CLIENT_RATE_MAX) {
        return option_fail(&client_program, error, "--bandwidth",
                           "'%s' is out of range; it takes what is 0.001 to 1G messages per second "
                           "here, with a mean size of %.10g bytes",
                           units_exact_bytes(given, sizeof given, options->bandwidth), mean);
    }
    options->rate = rate;
    return 0;
}

/* Options that mean something only together with another, or without it. */
static int check_shape(const struct client_options *options, struct option_error *error)
{
    bool scheduled = options->rate > 0 || options->find_rate != NULL;

    if (strcmp(options->close, "rst") == 0 && options->lifetime == 0) {
        return option_fail(&client_program, error, "--close",
                           "'rst' is for connections that have used up --lifetime; give that, too");
    }
    if (options->think_ns > 0 && scheduled) {
        return option_fail(&client_program, error, "--think",
                           "does not go with --rate, --bandwidth or --find-rate, which say when a "
                           "message is due");
    }
    if (arrival_kind(options->arrival) == ARRIVAL_POISSON && !scheduled) {
        return option_fail(&client_program, error, "--arrival",
                           "'poisson' is how messages of --rate, --bandwidth or --find-rate come "
                           "due; give one of them, too");
    }
    return 0;
}

int client_options_choose_load(struct client_options *options, struct option_error *error)
{
    int result = choose_sizes(options, error);

    if (result == 0) {
        result = choose_rate(options, error);
    }
    return result == 0 ? check_shape(options, error) : result;
}

void client_options_free(struct client_options *options)
{
    free(options->sizes);
    options->sizes = NULL;
    client_options_free_names(options);
}
