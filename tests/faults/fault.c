#include "fault.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"
#include "win.h"

#include "echo_rig.h"
#include "guard.h"
#include "load.h"
#include "patience.h"
#include "subprocess_system.h"
#include "talk.h"

#define PEERS 3
#define PEER_BYTES ((uint64_t)24 * 1024)
#define BUFFER_SIZE ((size_t)16 * 1024)
#define BUFFERS 64

/* Runs until closed handles are gone. */
#define SETTLE_MS 10000

#define MESSAGES 8
#define MESSAGE_BYTES ((uint64_t)8 * 1024)

/* A small send buffer, so that sends have to wait. */
static const struct net_options net = {.nodelay = true, .sndbuf = 8192};

/* ---- what is left over --------------------------------------------------------------------- */

static size_t count_handles(void)
{
    size_t count = 0;
    (void)process_system_handles(uv_os_getpid(), &count);
    return count;
}

/* A worker that does not start must say why. */
static const char *fault_refused(const struct worker *worker)
{
    return worker->error[0] == '\0' ? "nothing says why it does not start" : NULL;
}

/* ---- the server's side --------------------------------------------------------------------- */

struct server_rig {
    struct echo_rig base; /* first */
    size_t talks;         /* that were opened */
};

/* Three conversations at the same time. Returns the first failed one, or NULL. The fault may cut
 * one of them. */
static const char *server_converse(struct server_rig *rig, bool *cut)
{
    struct talk talks[PEERS];
    size_t whole = 0;
    rig->talks = PEERS;
    for (size_t i = 0; i < PEERS; i++) {
        talk_open(&talks[i], &rig->base.address, i, PEER_BYTES);
    }
    talk_run(talks, PEERS, PATIENCE_MS);
    for (size_t i = 0; i < PEERS; i++) {
        whole += talks[i].end == TALK_WHOLE;
        if (talks[i].end == TALK_WRONG) {
            return "a wrong byte";
        }
        if (talks[i].end == TALK_LATE) {
            return "a connection is stuck";
        }
    }
    *cut = whole < PEERS;
    return whole + 1 < PEERS ? "more than one connection was cut" : NULL;
}

/* A new connection. A second one if the first was the one that the fault cut. */
static const char *server_greet(struct server_rig *rig, bool *cut)
{
    struct talk talk;
    talk_open(&talk, &rig->base.address, rig->talks++, 5);
    talk_run(&talk, 1, PATIENCE_MS);
    if (talk.end == TALK_CUT && !*cut) {
        *cut = true;
        talk_open(&talk, &rig->base.address, rig->talks++, 5);
        talk_run(&talk, 1, PATIENCE_MS);
    }
    return talk.end == TALK_WHOLE ? NULL : "a new connection is not served";
}

/* The server's counters must agree. libuv does not report an accept that fails. */
static const char *server_check(const struct server_rig *rig, bool cut)
{
    const struct server_counters *counters = &rig->base.stats.counters;
    if (rig->base.echo.worker.status != 0) {
        return "the worker gave up";
    }
    uint64_t errors = stats_errors_total(&rig->base.stats.errors) + counters->refused;
    bool unseen = rig->base.echo.worker.backend == &backend_uv && counters->accepted < rig->talks;
    if (cut && errors == 0 && !unseen) {
        return "an error was not counted";
    }
    if (counters->sent > counters->received || counters->accepted > rig->talks) {
        return "the books don't balance";
    }
    if (!cut && errors == 0 && counters->sent != PEERS * PEER_BYTES + 5) {
        return "bytes were not counted";
    }
    return NULL;
}

static void server_run(const struct fault_mode *mode, struct fault_outcome *outcome)
{
    struct server_rig *rig = calloc(1, sizeof(*rig));
    bool cut = false;
    assert(rig != NULL);
    if (echo_rig_open(&rig->base, mode->backend, mode->accept_mode, mode->recv_mode) != 0) {
        outcome->lost = "the rig does not open";
        return;
    }
    outcome->refused = echo_rig_start(&rig->base) != 0;
    if (outcome->refused) {
        outcome->lost = fault_refused(&rig->base.echo.worker);
    } else {
        outcome->lost = server_converse(rig, &cut);
        outcome->lost = outcome->lost != NULL ? outcome->lost : server_greet(rig, &cut);
        echo_rig_stop(&rig->base);
    }
    outcome->struck = imports_end();
    echo_rig_close(&rig->base);
    if (!outcome->refused && outcome->lost == NULL) {
        outcome->lost = server_check(rig, cut);
    }
    free(rig);
}

