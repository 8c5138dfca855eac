/* The loop: turns, deadlines, wakes, clocks, counters, and whether it frees everything. */

#include "suite.h"

#include <string.h>

#include "net.h"
#include "range.h"
#include "util.h"

#define MS UINT64_C(1000000)

/* ---- the table ------------------------------------------------------------------------------ */

static void table_is_complete(const struct backend *backend)
{
    char why[256] = "";
    struct suite_rig rig;
    assert_non_null(backend->name);
    assert_true(strlen(backend->name) < 16);
    assert_true(backend->recv != NULL && backend->send != NULL && backend->untaken != NULL);
    assert_true(backend->socket_size > 0 && backend->socket_size < 4096);
    if (backend->probe != NULL) {
        assert_int_equal(backend->probe(why, sizeof(why)), 0);
        assert_int_equal(backend->probe(NULL, 0), 0);
    }
    rig_open(&rig, backend);
    assert_int_equal(rig.loop->pool.buffer_size, 64 * KIB);
    assert_int_equal(rig.loop->pool.limit, 1024);
    rig_close(&rig);
}

/* One event has one code, on every backend. */
static void error_codes(const struct backend *backend)
{
    struct suite_rig rig;
    struct sockaddr_storage address;
    uv_os_sock_t peers[3];
    struct rig_conn *conns[3];
    rig_open(&rig, backend);
    rig_listen(&rig, 8, 1);
    for (size_t i = 0; i < 3; i++) {
        conns[i] = rig_pair(&rig, &peers[i]);
        rig_conn_recv(conns[i]);
        rig_forget_peer(&rig, peers[i]);
    }
    rig_refusing_address(&rig, &address);
    struct rig_conn *refused = rig_conn_new(&rig);
    rig_conn_connect(refused, &address);
    peer_reset(peers[0]);
    peer_close(peers[1]);
    rig_conn_close(conns[2], IO_CLOSE_GRACEFUL);
    RIG_UNTIL(&rig, !conns[0]->recv.outstanding && !conns[1]->recv.outstanding &&
                        conns[2]->closed && !refused->connect.outstanding);
    peer_close(peers[2]);
    assert_true(rig_is_reset(conns[0]->recv.status));
    assert_int_equal(conns[1]->recv.status, 0);
    assert_true(conns[1]->ended);
    assert_int_equal(conns[2]->recv.status, UV_ECANCELED);
    assert_int_equal(refused->connect.status, UV_ECONNREFUSED);
    rig_accept_stop(&rig);
    RIG_UNTIL(&rig, rig.accepts_outstanding == 0);
    assert_int_equal(rig.accept.status, UV_ECANCELED);
    rig_close(&rig);
}

/* ---- turns ---------------------------------------------------------------------------------- */

/* Here and below, a poll that does not return is found by the program's watchdog. */
static void poll_without_waiting(const struct backend *backend)
{
    struct suite_rig rig;
    rig_open(&rig, backend);
    rig_listen(&rig, 8, 1);
    for (size_t i = 0; i < 100; i++) {
        assert_int_equal(rig_poll(&rig, 0), 0);
        assert_int_equal(rig_poll(&rig, backend->now(rig.loop)), 0); /* that is past already */
    }
    rig_close(&rig);
}

/* Runs turns until the deadline, as a worker does. The number of turns. */
static uint64_t turns_until(struct suite_rig *rig, uint64_t deadline_ns)
{
    uint64_t turns = 0;
    while (rig->backend->now(rig->loop) < deadline_ns) {
        assert_int_equal(rig_poll(rig, deadline_ns), 0);
        turns++;
    }
    return turns;
}

/* A turn may end early and without cause, but not so often that the loop spins. */
static void poll_deadline(const struct backend *backend)
{
    static const uint64_t waits_ms[] = {20, 1, 7, 20};
    struct suite_rig rig;
    uv_os_sock_t peer;
    rig_open(&rig, backend);
    rig_listen(&rig, 8, 1);
    rig_conn_recv(rig_pair(&rig, &peer));
    rig_quiet(&rig);
    for (size_t i = 0; i < LENGTH(waits_ms); i++) {
        uint64_t before = uv_hrtime();
        uint64_t calls = rig.loop->stats.wait_calls;
        uint64_t turns = turns_until(&rig, backend->now(rig.loop) + waits_ms[i] * MS);
        assert_true(uv_hrtime() - before >= waits_ms[i] * MS);
        assert_true(turns < 10);
        assert_true(rig.loop->stats.wait_calls - calls < 10);
    }
    rig_close(&rig);
}

