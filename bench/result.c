#include "result.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "log.h"
#include "util.h"

static void *result_need(void *memory)
{
    if (memory == NULL) {
        log_message("out of memory");
        exit(1);
    }
    return memory;
}

static const json_t *result_member(const json_t *object, const char *path)
{
    for (const char *end = strchr(path, '.'); end != NULL; end = strchr(path, '.')) {
        char key[64];
        (void)snprintf(key, sizeof(key), "%.*s", (int)(end - path), path);
        object = json_object_get(object, key);
        path = end + 1;
    }
    return json_object_get(object, path);
}

double result_number(const json_t *object, const char *path)
{
    return json_number_value(result_member(object, path));
}

bool result_has(const json_t *object, const char *path)
{
    return json_is_number(result_member(object, path));
}

const char *result_text(const json_t *object, const char *path)
{
    const char *text = json_string_value(result_member(object, path));
    return text == NULL ? "" : text;
}

void result_put(json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, result_need(value)) != 0) {
        (void)result_need(NULL);
    }
}

void result_append(json_t *list, json_t *value)
{
    if (json_array_append_new(list, result_need(value)) != 0) {
        (void)result_need(NULL);
    }
}

void result_set(json_t *object, const char *key, double value)
{
    result_put(object, key, json_real(value));
}

void result_set_text(json_t *object, const char *key, const char *value)
{
    json_t *text = json_string(value);
    result_put(object, key, text == NULL ? json_string("not UTF-8") : text);
}

void result_set_known(json_t *object, const char *key, const char *value)
{
    if (value[0] != '\0') {
        result_set_text(object, key, value);
    }
}

/* ---- runs ---------------------------------------------------------------------------------- */

json_t *result_run(void)
{
    json_t *run = result_need(json_object());
    result_put(run, "marks", json_array());
    return run;
}

void result_add_mark(json_t *run, const char *mark)
{
    if (!result_has_mark(run, mark)) {
        result_append(json_object_get(run, "marks"), json_string(mark));
    }
}

bool result_has_mark(const json_t *run, const char *mark)
{
    const json_t *marks = json_object_get(run, "marks");
    for (size_t i = 0; i < json_array_size(marks); i++) {
        const char *text = json_string_value(json_array_get(marks, i));
        if (text != NULL && strcmp(text, mark) == 0) {
            return true;
        }
    }
    return false;
}

/* The upper bound, in seconds, of the bucket in which that share of all messages is reached. */
static double result_quantile(const json_t *latency_ns, double share)
{
    const json_t *buckets = json_object_get(latency_ns, "buckets");
    double wanted = share * result_number(latency_ns, "count");
    double most = result_number(latency_ns, "max");
    double seen = 0;
    for (size_t i = 0; i < json_array_size(buckets); i++) {
        const json_t *bucket = json_array_get(buckets, i);
        seen += json_number_value(json_array_get(bucket, 1));
        if (seen >= wanted) {
            double upper = json_number_value(json_array_get(bucket, 0));
            return (upper < most ? upper : most) / 1e9;
        }
    }
    return most / 1e9;
}

void result_set_latency(json_t *run, const json_t *latency_ns)
{
    static const char *const names[] = {"p50", "p90", "p99", "p999", "max"};
    static const double shares[] = {0,    0.1,   0.25,  0.5,    0.75,   0.9, 0.95,
                                    0.99, 0.995, 0.999, 0.9995, 0.9999, 1};
    bool measured = result_number(latency_ns, "count") > 0;
    json_t *latency = result_need(json_object());
    for (size_t i = 0; i < LENGTH(names); i++) {
        double value = result_number(latency_ns, names[i]) / 1e9;
        result_put(latency, names[i], measured ? result_need(json_real(value)) : json_null());
    }
    result_put(run, "latency", latency);
    if (!measured) {
        result_put(run, "percentiles", json_null());
        return;
    }
    json_t *curve = result_need(json_array());
    for (size_t i = 0; i < LENGTH(shares); i++) {
        double value = result_quantile(latency_ns, shares[i]);
        result_append(curve, json_pack("[f,f]", shares[i], value));
    }
    result_put(run, "percentiles", curve);
}

/* ---- cases, documents ---------------------------------------------------------------------- */

json_t *result_case(const json_t *document, const char *name)
{
    return result_case_in(json_object_get(document, "cases"), name);
}

json_t *result_case_in(const json_t *cases, const char *name)
{
    for (size_t i = 0; i < json_array_size(cases); i++) {
        json_t *test_case = json_array_get(cases, i);
        if (strcmp(result_text(test_case, "name"), name) == 0) {
            return test_case;
        }
    }
    return NULL;
}

size_t result_rounds(const json_t *test_case)
{
    const json_t *runs = json_object_get(test_case, "runs");
    size_t rounds = 0;
    for (size_t i = 0; i < json_array_size(runs); i++) {
        size_t round = (size_t)result_number(json_array_get(runs, i), "round");
        rounds = round >= rounds ? round + 1 : rounds;
    }
    return rounds;
}

const json_t *result_find_run(const json_t *test_case, const char *subject, size_t round)
{
    const json_t *runs = json_object_get(test_case, "runs");
    for (size_t i = 0; i < json_array_size(runs); i++) {
        const json_t *run = json_array_get(runs, i);
        if ((size_t)result_number(run, "round") == round &&
            strcmp(result_text(run, "subject"), subject) == 0) {
            return run;
        }
    }
    return NULL;
}

/* ---- files --------------------------------------------------------------------------------- */

void result_compose(const json_t *document, struct text *out)
{
    char *text = result_need(json_dumps(document, JSON_COMPACT | JSON_REAL_PRECISION(10)));
    text_string(out, text);
    free(text);
}

json_t *result_load(const char *path)
{
    json_error_t error;
    json_t *document = json_load_file(path, 0, &error);
    if (document == NULL) {
        log_message("'%s': %s", path, error.text);
    } else if (result_number(document, "format") != RESULT_FORMAT ||
               !json_is_array(json_object_get(document, "cases"))) {
        log_message("'%s' has no results of format %d", path, RESULT_FORMAT);
        json_decref(document);
        document = NULL;
    }
    return document;
}