/* ---- the client's side --------------------------------------------------------------------- */

static int client_open_socket(void *context, int family, uv_os_sock_t *os_socket)
{
    (void)context;
    return net_open(&net, family, os_socket);
}

struct client_rig {
    struct load load; /* first */
    struct load_plan plan;
    struct mirror mirror;
};

static void client_open(struct client_rig *rig, const struct fault_mode *mode)
{
    struct worker *worker = &rig->load.worker;
    rig->plan = (struct load_plan){
        .addresses = &rig->mirror.address,
        .address_count = 1,
        .workers = 1,
        .seed = 7,
        .size = MESSAGE_BYTES,
        .depth = 1,
        .lifetime = 2,
        .connect_timeout_ns = 2000 * NS_PER_MS,
        .timeout_ns = 2000 * NS_PER_MS,
        .drain_timeout_ns = 2000 * NS_PER_MS,
    };
    worker->role = &load_role;
    worker->backend = mode->backend;
    worker->cpu = -1;
    worker->io_config = (struct io_config){
        .buffer_size = BUFFER_SIZE,
        .buffer_memory = BUFFERS * BUFFER_SIZE,
        .open_socket = client_open_socket,
        .recv_mode = mode->recv_mode,
    };
    worker_init(worker);
    load_init(&rig->load, &rig->plan, 2, MESSAGES);
}

static const char *client_check(const struct client_rig *rig)
{
    const struct client_stats *stats = &rig->load.stats;
    if (rig->load.worker.status != 0) {
        return "the worker gave up";
    }
    if (stats->counters.mismatches > 0) {
        return "a wrong byte";
    }
    if (stats->counters.timeouts > 0) {
        return "a connection is stuck";
    }
    if (stats->counters.verified > rig->mirror.sent) {
        return "the books don't balance";
    }
    if (stats->counters.messages + 1 < MESSAGES) {
        return "more than one message is missing";
    }
    if (stats->counters.messages < MESSAGES && stats_errors_total(&stats->errors) == 0) {
        return "an error was not counted";
    }
    return NULL;
}

/* Serves until the worker has ended. */
static const char *client_serve(struct client_rig *rig)
{
    struct worker *worker = &rig->load.worker;
    uint64_t until_ns = uv_hrtime() + PATIENCE_MS * NS_PER_MS;
    while (!worker_has_ended(worker) && uv_hrtime() < until_ns) {
        mirror_turn(&rig->mirror);
    }
    bool ended = worker_has_ended(worker);
    worker_post(worker, WORKER_ABORT);
    worker_join(worker);
    return ended ? client_check(rig) : "it does not come to its end";
}

static void client_run(const struct fault_mode *mode, struct fault_outcome *outcome)
{
    struct client_rig *rig = calloc(1, sizeof(*rig));
    assert(rig != NULL);
    if (mirror_open(&rig->mirror) != 0) {
        outcome->lost = "the rig does not open";
        return;
    }
    client_open(rig, mode);
    outcome->refused = worker_start(&rig->load.worker) != 0;
    if (outcome->refused) {
        outcome->lost = fault_refused(&rig->load.worker);
    } else {
        rig->plan.began_ns = uv_hrtime();
        worker_post(&rig->load.worker, WORKER_BEGIN);
        outcome->lost = client_serve(rig);
    }
    outcome->struck = imports_end();
    mirror_close(&rig->mirror);
    load_free(&rig->load);
    worker_destroy(&rig->load.worker);
    free(rig);
}

/* How many handles there are more than before. The system may close some of them late. */
static size_t handles_since(size_t before)
{
    uint64_t until_ns = uv_hrtime() + SETTLE_MS * NS_PER_MS;
    size_t now = count_handles();
    while (now != before && uv_hrtime() < until_ns) {
        Sleep(1);
        now = count_handles();
    }
    return now - before;
}

void fault_run(const struct fault_mode *mode, const struct fault *fault,
               struct fault_outcome *outcome)
{
    size_t blocks = guard_live_blocks();
    size_t handles = count_handles();
    *outcome = (struct fault_outcome){.struck = false};
    imports_fail(fault->call, fault->nth, fault->code);
    if (mode->client) {
        client_run(mode, outcome);
    } else {
        server_run(mode, outcome);
    }
    outcome->blocks = guard_live_blocks() - blocks;
    outcome->handles = handles_since(handles);
}
