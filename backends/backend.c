#include "backend.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "util.h"

/* One line for each: name, systems, library, summary. The summary is one line of --backend=help. */
#define BACKENDS(X)                                                                                \
    X(uv, NULL, NULL, "libuv streams: IOCP on Windows, epoll or kqueue elsewhere")                 \
    X(iocp, "Windows", NULL, "a completion port: AcceptEx, ConnectEx, WSARecv, WSASend")           \
    X(io_uring, "Linux", "liburing", "a ring of operations; the kernel chooses the buffers")       \
    X(epoll, "Linux", NULL, "non-blocking calls when edge-triggered epoll reports")                \
    X(kqueue, "macOS and the BSDs", NULL, "non-blocking calls when edge-triggered kqueue reports")

/* CMakeLists.txt defines BACKEND_uv and so on as one of these. */
#define BACKEND_BUILT(its_name) .backend = &backend_##its_name
#define BACKEND_FOREIGN(its_name) .absent = UV_ENOTSUP
#define BACKEND_UNBUILT(its_name) .absent = UV_ENOSYS

#define BACKEND_DECLARE(its_name, its_systems, its_library, its_summary)                           \
    extern const struct backend backend_##its_name;
#define BACKEND_ENTRY(its_name, its_systems, its_library, its_summary)                             \
    {.name = #its_name,                                                                            \
     .summary = its_summary,                                                                       \
     .systems = its_systems,                                                                       \
     .library = its_library,                                                                       \
     BACKEND_##its_name(its_name)},

BACKENDS(BACKEND_DECLARE)
const struct backend_entry backend_list[] = {BACKENDS(BACKEND_ENTRY){.name = NULL}};

/* ---- choice -------------------------------------------------------------------------------- */

int backend_probe(const struct backend_entry *entry, char *why, size_t why_size)
{
    const struct backend *backend = entry->backend;
    if (why_size > 0) {
        why[0] = '\0';
    }
    if (backend != NULL) {
        return backend->probe != NULL ? backend->probe(why, why_size) : 0;
    }
    if (entry->absent == UV_ENOSYS) {
        (void)snprintf(why, why_size, "built without %s", entry->library);
    } else {
        (void)snprintf(why, why_size, "it is for %s", entry->systems);
    }
    return entry->absent;
}

/* Adds to `why` the reason for which a backend can't be used. */
static void backend_add_reason(const char *name, const char *reason, char *why, size_t why_size)
{
    size_t used = strlen(why);
    (void)snprintf(why + used, why_size - used, "%s%s: %s", used > 0 ? "; " : "", name, reason);
}

/* Whether --backend=raw considers it. This system could have one that was not built. */
static bool backend_is_native(const struct backend_entry *entry)
{
    return entry->backend != NULL ? entry->backend->native : entry->absent != UV_ENOTSUP;
}

/* Finds the first native backend from `at` on that works. `why` gets the reasons against those
 * before it. Backends of other systems are not mentioned. */
static int backend_choose_native(const struct backend_entry *at, const struct backend **backend,
                                 char *why, size_t why_size)
{
    for (; at->name != NULL; at++) {
        char reason[256];
        if (!backend_is_native(at)) {
            continue;
        }
        int status = backend_probe(at, reason, sizeof(reason));
        if (status == 0) {
            *backend = at->backend;
            return 0;
        }
        if (status != UV_ENOTSUP) {
            backend_add_reason(at->name, reason, why, why_size);
        }
    }
    return UV_ENOTSUP;
}

static int backend_choose_raw(const struct backend **backend, char *why, size_t why_size)
{
    int status = backend_choose_native(backend_list, backend, why, why_size);
    if (status != 0 && why[0] == '\0') {
        (void)snprintf(why, why_size, "there is no raw backend for this system; use uv");
    }
    return status;
}

int backend_fall_back(const char *name, const struct backend **backend, const char *reason,
                      char *why, size_t why_size)
{
    const struct backend_entry *at = backend_list;
    char reasons[512];
    if (strcmp(name, "raw") != 0) {
        return UV_ENOTSUP;
    }
    while (at->backend != *backend) {
        at++;
    }
    (void)snprintf(reasons, sizeof(reasons), "%s", why);
    backend_add_reason(at->name, reason, reasons, sizeof(reasons));
    int status = backend_choose_native(at + 1, backend, reasons, sizeof(reasons));
    if (status == 0) {
        (void)snprintf(why, why_size, "%s", reasons);
    }
    return status;
}

int backend_choose(const char *name, const struct backend **backend, char *why, size_t why_size)
{
    assert(why_size > 0);
    why[0] = '\0';
    if (strcmp(name, "raw") == 0) {
        return backend_choose_raw(backend, why, why_size);
    }
    for (const struct backend_entry *at = backend_list; at->name != NULL; at++) {
        if (strcmp(at->name, name) == 0) {
            int status = backend_probe(at, why, why_size);
            if (status == 0) {
                *backend = at->backend;
            }
            return status;
        }
    }
    (void)snprintf(why, why_size, "there is no such backend; --backend=help lists those there are");
    return UV_ENOENT;
}

int backend_find_mode(const char *const *modes, const char *name, unsigned *mode, char *why,
                      size_t why_size)
{
    assert(why_size > 0);
    size_t used = 0;
    why[0] = '\0';
    *mode = 0;
    if (name == NULL) {
        return 0;
    }
    for (unsigned i = 0; modes != NULL && modes[i] != NULL; i++) {
        if (strcmp(modes[i], name) == 0) {
            *mode = i;
            return 0;
        }
        int n =
            snprintf(why + used, why_size - used, "%s%s", used > 0 ? ", " : "it has ", modes[i]);
        used += n > 0 && (size_t)n < why_size - used ? (size_t)n : 0;
    }
    if (used == 0) {
        (void)snprintf(why, why_size, "it has only one mode, so leave the option out");
    }
    return UV_ENOENT;
}

/* ---- connect ------------------------------------------------------------------------------- */

int io_loop_open_socket(struct io_loop *loop, const struct io_config *config,
                        const struct sockaddr *address, uv_os_sock_t *os_socket)
{
    assert(config->open_socket != NULL);
    int status = config->open_socket(config->open_context, address->sa_family, os_socket);
    loop->stats.other_calls += status == 0 ? config->open_calls : 0;
    return status;
}

/* ---- turns --------------------------------------------------------------------------------- */

uint64_t io_wait_ms(uint64_t wait_ns, uint64_t max)
{
    uint64_t wait_ms = wait_ns / NS_PER_MS + (wait_ns % NS_PER_MS != 0);
    return wait_ns == UINT64_MAX ? UINT64_MAX : wait_ms < max ? wait_ms : max;
}

void io_loop_pause(struct io_loop *loop, bool idle)
{
    loop->idle_turns = idle ? loop->idle_turns + 1 : 0;
    if (loop->idle_turns >= IO_IDLE_TURNS) {
        loop->idle_turns = IO_IDLE_TURNS;
        uv_sleep(IO_PAUSE_MS);
    }
}

static void io_stats_count_batch(struct io_stats *stats, uint64_t completions)
{
    if (completions == 0) {
        return;
    }
    if (completions > stats->batch_max) {
        stats->batch_max = completions;
    }
    size_t i = 0;
    while (completions > 1 && i < IO_BATCHES - 1) {
        completions /= 2;
        i++;
    }
    stats->batches[i]++;
}

static uint64_t io_stats_operations(const struct io_stats *stats)
{
    return stats->recv_calls + stats->send_calls + stats->accept_calls + stats->connect_calls +
           stats->control_calls + stats->wait_calls;
}

void io_loop_end_turn(struct io_loop *loop, uint64_t completions, bool woken)
{
    struct io_stats *stats = &loop->stats;
    uint64_t calls = loop->enters > 0 ? loop->enters : io_stats_operations(stats);
    stats->system_calls = calls + stats->other_calls;
    stats->buffers_peak = loop->pool.in_use_peak;
    stats->wakes += woken;
    io_stats_count_batch(stats, stats->completions - completions);
}

/* ---- errors -------------------------------------------------------------------------------- */

int io_stream_error(int status)
{
    /* EPROTOTYPE: XNU's answer to a send while the connection is being taken down. */
    return status == UV_EPIPE || status == UV_ECONNABORTED || status == UV_ENOTCONN ||
                   status == UV_EPROTOTYPE
               ? UV_ECONNRESET
               : status;
}

bool io_stream_is_lost(int status)
{
    return status == UV_ECONNRESET || status == UV_ETIMEDOUT || status == UV_EHOSTUNREACH ||
           status == UV_ENETUNREACH;
}

int io_stream_failed(int status, int *lost)
{
    status = io_stream_error(status);
    if (io_stream_is_lost(status)) {
        *lost = status;
    }
    return status;
}
