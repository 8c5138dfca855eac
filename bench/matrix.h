#ifndef ECHOPORT_MATRIX_H
#define ECHOPORT_MATRIX_H

/*
 * What to measure, from JSON (bench/matrix.json). The members are in docs/benchmarking.md. It has
 * named cases, each of them a load, and the backends that get it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#define MATRIX_CASES_MAX 64
#define MATRIX_BACKENDS_MAX 16
#define MATRIX_ARGUMENTS_MAX 8
#define MATRIX_ERROR_SIZE 256 /* of a buffer for a message */

/* A load. Texts belong to the matrix. */
struct bench_case {
    const char *name;
    uint64_t connections;
    uint64_t size;         /* of a message, bytes */
    uint64_t depth;        /* messages in flight on each connection */
    uint64_t workers;      /* threads of the server */
    uint64_t lifetime;     /* messages of a connection; 0 = all */
    uint64_t busy_poll_ns; /* --busy-poll of the client and of our servers; 0 = none */
    bool idle;             /* the connections are idle: only their memory is measured */
    bool quick;            /* one of the quick subset */
};

/* A backend, perhaps with options of the server that make it another subject. */
struct bench_backend {
    const char *name; /* in the results */
    const char *backend;
    const char *arguments[MATRIX_ARGUMENTS_MAX];
    size_t argument_count;
};

struct bench_times {
    uint64_t rounds;
    uint64_t duration_ns; /* of what is measured, after the warm-up */
    uint64_t warmup_ns;
};

struct matrix {
    struct bench_case cases[MATRIX_CASES_MAX];
    size_t case_count;
    struct bench_backend
        backends[MATRIX_BACKENDS_MAX]; /* ratios are to the first that works here */
    size_t backend_count;
    struct bench_times full;
    struct bench_times quick;
    uint64_t buffer_size; /* of our server, bytes; peers have 64 KiB */
    json_t *root;         /* the file; private */
};

/*
 * Reads a file, or a text. Returns 0, or UV_EINVAL with a sentence in `error`, of MATRIX_ERROR_SIZE
 * bytes: what is wrong with it, or why it can't be read. Call matrix_free() in either case.
 */
int matrix_read(struct matrix *matrix, const char *path, char *error);
int matrix_parse(struct matrix *matrix, const char *text, char *error);

/* May be called again. */
void matrix_free(struct matrix *matrix);

/* The text of bench/matrix.json, which the program has without a file. */
extern const char matrix_builtin[];

/* The case of that name, or NULL. */
const struct bench_case *matrix_case(const struct matrix *matrix, const char *name);

#endif
