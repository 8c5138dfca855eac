#include "progress.h"

static uint64_t progress_later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

void progress_begin(struct conn *conn)
{
    conn->submitted = 0;
    conn->progress = (struct progress){.moved_ns = worker_awake(conn->worker)};
}

void progress_moved(struct conn *conn)
{
    conn->progress.moved_ns = worker_awake(conn->worker);
}

uint64_t progress_first_look(const struct conn *conn, uint64_t limit_ns)
{
    return conn->progress.moved_ns + limit_ns / PROGRESS_LOOKS;
}

int progress_look(struct conn *conn)
{
    struct io_loop *io = conn->worker->io;
    struct progress *progress = &conn->progress;
    uint64_t now_ns = worker_awake(conn->worker);
    uint64_t untaken = 0;
    if (progress->taken < conn->submitted) {
        int status = io->backend->untaken(io, conn->socket, &untaken);
        if (status != 0) {
            return status;
        }
    }
    uint64_t taken = untaken < conn->submitted ? conn->submitted - untaken : 0;
    if (taken > progress->taken) {
        progress->taken = taken;
        progress->taken_ns = now_ns;
    }
    if (untaken == 0) {
        progress->behind_ns = 0;
    } else if (progress->behind_ns == 0) {
        progress->behind_ns = now_ns;
    }
    return 0;
}

bool progress_is_quiet(struct conn *conn, uint64_t limit_ns, uint64_t *next_ns)
{
    const struct progress *progress = &conn->progress;
    uint64_t seen_ns = conn->timer.seen_ns;
    uint64_t look_ns = seen_ns + limit_ns / PROGRESS_LOOKS;
    *next_ns = progress_first_look(conn, limit_ns);
    if (seen_ns < *next_ns) {
        return false;
    }
    bool settled = progress_look(conn) != 0 || progress->behind_ns == 0;
    uint64_t quiet_ns = progress_later(progress->moved_ns, progress->taken_ns) + limit_ns;
    *next_ns = settled || quiet_ns < look_ns ? quiet_ns : look_ns;
    return seen_ns >= quiet_ns;
}

uint64_t progress_stalled_ns(struct conn *conn, uint64_t seen_ns)
{
    const struct progress *progress = &conn->progress;
    int status = progress_look(conn);
    uint64_t since_ns = progress_later(progress->taken_ns, progress->behind_ns);
    bool behind = progress->behind_ns != 0;
    if (status != 0) {
        since_ns = progress->moved_ns;
        behind = status == UV_ENOTSUP;
    }
    return behind && seen_ns > since_ns ? seen_ns - since_ns : 0;
}
