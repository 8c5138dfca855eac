#include "sizes.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "sizes_table.h"

#define SIZES_LINE 256

/* A list of sizes and weights that grows. */
struct sizes_list {
    struct sizes_weight *items;
    size_t count;
    size_t room;
    char *error; /* SIZES_ERROR_SIZE bytes */
};

/* Says what is wrong, and returns UV_EINVAL. */
#define SIZES_FAIL(error, ...) ((void)snprintf(error, SIZES_ERROR_SIZE, __VA_ARGS__), UV_EINVAL)

static int sizes_no_memory(char *error)
{
    (void)SIZES_FAIL(error, "no memory for the sizes");
    return UV_ENOMEM;
}

/* Adds a size, unless it has no weight. */
static int sizes_add(struct sizes_list *list, struct sizes_weight item)
{
    if (item.weight <= 0) {
        return 0;
    }
    if (list->count == SIZES_BINS_MAX) {
        return SIZES_FAIL(list->error, "more than %d sizes", SIZES_BINS_MAX);
    }
    if (list->count == list->room) {
        size_t room = list->room * 2 + 16;
        struct sizes_weight *items = realloc(list->items, room * sizeof(*items));
        if (items == NULL) {
            return sizes_no_memory(list->error);
        }
        list->items = items;
        list->room = room;
    }
    list->items[list->count++] = item;
    return 0;
}

/* ---- made of weights ----------------------------------------------------------------------- */

static double sizes_total(const struct sizes_weight *weights, size_t count)
{
    double total = 0;
    for (size_t i = 0; i < count; i++) {
        total += weights[i].weight;
    }
    return total;
}

/* The bits up to a share of at most 1. */
static uint64_t sizes_until(double share)
{
    double until = ldexp(share, 64);
    return until < 18446744073709549568.0 ? (uint64_t)until : UINT64_MAX;
}

static void sizes_fill(struct sizes *sizes, const struct sizes_weight *weights)
{
    double total = sizes_total(weights, sizes->count);
    double sum = 0;
    for (size_t i = 0; i < sizes->count; i++) {
        uint64_t bytes = weights[i].bytes;
        double share = weights[i].weight / total;
        sum += weights[i].weight;
        sizes->bins[i] = (struct sizes_bin){bytes, sizes_until(sum / total), share};
        sizes->min = bytes < sizes->min ? bytes : sizes->min;
        sizes->max = bytes > sizes->max ? bytes : sizes->max;
        sizes->mean += share * (double)bytes;
    }
}

static int sizes_make(const struct sizes_weight *weights, size_t count, struct sizes **sizes,
                      char *error)
{
    *sizes = calloc(1, sizeof(**sizes) + count * sizeof((*sizes)->bins[0]));
    if (*sizes == NULL) {
        return sizes_no_memory(error);
    }
    (*sizes)->count = count;
    (*sizes)->min = UINT64_MAX;
    sizes_fill(*sizes, weights);
    return 0;
}

/* Makes sizes of the list unless `status` is an error, and frees the list. */
static int sizes_finish(struct sizes_list *list, int status, struct sizes **sizes)
{
    if (status == 0) {
        status = sizes_make(list->items, list->count, sizes, list->error);
    }
    free(list->items);
    return status;
}

/* ---- parsed -------------------------------------------------------------------------------- */

static int sizes_parse_bytes(const char *text, size_t length, uint64_t *bytes, char *error)
{
    char copy[UNITS_TEXT_SIZE];
    int status = UV_EINVAL;
    if (length < sizeof(copy)) {
        memcpy(copy, text, length);
        copy[length] = '\0';
        status = units_parse_bytes(copy, bytes);
    }
    if (status != 0 || *bytes == 0 || *bytes > SIZES_MAX) {
        return SIZES_FAIL(error, "'%.*s' is not a size of 1 to 1TiB",
                          length < 40 ? (int)length : 40, text);
    }
    return 0;
}

/* Reads a weight of at least 0 from `text`, of which it ends at `end`. */
static int sizes_parse_weight(const char *text, const char *end, double *weight)
{
    char *stop;
    if (text == end || strchr("0123456789.", *text) == NULL ||
        strspn(text, "0123456789.eE+-") < (size_t)(end - text)) {
        return UV_EINVAL;
    }
    *weight = strtod(text, &stop);
    return stop == end && isfinite(*weight) ? 0 : UV_EINVAL;
}

static int sizes_parse_range(const char *text, const char *dots, struct sizes **sizes, char *error)
{
    uint64_t min = 0;
    uint64_t max = 0;
    int status = sizes_parse_bytes(text, (size_t)(dots - text), &min, error);
    if (status == 0) {
        status = sizes_parse_bytes(dots + 2, strlen(dots + 2), &max, error);
    }
    if (status != 0) {
        return status;
    }
    if (min > max) {
        return SIZES_FAIL(error, "a range begins with the smaller size");
    }
    *sizes = calloc(1, sizeof(**sizes));
    if (*sizes == NULL) {
        return sizes_no_memory(error);
    }
    (*sizes)->min = min;
    (*sizes)->max = max;
    (*sizes)->mean = ((double)min + (double)max) / 2;
    return 0;
}

