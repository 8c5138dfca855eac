#include "rank.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "units.h"

/*
 * The options of a report are read as the command line that they were. Each member becomes a word,
 * and the table of the options checks it.
 */

/* Of a text that a member becomes. */
#define RANK_VALUE 64

/* What this system may refuse though the client's did not. These are not parsed again. */
static bool rank_is_parsed(const struct option_row *row)
{
    return strcmp(row->name, "source") != 0 && strcmp(row->name, "sndbuf") != 0;
}

/* Adds the word "--name=value", or "--name" if the value is NULL. */
static void rank_add_word(struct rank *rank, const struct part *part, const struct option_row *row,
                          const char *value)
{
    struct text word = {0};
    char **words = realloc(rank->words, (rank->word_count + 1) * sizeof(*words));
    text_printf(&word, "--%s%s%s", row->name, value != NULL ? "=" : "", value != NULL ? value : "");
    if (words != NULL) {
        rank->words = words;
    }
    if (words == NULL || word.failed) {
        part_fail(part, "out of memory");
        text_free(&word);
        return;
    }
    rank->words[rank->word_count++] = word.data;
}

static void rank_add_number(struct rank *rank, const struct part *part,
                            const struct option_row *row)
{
    char value[RANK_VALUE];
    if (part_kind(part) == PART_TEXT) { /* a range or mix of sizes, or "none" */
        rank_add_word(rank, part, row, part_text(part));
        return;
    }
    (void)snprintf(value, sizeof(value), "%" PRIu64, part_count(part, INT64_MAX));
    rank_add_word(rank, part, row, value);
}

static void rank_add_decimal(struct rank *rank, const struct part *part,
                             const struct option_row *row)
{
    char value[RANK_VALUE];
    bool duration = row->type == OPTION_DURATION;
    double number = part_number(part, 0, 1e15);
    if (duration) {
        number = round(number * 1e9);
    }
    (void)snprintf(value, sizeof(value), "%.17g%s", number, duration ? "ns" : "");
    rank_add_word(rank, part, row, value);
}

/* A word for each item. */
static void rank_add_strings(struct rank *rank, const struct part *part,
                             const struct option_row *row)
{
    size_t count = part_items(part, OPTION_STRINGS_MAX);
    for (size_t i = 0; i < count; i++) {
        struct part item = part_item(part, i);
        rank_add_word(rank, part, row, part_text(&item));
    }
}

static void rank_add_cpus(struct rank *rank, const struct part *part, const struct option_row *row)
{
    size_t count = part_items(part, OPTION_CPU_LIMIT);
    struct text list = {0};
    for (size_t i = 0; i < count; i++) {
        struct part cpu = part_item(part, i);
        text_printf(&list, "%s%" PRIu64, i > 0 ? "," : "", part_count(&cpu, OPTION_CPU_LIMIT - 1));
    }
    if (count > 0) {
        rank_add_word(rank, part, row, list.failed ? "" : list.data);
    }
    text_free(&list);
}

/* Adds what the option was on the command line; nothing for null and for a flag that is off. */
static void rank_add_option(struct rank *rank, const struct part *part,
                            const struct option_row *row)
{
    if (part_is_null(part)) {
        return;
    }
    switch (row->type) {
    case OPTION_FLAG:
        if (part_bool(part)) {
            rank_add_word(rank, part, row, NULL);
        }
        break;
    case OPTION_SWITCH:
        rank_add_word(rank, part, row, part_bool(part) ? "on" : "off");
        break;
    case OPTION_DURATION:
    case OPTION_DECIMAL:
        rank_add_decimal(rank, part, row);
        break;
    case OPTION_STRING:
        rank_add_word(rank, part, row, part_text(part));
        break;
    case OPTION_STRINGS:
        rank_add_strings(rank, part, row);
        break;
    case OPTION_CPUS:
        rank_add_cpus(rank, part, row);
        break;
    default:
        rank_add_number(rank, part, row);
    }
}

/* ---- what is not parsed -------------------------------------------------------------------- */

static void rank_read_others(struct rank *rank, const struct part *root)
{
    struct part sndbuf = part_member(root, "sndbuf");
    bool none = part_kind(&sndbuf) == PART_TEXT && strcmp(part_text(&sndbuf), "none") == 0;
    rank->options.source = part_member_text_if(root, "source");
    rank->options.common.sndbuf_size = none ? OPTION_NONE : part_count(&sndbuf, UNITS_GIB);
}

/* Only the numbers are known, which is what a report shows. */
static void rank_read_sizes(struct rank *rank, const struct part *root)
{
    struct part sizes = part_member(root, "message_size");
    struct sizes read = {.min = part_member_count(&sizes, "min", SIZES_MAX),
                         .max = part_member_count(&sizes, "max", SIZES_MAX),
                         .mean = part_member_number(&sizes, "mean", 1, (double)SIZES_MAX)};
    if (rank->options.message_size > 0) {
        return;
    }
    rank->options.sizes = malloc(sizeof(*rank->options.sizes));
    if (rank->options.sizes == NULL) {
        part_fail(root, "out of memory");
    } else {
        *rank->options.sizes = read;
    }
}

/* ---- all ----------------------------------------------------------------------------------- */

static void rank_parse(struct rank *rank, const struct part *root)
{
    struct client_options *options = &rank->options;
    struct option_error error;
    int result =
        option_parse(&client_program, options, (int)rank->word_count, rank->words, false, &error);
    if (result == 0) {
        (void)percentiles_parse(options->percentiles, &options->percentile);
        result = client_options_choose_server(options, &error);
    }
    if (result != 0) {
        part_fail(root, "as an option, %s", error.text + strlen(client_program.name) + 2);
    }
}

/* Keeps the value to be compared with that of others. A table of sizes may have another name on
 * another machine, so its numbers are compared. */
static void rank_show(struct rank *rank, size_t row, const struct part *part)
{
    if (strcmp(part->name, "sizes") == 0) {
        struct part sizes = part_member(part->in, "message_size");
        part_show(&sizes, &rank->shown[row]);
    } else {
        part_show(part, &rank->shown[row]);
    }
}

void rank_read_options(struct rank *rank, const struct part *root)
{
    static const struct option_row program = {.name = "echo-client"};
    char name[OPTION_MEMBER_SIZE];
    rank->shown = calloc(client_program.row_count, sizeof(*rank->shown));
    if (rank->shown == NULL) {
        part_fail(root, "out of memory");
        return;
    }
    rank_add_word(rank, root, &program, NULL); /* as argv[0], which is not read */
    for (size_t i = 0; i < client_program.row_count; i++) {
        const struct option_row *row = &client_program.rows[i];
        if (option_member(row, name)) {
            struct part part = part_member(root, name);
            rank_show(rank, i, &part);
            if (rank_is_parsed(row)) {
                rank_add_option(rank, &part, row);
            }
        }
    }
    if (root->file->error[0] == '\0') {
        rank_parse(rank, root);
        rank_read_others(rank, root);
        rank_read_sizes(rank, root);
    }
}

void rank_free_options(struct rank *rank)
{
    for (size_t i = 0; i < rank->word_count; i++) {
        free(rank->words[i]);
    }
    for (size_t i = 0; rank->shown != NULL && i < client_program.row_count; i++) {
        text_free(&rank->shown[i]);
    }
    free(rank->words);
    free(rank->shown);
    client_options_free(&rank->options);
    rank->words = NULL;
    rank->shown = NULL;
    rank->word_count = 0;
}