/* Deadlines that become earlier or later from turn to turn do not hide each other. */
static void poll_deadlines_in_any_order(const struct backend *backend)
{
    struct suite_rig rig;
    rig_open(&rig, backend);
    uint64_t start = backend->now(rig.loop);
    backend->wake(rig.loop);
    (void)rig_poll(&rig, start + 3600000 * MS); /* ended by the wake */
    (void)turns_until(&rig, start + 20 * MS);
    (void)rig_poll(&rig, 0);
    backend->wake(rig.loop);
    (void)rig_poll(&rig, backend->now(rig.loop) + 1 * MS);
    assert_true(turns_until(&rig, backend->now(rig.loop) + 20 * MS) < 10);
    rig_close(&rig);
}

/* The deadline of a turn that ended early passes between two turns. The next turn still waits
 * for its own deadline, and not for ever. */
static void poll_after_a_deadline_has_passed(const struct backend *backend)
{
    struct suite_rig rig;
    rig_open(&rig, backend);
    for (size_t i = 0; i < 20; i++) {
        uint64_t start = backend->now(rig.loop);
        backend->wake(rig.loop);
        (void)rig_poll(&rig, start + 2 * MS); /* ended by the wake */
        while (backend->now(rig.loop) < start + (2 + i % 2) * MS) {
            /* busy elsewhere */
        }
        uint64_t deadline_ns = backend->now(rig.loop) + 3 * MS;
        while (backend->now(rig.loop) < deadline_ns) {
            (void)rig_poll(&rig, deadline_ns);
        }
    }
    rig_close(&rig);
}

static void clock_is_uv_hrtime(const struct backend *backend)
{
    struct suite_rig rig;
    rig_open(&rig, backend);
    for (size_t i = 0; i < 100; i++) {
        uint64_t before = uv_hrtime();
        uint64_t now = backend->now(rig.loop);
        assert_between(now, before, uv_hrtime());
    }
    rig_close(&rig);
}

/* ---- wakes ---------------------------------------------------------------------------------- */

struct waker {
    const struct backend *backend;
    struct io_loop *loop;
    uv_mutex_t mutex;
    size_t each; /* wakes by each thread */
    size_t done; /* by all; under the mutex */
};

static void waker_main(void *argument)
{
    struct waker *waker = argument;
    for (size_t i = 0; i < waker->each; i++) {
        uv_mutex_lock(&waker->mutex);
        waker->done++;
        uv_mutex_unlock(&waker->mutex);
        waker->backend->wake(waker->loop);
    }
}

/* Sleeps without a deadline until the last wake has been seen. The number of turns that reported
 * a wake. After a lost wake it sleeps on, and the watchdog ends the program. */
static size_t wakes_seen(struct suite_rig *rig, struct waker *waker, size_t all)
{
    size_t seen = 0;
    size_t done = 0;
    while (done < all) {
        if (rig_poll(rig, UINT64_MAX) == 1) {
            seen++;
            uv_mutex_lock(&waker->mutex);
            done = waker->done;
            uv_mutex_unlock(&waker->mutex);
        }
    }
    return seen;
}

static void wake_from_threads(const struct backend *backend, size_t threads, size_t each)
{
    struct suite_rig rig;
    uv_thread_t ids[4];
    rig_open(&rig, backend);
    struct waker waker = {.backend = backend, .loop = rig.loop, .each = each};
    assert_int_equal(uv_mutex_init(&waker.mutex), 0);
    for (size_t i = 0; i < threads; i++) {
        assert_int_equal(uv_thread_create(&ids[i], waker_main, &waker), 0);
    }
    size_t seen = wakes_seen(&rig, &waker, threads * each);
    for (size_t i = 0; i < threads; i++) {
        assert_int_equal(uv_thread_join(&ids[i]), 0);
    }
    assert_between(seen, 1, threads * each);
    assert_between(rig.loop->stats.wakes, seen, threads * each + 1);
    uv_mutex_destroy(&waker.mutex);
    rig_close(&rig);
}

static void wake_from_another_thread(const struct backend *backend)
{
    wake_from_threads(backend, 1, 1);
}

static void wake_100000_times(const struct backend *backend)
{
    wake_from_threads(backend, 2, 50000);
}

/* Each wake is sent after the last was seen, so that none can stand in for another. */
struct wake_chain {
    const struct backend *backend;
    struct io_loop *loop;
    uv_sem_t seen;
    size_t rounds;
};

static void wake_chain_main(void *argument)
{
    struct wake_chain *chain = argument;
    for (size_t i = 0; i < chain->rounds; i++) {
        chain->backend->wake(chain->loop);
        uv_sem_wait(&chain->seen);
    }
}

