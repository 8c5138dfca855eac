#ifndef ECHOPORT_COUNTER_H
#define ECHOPORT_COUNTER_H

/*
 * Lists of counters. A struct of counters is made from an X-macro, and so is its list. Sums,
 * differences, JSON, texts for people and the tables of docs/report.md follow from the list. So a
 * counter is named in one row only. Pure functions; any thread.
 */

#include <stddef.h>
#include <stdint.h>

/* How the values of several workers become one, and what a difference is. */
enum counter_kind {
    COUNTER_SUM, /* they are added; a difference is what happened since */
    COUNTER_MAX  /* the greater counts, also as a difference */
};

/* Where a report for people shows it. */
enum counter_line {
    COUNTER_NOWHERE, /* in no list of counts */
    COUNTER_END,     /* how a connection ended; these add up to all connections */
    COUNTER_ASIDE,   /* what never became a connection */
    COUNTER_BYTES    /* what became of bytes that were not verified */
};

struct counter {
    const char *name; /* the member, and its name in the JSON */
    enum counter_kind kind;
    enum counter_line line;
    const char *word;    /* after the number, where a report shows it: "3 idle" */
    const char *meaning; /* docs/report.md */
    size_t offset;       /* of the uint64_t in the struct */
};

struct counter_list {
    const struct counter *rows;
    size_t count;
};

/* The value in the struct `counts`. */
uint64_t counter_value(const struct counter *counter, const void *counts);

/* Sets it. */
void counter_set(const struct counter *counter, void *counts, uint64_t value);

/* Adds `from` to `into`, two structs of the list. */
void counters_add(const struct counter_list *list, void *into, const void *from);

/* Adds what `now` has more than `before`. NULL: everything in `now`. */
void counters_add_since(const struct counter_list *list, void *into, const void *now,
                        const void *before);

/* Takes the greater of each maximum, and leaves sums as they are. */
void counters_keep_maxima(const struct counter_list *list, void *into, const void *now);

/* The sum of those that are shown in `line`. */
uint64_t counters_total(const struct counter_list *list, enum counter_line line,
                        const void *counts);

#endif
