#ifndef ECHOPORT_REPORT_RIG_H
#define ECHOPORT_REPORT_RIG_H

/*
 * For the tests of the reports: a text in which a report is composed, and functions that check its
 * contents. The numbers are made up: each counter has a different one.
 */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "stats.h"
#include "text.h"

/* With two accept modes, "plain" and "fancy", and two receive modes, "lazy" and "eager"; and with
 * none. */
extern const struct backend rig_backend;
extern const struct backend rig_backend_without_modes;

extern struct text rig_text;

/* The text of the report, which must be complete. */
const char *rig_read(void);

/* Empties it, for another report. */
void rig_clear(void);

/* Frees it: cmocka's tear-down. */
int rig_end(void **state);

void rig_has(const char *what);
void rig_has_not(const char *what);

/* Fails if a line is longer than `columns`. */
void rig_fits(size_t columns);

/* Fails unless the JSON has the member, with this number. */
void rig_has_member(const char *name, uint64_t value);

/* Fails unless the text is one object in one line, as in JSON Lines. */
void rig_is_a_line(void);

/* Gives the counters of the list the numbers from `number` + 1 on, and returns the last. */
uint64_t rig_fill(const struct counter_list *list, void *counts, uint64_t number);

/* Fails unless the JSON has each counter of the list. */
void rig_check(const struct counter_list *list, const void *counts);

/* The same for a loop, with its batches. */
void rig_fill_io(struct io_stats *io, uint64_t number);
void rig_check_io(const struct io_stats *io);

#endif