static void wake_one_by_one(const struct backend *backend)
{
    struct suite_rig rig;
    uv_thread_t thread;
    rig_open(&rig, backend);
    struct wake_chain chain = {.backend = backend, .loop = rig.loop, .rounds = 10000};
    assert_int_equal(uv_sem_init(&chain.seen, 0), 0);
    assert_int_equal(uv_thread_create(&thread, wake_chain_main, &chain), 0);
    for (size_t seen = 0; seen < chain.rounds;) {
        if (rig_poll(&rig, UINT64_MAX) == 1) {
            seen++;
            uv_sem_post(&chain.seen);
        }
    }
    assert_int_equal(uv_thread_join(&thread), 0);
    assert_int_equal(rig.loop->stats.wakes, chain.rounds);
    uv_sem_destroy(&chain.seen);
    rig_close(&rig);
}

/* Any number of wakes before a turn count as one, and none of them blocks. */
static void wake_before_poll(const struct backend *backend)
{
    struct suite_rig rig;
    rig_open(&rig, backend);
    for (size_t round = 0; round < 3; round++) {
        for (size_t i = 0; i < 100000; i++) {
            backend->wake(rig.loop);
        }
        while (rig_poll(&rig, UINT64_MAX) == 0) {
        }
        assert_int_equal(rig_poll(&rig, 0), 0);
        assert_int_equal(rig_poll(&rig, 0), 0);
        assert_int_equal(rig.loop->stats.wakes, round + 1);
        backend->wake(rig.loop);
        assert_int_equal(rig_poll(&rig, 0), 1); /* without waiting, too */
        rig.loop->stats.wakes--;
    }
    rig_close(&rig);
}

static void wake_on_recv(struct rig_conn *conn)
{
    conn->rig->backend->wake(conn->rig->loop);
}

/* A wake from a callback ends this turn or the next with 1. */
static void wake_from_callback(const struct backend *backend)
{
    struct suite_rig rig;
    struct rig_conn *conn = rig_open_called(&rig, backend, wake_on_recv, "x", 1);
    while (rig_poll(&rig, UINT64_MAX) == 0) {
    }
    assert_int_equal(conn->recv.outcomes, 1);
    rig_close(&rig);
}

/* ---- what is left behind -------------------------------------------------------------------- */

static void loop_once(const struct backend *backend, bool busy)
{
    struct suite_rig rig;
    rig_open(&rig, backend);
    if (busy) {
        uv_os_sock_t peer;
        rig_listen(&rig, 8, 2);
        struct rig_conn *conn = rig_pair(&rig, &peer);
        echo_open(conn);
        rig_echo(&rig, peer, 100);
        rig_accept_stop(&rig);
        struct rig_conn *client = rig_conn_new(&rig);
        rig_conn_connect(client, &rig.address); /* refused, canceled, or it even connects */
    }
    rig_close(&rig);
}

static void open_and_close_100_loops(const struct backend *backend)
{
    loop_once(backend, true);
    size_t open = peer_open_descriptors();
    for (size_t i = 0; i < 100; i++) {
        loop_once(backend, false);
    }
    assert_int_equal(peer_open_descriptors(), open);
    for (size_t i = 0; i < 20; i++) {
        loop_once(backend, true);
    }
    assert_int_equal(peer_open_descriptors(), open);
}

/* However a connection ends, its descriptor is closed. */
static void connections_leave_no_descriptor(const struct backend *backend)
{
    struct suite_rig rig;
    rig_open(&rig, backend);
    rig_listen(&rig, 8, 2);
    rig_quiet(&rig);
    size_t open = peer_open_descriptors();
    for (size_t i = 0; i < 50; i++) {
        uv_os_sock_t peer;
        struct rig_conn *conn = rig_pair(&rig, &peer);
        rig_conn_recv(conn);
        rig_conn_close(conn, i % 2 == 0 ? IO_CLOSE_GRACEFUL : IO_CLOSE_RESET);
        rig_forget_peer(&rig, peer);
        peer_close(peer);
        RIG_UNTIL(&rig, conn->closed);
    }
    assert_int_equal(peer_open_descriptors(), open);
    rig_close(&rig);
}

static void two_loops_at_once(const struct backend *backend)
{
    struct suite_rig first;
    struct suite_rig second;
    rig_open(&first, backend);
    rig_open(&second, backend);
    first.on_open = second.on_open = echo_open;
    rig_listen(&first, 8, 1);
    rig_listen(&second, 8, 1);
    uv_os_sock_t peer = rig_peer(&first);
    uv_os_sock_t other = rig_peer(&second);
    for (size_t i = 0; i < 10; i++) {
        rig_echo(&first, peer, 1000);
        rig_echo(&second, other, 1000);
    }
    rig_close(&first);
    rig_echo(&second, other, 1000);
    rig_close(&second);
}

