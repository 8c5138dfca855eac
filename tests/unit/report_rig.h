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

#include "backend.h"
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

/* That the JSON has it, with this number. */
void rig_has_member(const char *name, uint64_t value);

/* One object in one line, as JSON Lines want it. */
void rig_is_a_line(void);

/* Gives the counters the numbers from `number` + 1 on. And: that the JSON has those of `io`. */
void rig_fill_io(struct io_stats *io, uint64_t number);
void rig_check_io(const struct io_stats *io);

#endif
