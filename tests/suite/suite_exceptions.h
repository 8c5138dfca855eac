#ifndef ECHOPORT_SUITE_EXCEPTIONS_H
#define ECHOPORT_SUITE_EXCEPTIONS_H

/* tests/suite/exceptions.txt: the scenarios that need not run somewhere, each with its reason. */

#include <stdbool.h>
#include <stddef.h>

enum exception_kind {
    EXCEPTION_MAY,   /* the scenario passes, or finds that it can't run */
    EXCEPTION_SKIP,  /* the scenario is not run */
    EXCEPTION_KNOCK, /* an accept waits for first bytes; of no scenario */
};

struct exception {
    char os[16];      /* "*": each */
    char backend[32]; /* "iocp", "iocp:posted"; "*": each that uses the system's network */
    char scenario[64];
    enum exception_kind kind;
    char reason[128];
    unsigned line; /* in the file */
};

struct exceptions {
    struct exception list[64];
    size_t count;
    char error[256]; /* why the text can't be read: "name:line: ..." */
};

/* Reads the text of a file called `name`. False: see `error`. */
bool exceptions_parse(struct exceptions *exceptions, const char *name, const char *text);

/* The same for a file. */
bool exceptions_read(struct exceptions *exceptions, const char *path);

/* The first one of this scenario; NULL: there is none. */
const struct exception *exceptions_find(const struct exceptions *exceptions, const char *os,
                                        const char *backend, const char *scenario);

/* Whether an accept waits for a connection's first bytes there. */
bool exceptions_want_knock(const struct exceptions *exceptions, const char *os,
                           const char *backend);

/* Whether it applies to this system; whether it applies to this backend, "iocp:posted". */
bool exception_is_for_os(const struct exception *exception, const char *os);
bool exception_is_for_backend(const struct exception *exception, const char *backend);

/* Whether `name`, "iocp" or "iocp:posted", is `backend` or a mode of it. */
bool exceptions_is_of(const char *name, const char *backend);

#endif