/* ---- counters ------------------------------------------------------------------------------- */

/* Every scenario checks at its end that the outcomes add up. This one checks the calls. */
static void stats_add_up(const struct backend *backend)
{
    enum { MESSAGES = 200 };
    struct suite_rig rig;
    rig_open(&rig, backend);
    rig.on_open = echo_open;
    rig_listen(&rig, 8, 2);
    uv_os_sock_t peer = rig_peer(&rig);
    for (size_t i = 0; i < MESSAGES; i++) {
        rig_echo(&rig, peer, 64);
    }
    const struct io_stats *stats = &rig.loop->stats;
    const struct rig_conn *conn = rig.conns;
    assert_true(conn->recv.outcomes >= MESSAGES);
    assert_true(stats->accept_calls >= 1);
    assert_true(stats->recv_calls >= conn->recv.outcomes);
    assert_true(stats->send_calls >= conn->send.outcomes);
    assert_true(stats->wait_calls > 0);
    assert_true(stats->system_calls >= stats->wait_calls);
    assert_true(stats->system_calls <= stats->recv_calls + stats->send_calls + stats->accept_calls +
                                           stats->control_calls + stats->wait_calls +
                                           stats->other_calls);
    assert_int_equal(stats->connect_calls, 0);
    assert_int_equal(stats->wakes, 0);
    assert_int_equal(stats->starved, 0);
    assert_int_equal(stats->buffers_peak, 1);
    assert_true(stats->batch_max >= 1);
    rig_assert_stats(&rig);
    rig_close(&rig);
}

/* ---- full ----------------------------------------------------------------------------------- */

enum { READY = 300 };

static size_t outcomes(struct rig_conn *const conns[READY])
{
    size_t count = 0;
    for (size_t i = 0; i < READY; i++) {
        count += conns[i]->recv.outcomes;
    }
    return count;
}

/* `count` sockets, each with a receive outstanding and a byte for it. In some modes the system
 * receives the byte at once, so it can't be seen in the socket. */
static void make_ready(struct suite_rig *rig, struct rig_conn *conns[READY])
{
    uv_os_sock_t peers[READY];
    for (size_t i = 0; i < READY; i++) {
        conns[i] = rig_pair(rig, &peers[i]);
        conns[i]->on_recv = rig_conn_release;
        rig_conn_recv(conns[i]);
    }
    rig_quiet(rig);
    for (size_t i = 0; i < READY; i++) {
        uv_os_sock_t socket;
        assert_int_equal(peer_send(peers[i], "a", 1), 1);
        assert_int_equal(rig->backend->handle(conns[i]->socket, &socket), 0);
        while (suite_mode.recv_mode == 0 && !peer_is_readable(socket)) {
            /* loopback may deliver a little later */
        }
    }
}

/* The first turn that is not `full` drains them. On Windows, where completions may come later,
 * such a turn may be the first of several. */
static void poll_is_full_at_the_limit_of_a_turn(const struct backend *backend)
{
    struct suite_rig rig;
    struct rig_conn *conns[READY];
    rig_open(&rig, backend);
    rig_listen(&rig, 16, 1);
    make_ready(&rig, conns);
    size_t before;
    do {
        before = outcomes(conns);
        (void)rig_poll(&rig, 0);
        assert_true(rig.loop->full || outcomes(conns) - before < net_turn_events);
    } while (rig.loop->full || (net_holds_sends && outcomes(conns) < READY));
    assert_int_equal(outcomes(conns), READY);
    (void)rig_poll(&rig, 0);
    assert_false(rig.loop->full);
    rig_close(&rig);
}

const struct scenario suite_loop[] = {
    SCENARIO(table_is_complete),
    SCENARIO(error_codes),
    SCENARIO(poll_without_waiting),
    SCENARIO(poll_deadline),
    SCENARIO(poll_deadlines_in_any_order),
    SCENARIO(poll_after_a_deadline_has_passed),
    SCENARIO(clock_is_uv_hrtime),
    SCENARIO(wake_from_another_thread),
    SCENARIO(wake_100000_times),
    SCENARIO(wake_one_by_one),
    SCENARIO(wake_before_poll),
    SCENARIO(wake_from_callback),
    SCENARIO(open_and_close_100_loops),
    SCENARIO(connections_leave_no_descriptor),
    SCENARIO(two_loops_at_once),
    SCENARIO(stats_add_up),
    SCENARIO(poll_is_full_at_the_limit_of_a_turn),
    {NULL, NULL},
};
