#ifndef ECHOPORT_HOSTILE_MODE_H
#define ECHOPORT_HOSTILE_MODE_H

/*
 * The modes of hostile connections, and the text of --hostile: MODE:N or MODE:RATE:N. Pure
 * functions, which any thread may call.
 */

#include <stddef.h>
#include <stdint.h>

enum hostile_kind {
    HOSTILE_SILENT,
    HOSTILE_RESET,
    HOSTILE_HALF_CLOSE,
    HOSTILE_SLOW_READ,
    HOSTILE_BYTE_BY_BYTE,
    HOSTILE_STOP_MIDWAY,
    HOSTILE_NEVER_READ,
    HOSTILE_STORM,
    HOSTILE_URGENT,
    HOSTILE_KINDS
};

/* What a mode's RATE counts, per second. */
enum hostile_rate { HOSTILE_NO_RATE, HOSTILE_BYTES, HOSTILE_CONNECTIONS };

struct hostile_mode {
    const char *name;
    enum hostile_rate rate;
    const char *what; /* its connections do, in words: "send nothing" */
};

extern const struct hostile_mode hostile_modes[HOSTILE_KINDS];

#define HOSTILE_CONNECTIONS_MAX UINT64_C(100000)  /* of one --hostile */
#define HOSTILE_BYTE_RATE_MAX (UINT64_C(1) << 30) /* bytes per second */
#define HOSTILE_STORM_RATE_MAX UINT64_C(100000)   /* connections per second */

/* One --hostile: equal connections. */
struct hostile_group {
    enum hostile_kind kind;
    uint64_t rate;  /* per second, at least 1; 0: the mode has none */
    uint64_t count; /* connections at the same time, 1 to HOSTILE_CONNECTIONS_MAX */
};

#define HOSTILE_WHY 400 /* bytes of the longest message */

/* Reads all of `text`. 0 and `group`; or UV_EINVAL, and `why` (HOSTILE_WHY bytes) names the value
 * and what is accepted. */
int hostile_parse(const char *text, struct hostile_group *group, char *why);

#define HOSTILE_NAME 64

/* Writes the text that hostile_parse() reads back as `group`, as in "slow-read:1KiB:5", into `text`
 * (HOSTILE_NAME bytes). Returns `text`. */
char *hostile_name(const struct hostile_group *group, char *text);

#endif
