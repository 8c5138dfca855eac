#ifndef ECHOPORT_FLEET_REPORT_H
#define ECHOPORT_FLEET_REPORT_H

/*
 * What the report of a merge says of the clients that shared the load, and of their server: the
 * lines `fleet` and `server`, and the members `clients` and `server`. Pure functions; any thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "json.h"
#include "report.h"
#include "text.h"
#include "verdict.h"

/* One client. Times are in seconds; NAN: it has none. */
struct fleet_client {
    uint64_t rank;
    const char *host;
    const char *file;
    bool ok;
    const char *verdict;
    double started_unix;
    double ended_unix;
    double first_message_unix;
    uint64_t messages; /* in its measured time */
    double messages_per_second;
    uint64_t answers; /* those with a latency; 0: the next have no value */
    uint64_t p50_ns;
    uint64_t p99_ns;
    uint64_t max_ns;
    struct report_environment environment;
};

/* How the books of all clients and of their servers agree. */
enum fleet_balance {
    FLEET_BALANCED, /* exactly: nothing was reset */
    FLEET_BOUNDED,  /* as far as they can: connections were reset */
    FLEET_UNBALANCED
};

/* All generations of all servers, in bytes. */
struct fleet_server {
    uint64_t generations;
    uint64_t accepted; /* connections */
    uint64_t received;
    uint64_t sent;
    uint64_t discarded;
    enum fleet_balance balance;
    char reason[VERDICT_TEXT]; /* of FLEET_UNBALANCED */
};

struct fleet_report {
    const struct fleet_client *clients; /* by their ranks */
    size_t count;
    size_t hosts;    /* how many different ones */
    bool barrier;    /* they began at the same moment; otherwise each by its clock */
    double spread;   /* how far apart they began by their clocks, in seconds */
    double together; /* in which all measured, in seconds */
    double seconds;  /* in which any did */
    const struct fleet_server *server; /* NULL: its reports were not given */
    struct verdict failures;           /* those that the sums of all clients do not show */
};

/* Adds the failures that only one client has, and that of the books. */
void fleet_judge(const struct fleet_report *fleet, struct verdict *verdict);

/* The lines; nothing if `fleet` is NULL. */
void fleet_text(const struct fleet_report *fleet, struct text *out);

/* The members `clients` and `server`; both are null if `fleet` is NULL. */
void fleet_json(const struct fleet_report *fleet, struct json *json);

#endif
