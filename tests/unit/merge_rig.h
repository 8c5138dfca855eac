#ifndef ECHOPORT_MERGE_RIG_H
#define ECHOPORT_MERGE_RIG_H

/*
 * For the tests of merges: reports of clients with made-up results, as files. The functions that
 * write real reports make them, so that a test can edit them as texts.
 */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "client_report.h"
#include "share.h"

#define RIG_RANKS_MAX 8
#define RIG_WORKERS 2

/* What one client counted. Change it before its report is made. */
struct rig_rank {
    struct client_options options;
    char words[400];
    struct client_stats stats;
    struct report_worker workers[RIG_WORKERS];
    struct intervals intervals;
    uint64_t began_unix_ns;
    uint64_t from_ns; /* of the measured time, since it began */
    uint64_t until_ns;
    char *text; /* its report */
};

extern struct rig_rank *rig_ranks[RIG_RANKS_MAX];

/* Makes `count` clients of one run, each with results of its own. For cmocka with a folder. */
void rig_make(size_t count);
int rig_merge_set_up(void **state);
int rig_merge_tear_down(void **state);

/* Composes its report anew. */
void rig_compose(size_t rank);

/* Replaces the first `from` in its report, which must be there. */
void rig_edit(size_t rank, const char *from, const char *to);

/* Writes its report to a file, and returns the name. */
char *rig_file(size_t rank);

/* All messages since rig_merge_set_up(). */
const char *rig_messages(void);

#endif
