#ifndef ECHOPORT_SUBJECT_H
#define ECHOPORT_SUBJECT_H

/* The servers that are compared: our backends, peers, and a target that runs already. */

#include <stdbool.h>
#include <stddef.h>

#include "matrix.h"
#include "option.h"

#define SUBJECTS_MAX 32
#define SUBJECT_PATH_SIZE 1024

#define SUBJECT_OLD "old:" /* begins the name of an older server's backend */

enum subject_kind {
    SUBJECT_BACKEND, /* echo-server with a backend, whose name it has; of an older one "old:NAME" */
    SUBJECT_PEER,    /* another program, "peer:NAME"; it is run as PROGRAM PORT [CPUS] */
    SUBJECT_TARGET   /* "target:HOST:PORT": it is there, and stays */
};

struct subject {
    enum subject_kind kind;
    char name[OPTION_HOST_SIZE + OPTION_PORT_SIZE];
    struct bench_backend backend; /* its texts are the matrix's, or constant */
    bool threaded;                /* a peer that gets the number of CPUs as an argument */
    char path[SUBJECT_PATH_SIZE]; /* of a peer, or of an older server; else "" */
    char host[OPTION_HOST_SIZE];  /* of a target */
    char port[OPTION_PORT_SIZE];
};

struct subjects {
    struct subject items[SUBJECTS_MAX];
    size_t count;
};

/* Each adds to `subjects` and returns 0; or a UV error, after a message to the user. */

/* The matrix's backends that work here; or if `names` has any those, each of which must. */
int subjects_add_backends(struct subjects *subjects, const struct matrix *matrix,
                          const struct option_strings *names);

/* Behind each backend that has been added: the same of `server`, another build of ours. */
int subjects_add_old(struct subjects *subjects, const char *server);

/* Adds each program in a directory, in the order of their names: peers with one thread. Then adds
 * those in its folder `threaded`, if there is one: they get the number of a server's CPUs. */
int subjects_add_peers(struct subjects *subjects, const char *directory);

/* `address` is one that option_split_address() splits. */
int subjects_add_target(struct subjects *subjects, const char *address);

#endif
