#ifndef ECHOPORT_SUBJECT_H
#define ECHOPORT_SUBJECT_H

/* The servers to compare: our backends, peers, and a target that is already running. */

#include <stdbool.h>
#include <stddef.h>

#include "matrix.h"
#include "option.h"

#define SUBJECTS_MAX 32
#define SUBJECT_PATH_SIZE 1024

#define SUBJECT_OLD "old:" /* the prefix of a backend of the older server */

enum subject_kind {
    SUBJECT_BACKEND, /* echo-server with a backend: its NAME, or "old:NAME" */
    SUBJECT_PEER,    /* another program, "peer:NAME", run as PROGRAM PORT [CPUS] */
    SUBJECT_TARGET   /* "target:HOST:PORT": runs already, and goes on */
};

struct subject {
    enum subject_kind kind;
    char name[OPTION_HOST_SIZE + OPTION_PORT_SIZE];
    struct bench_backend backend; /* its texts belong to the matrix, or are constant */
    bool threaded;                /* a peer that gets the number of CPUs as an argument */
    char path[SUBJECT_PATH_SIZE]; /* of a peer, or of an older server; else "" */
    char host[OPTION_HOST_SIZE];  /* of a target */
    char port[OPTION_PORT_SIZE];
};

struct subjects {
    struct subject items[SUBJECTS_MAX];
    size_t count;
};

/* Each of these adds to `subjects`. Returns 0, or a UV error after a message. */

/* Adds those of `names`, each of which must work here; without names the backends of the matrix
 * that work here. */
int subjects_add_backends(struct subjects *subjects, const struct matrix *matrix,
                          const struct option_strings *names);

/* Adds after each backend the same backend of `server`, another build of ours. */
int subjects_add_old(struct subjects *subjects, const char *server);

/* Adds each program in a directory, in the order of their names, as a peer with one thread. Then
 * adds those in its folder `threaded`, if there is one: they get the number of CPUs. */
int subjects_add_peers(struct subjects *subjects, const char *directory);

/* `address`: as option_split_address() takes it. */
int subjects_add_target(struct subjects *subjects, const char *address);

#endif
