#ifndef ECHOPORT_SUITE_MATRIX_H
#define ECHOPORT_SUITE_MATRIX_H

/* tests/suite/matrix.txt, read: which scenario has to run on which backend on which system. */

#include <stdbool.h>
#include <stddef.h>

enum matrix_kind {
    MATRIX_NONE, /* -       there is no such cell */
    MATRIX_RUN,  /* run     runs and passes */
    MATRIX_MAY,  /* may:N   runs and passes, or finds that it can't, for the reason in note N */
    MATRIX_SKIP, /* skip:N  is not run, for the reason in note N */
};

struct matrix_cell {
    char os[16];
    char backend[32]; /* "iocp"; or "iocp:posted", with a mode that is not the default */
    char scenario[64];
    enum matrix_kind kind;
    char note[160]; /* the reason; empty for the others */
};

/* A column that equals another one, except for some cells. */
struct matrix_mode {
    struct matrix_cell column; /* only os and backend */
    struct matrix_cell base;
    bool knocks; /* an accept waits for first bytes there */
};

struct matrix {
    struct matrix_cell cells[4096];
    size_t cell_count;
    struct matrix_mode modes[16];
    size_t mode_count;
};

/* False, and the reason on stderr, if the file can't be read as a matrix. */
bool matrix_read(struct matrix *matrix, const char *path);

/* NULL: the matrix has no such row or column. */
const struct matrix_cell *matrix_find(const struct matrix *matrix, const char *os,
                                      const char *backend, const char *scenario);

/* Whether any cell of this backend is to run on this system. */
bool matrix_has_backend(const struct matrix *matrix, const char *os, const char *backend);

/* Whether an accept waits for a connection's first bytes there. */
bool matrix_wants_knock(const struct matrix *matrix, const char *os, const char *backend);

/* The name that the matrix gives the system we run on. */
const char *matrix_os(void);

#endif