/* One part of a mix: "64:80%". */
static int sizes_parse_part(struct sizes_list *list, const char *part, size_t length)
{
    struct sizes_weight item;
    const char *colon = memchr(part, ':', length);
    if (colon == NULL || part[length - 1] != '%' ||
        sizes_parse_weight(colon + 1, part + length - 1, &item.weight) != 0 || item.weight > 100) {
        return SIZES_FAIL(list->error, "'%.*s' is not a size and its share, such as 64:80%%",
                          length < 40 ? (int)length : 40, part);
    }
    int status = sizes_parse_bytes(part, (size_t)(colon - part), &item.bytes, list->error);
    return status == 0 ? sizes_add(list, item) : status;
}

static int sizes_check_shares(const struct sizes_list *list)
{
    double total = sizes_total(list->items, list->count);
    if (fabs(total - 100) <= 1e-9) {
        return 0;
    }
    return SIZES_FAIL(list->error, "the shares add up to %.10g %%, not to 100 %%", total);
}

int sizes_parse(const char *text, struct sizes **sizes, char error[SIZES_ERROR_SIZE])
{
    struct sizes_list list = {.error = error};
    const char *dots = strstr(text, "..");
    int status = 0;
    if (dots != NULL && strchr(text, ':') == NULL) {
        return sizes_parse_range(text, dots, sizes, error);
    }
    while (status == 0 && text != NULL) {
        size_t length = strcspn(text, ",");
        status = sizes_parse_part(&list, text, length);
        text = text[length] == ',' ? text + length + 1 : NULL;
    }
    if (status == 0) {
        status = sizes_check_shares(&list);
    }
    return sizes_finish(&list, status, sizes);
}

/* ---- read ---------------------------------------------------------------------------------- */

/* Adds what a line says, if it is not empty or a comment. */
static int sizes_read_line(struct sizes_list *list, char *line, unsigned number)
{
    struct sizes_weight item;
    line[strcspn(line, "#\r\n")] = '\0';
    line += strspn(line, " \t");
    size_t bytes = strcspn(line, " \t");
    char *weight = line + bytes + strspn(line + bytes, " \t");
    size_t length = strcspn(weight, " \t");
    if (*line == '\0') {
        return 0;
    }
    if (weight[length + strspn(weight + length, " \t")] != '\0' ||
        sizes_parse_weight(weight, weight + length, &item.weight) != 0) {
        return SIZES_FAIL(list->error, "line %u is not a size and its weight, such as 64 0.8",
                          number);
    }
    int status = sizes_parse_bytes(line, bytes, &item.bytes, list->error);
    return status == 0 ? sizes_add(list, item) : status;
}

static int sizes_read_lines(struct sizes_list *list, FILE *file)
{
    char line[SIZES_LINE];
    int status = 0;
    for (unsigned number = 1; status == 0 && fgets(line, sizeof(line), file) != NULL; number++) {
        if (strlen(line) + 1 == sizeof(line)) {
            return SIZES_FAIL(list->error, "line %u is too long", number);
        }
        status = sizes_read_line(list, line, number);
    }
    if (status == 0 && ferror(file)) {
        return SIZES_FAIL(list->error, "cannot be read");
    }
    double total = sizes_total(list->items, list->count);
    if (status == 0 && !(total > 0 && isfinite(total))) {
        return SIZES_FAIL(list->error, "it has no size with a weight");
    }
    return status;
}

static const struct sizes_table *sizes_find_table(const char *name)
{
    for (size_t i = 0; i < sizes_table_count; i++) {
        if (strcmp(sizes_tables[i].name, name) == 0) {
            return &sizes_tables[i];
        }
    }
    return NULL;
}

int sizes_read(const char *name, struct sizes **sizes, char error[SIZES_ERROR_SIZE])
{
    struct sizes_list list = {.error = error};
    const struct sizes_table *table = sizes_find_table(name);
    if (table != NULL) {
        return sizes_make(table->weights, table->count, sizes, error);
    }
    FILE *file = fopen(name, "r");
    if (file == NULL) {
        return SIZES_FAIL(error, "cannot be opened: %s", strerror(errno));
    }
    int status = sizes_read_lines(&list, file);
    (void)fclose(file);
    return sizes_finish(&list, status, sizes);
}

/* ---- drawn --------------------------------------------------------------------------------- */

uint64_t sizes_draw(const struct sizes *sizes, uint64_t bits)
{
    size_t first = 0;
    size_t last = sizes->count - 1;
    if (sizes->count == 0) {
        return sizes->min + bits % (sizes->max - sizes->min + 1);
    }
    while (first < last) {
        size_t middle = first + (last - first) / 2;
        if (bits < sizes->bins[middle].until) {
            last = middle;
        } else {
            first = middle + 1;
        }
    }
    return sizes->bins[first].bytes;
}
