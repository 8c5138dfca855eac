/*
 * What the `iocp` backend reports of itself, over the simulated Winsock: things that no real system
 * promises. How many bytes of a send has the peer taken? (Windows has SIO_TCP_INFO for that, and
 * Wine 8 has not.) Was a poll full, how long does it wait, and what was counted?
 */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "iocp_rig.h"

/* Of <winsock2.h>, which can't be included: its macros have the names of a backend's operations. */
enum { NO_MEMORY = 8, WSA_OPNOTSUPP = 10045, WSA_NETDOWN = 10050 };

enum { PAIRS_MAX = 300 };

static struct iocp_end clients[PAIRS_MAX];
static struct iocp_end servers[PAIRS_MAX];

static void begin(bool wine)
{
    memset(clients, 0, sizeof(clients));
    memset(servers, 0, sizeof(servers));
    iocp_rig_begin((struct winsock_config){.wine = wine}, 0);
}

static void finish(void)
{
    for (size_t i = 0; i < PAIRS_MAX; i++) {
        iocp_end_close(&clients[i]);
        iocp_end_close(&servers[i]);
    }
    iocp_rig_end();
}

static int poll_until(uint64_t deadline_ns)
{
    return backend_iocp.poll(iocp_rig.loop, deadline_ns);
}

/* ---- untaken -------------------------------------------------------------------------------- */

static uint64_t untaken(struct iocp_end *end)
{
    uint64_t bytes = UINT64_MAX;
    assert_int_equal(backend_iocp.untaken(iocp_rig.loop, end->socket, &bytes), 0);
    return bytes;
}

static void untaken_is_what_is_on_its_way(void **state)
{
    static const uint8_t bytes[1000];
    (void)state;
    begin(false);
    iocp_rig_pair(&clients[0], &servers[0]);
    assert_int_equal(untaken(&clients[0]), 0);
    assert_int_equal(untaken(&servers[0]), 0);
    iocp_end_send(&clients[0], bytes, sizeof(bytes));
    iocp_rig_poll_for(1);
    assert_false(clients[0].busy); /* it has completed, and has not arrived */
    assert_int_equal(untaken(&clients[0]), sizeof(bytes));
    iocp_rig_poll_for(2 * IOCP_RIG_LATENCY_MS);
    assert_int_equal(untaken(&clients[0]), 0);
    assert_int_equal(untaken(&servers[0]), 0);
    finish();
}

static void untaken_falls_within_a_pending_send(void **state)
{
    enum { LENGTH = 4 * IOCP_RIG_CAPACITY };
    static const uint8_t bytes[LENGTH];
    (void)state;
    begin(false);
    iocp_rig_pair(&clients[0], &servers[0]);
    iocp_end_send(&clients[0], bytes, LENGTH);
    for (size_t left = LENGTH - IOCP_RIG_CAPACITY; left > 0; left -= IOCP_RIG_CAPACITY) {
        iocp_rig_poll_for(2 * IOCP_RIG_LATENCY_MS);
        assert_true(clients[0].busy);
        assert_int_equal(untaken(&clients[0]), left);
        assert_true(iocp_end_recv(&servers[0]) || left == LENGTH - IOCP_RIG_CAPACITY);
    }
    iocp_rig_poll_for(4 * IOCP_RIG_LATENCY_MS);
    assert_false(clients[0].busy);
    assert_int_equal(untaken(&clients[0]), 0);
    finish();
}

static void untaken_is_not_supported_by_wine(void **state)
{
    uint64_t bytes;
    (void)state;
    begin(true);
    iocp_rig_pair(&clients[0], &servers[0]);
    assert_int_equal(backend_iocp.untaken(iocp_rig.loop, clients[0].socket, &bytes), UV_ENOTSUP);
    finish();
}

static void untaken_may_fail(void **state)
{
    uint64_t bytes;
    (void)state;
    begin(false);
    iocp_rig_pair(&clients[0], &servers[0]);
    winsock_fail(winsock_call_named("WSAIoctl"), 1, WSA_OPNOTSUPP);
    assert_int_equal(backend_iocp.untaken(iocp_rig.loop, clients[0].socket, &bytes), UV_ENOTSUP);
    winsock_fail(winsock_call_named("WSAIoctl"), 1, WSA_NETDOWN);
    assert_int_equal(backend_iocp.untaken(iocp_rig.loop, clients[0].socket, &bytes), UV_ENETDOWN);
    assert_int_equal(untaken(&clients[0]), 0);
    finish();
}

/* ---- full ----------------------------------------------------------------------------------- */

static size_t received(void)
{
    size_t count = 0;
    for (size_t i = 0; i < PAIRS_MAX; i++) {
        count += servers[i].received;
    }
    return count;
}

static void poll_is_full_while_packets_are_left(void **state)
{
    enum { BATCH = 128 };
    static const uint8_t byte[1];
    (void)state;
    begin(false);
    for (size_t i = 0; i < PAIRS_MAX; i++) {
        iocp_rig_pair(&clients[i], &servers[i]);
        assert_false(iocp_end_recv(&servers[i]));
    }
    for (size_t i = 0; i < PAIRS_MAX; i++) {
        iocp_end_send(&clients[i], byte, sizeof(byte));
    }
    (void)winsock_advance(winsock_now() +
                          2 * IOCP_RIG_LATENCY_MS * MS); /* the packets of the sends have come */
    size_t turns = 0;
    do {
        assert_true(poll_until(0) >= 0);
        turns++;
    } while (iocp_rig.loop->full);
    assert_true(turns > PAIRS_MAX / BATCH);
    iocp_rig_poll_for(2 * IOCP_RIG_LATENCY_MS);
    assert_int_equal(received(), PAIRS_MAX);
    assert_false(iocp_rig.loop->full);
    finish();
}

/* The wait failed, so there may be packets in the port. */
static void poll_is_full_when_the_wait_fails(void **state)
{
    (void)state;
    begin(false);
    assert_int_equal(poll_until(0), 0);
    assert_false(iocp_rig.loop->full);
    winsock_fail(winsock_call_named("GetQueuedCompletionStatusEx"), 1, NO_MEMORY);
    assert_int_equal(poll_until(0), 0);
    assert_true(iocp_rig.loop->full);
    assert_int_equal(poll_until(0), 0);
    assert_false(iocp_rig.loop->full);
    finish();
}

/* ---- how long ------------------------------------------------------------------------------- */

static uint64_t polled_ns(uint64_t wait_ns)
{
    uint64_t begin_ns = winsock_now();
    assert_int_equal(poll_until(begin_ns + wait_ns), 0);
    return winsock_now() - begin_ns;
}

/* The port waits in milliseconds. A poll that ended early would only be followed by another. */
static void waits_are_rounded_up(void **state)
{
    (void)state;
    begin(false);
    assert_int_equal(polled_ns(0), 0);
    assert_int_equal(polled_ns(1), MS);
    assert_int_equal(polled_ns(MS - 1), MS);
    assert_int_equal(polled_ns(MS), MS);
    assert_int_equal(polled_ns(MS + 1), 2 * MS);
    assert_int_equal(polled_ns(1000 * MS), 1000 * MS);
    uint64_t now_ns = winsock_now();
    assert_int_equal(poll_until(0), 0);
    assert_int_equal(poll_until(now_ns - 1), 0);
    assert_int_equal(winsock_now(), now_ns);
    finish();
}

/* The largest number of milliseconds means for ever, so a poll waits at most one less. */
static void long_waits_end(void **state)
{
    const uint64_t most_ns = (UINT32_MAX - UINT64_C(1)) * MS; /* seven weeks */
    (void)state;
    begin(false);
    assert_int_equal(polled_ns(most_ns - MS), most_ns - MS);
    assert_int_equal(polled_ns(most_ns), most_ns);
    assert_int_equal(polled_ns(most_ns + 1), most_ns);
    assert_int_equal(polled_ns(most_ns + MS), most_ns);
    assert_int_equal(polled_ns(most_ns + 2 * MS), most_ns);
    assert_int_equal(polled_ns(10 * most_ns), most_ns);
    finish();
}

static void wait_for_ever_ends_with_what_comes(void **state)
{
    static const uint8_t byte[1];
    (void)state;
    begin(false);
    iocp_rig_pair(&clients[0], &servers[0]);
    assert_false(iocp_end_recv(&servers[0]));
    iocp_end_send(&clients[0], byte, sizeof(byte));
    uint64_t begin_ns = winsock_now();
    for (unsigned polls = 0; servers[0].received == 0; polls++) {
        assert_int_equal(poll_until(UINT64_MAX), 0);
        assert_true(polls < 5);
    }
    assert_int_equal(winsock_now() - begin_ns, IOCP_RIG_LATENCY_MS * MS);
    finish();
}

/* ---- counts --------------------------------------------------------------------------------- */

static void each_wait_is_counted(void **state)
{
    (void)state;
    begin(false);
    for (uint64_t i = 1; i <= 10; i++) {
        assert_int_equal(poll_until(0), 0);
        assert_int_equal(iocp_rig.loop->stats.wait_calls, i);
    }
    assert_int_equal(iocp_rig.loop->stats.completions, 0);
    assert_int_equal(iocp_rig.loop->stats.batches[0], 0);
    finish();
}

static void wakes_are_counted_by_the_turn(void **state)
{
    (void)state;
    begin(false);
    for (uint64_t i = 1; i <= 3; i++) {
        backend_iocp.wake(iocp_rig.loop);
        backend_iocp.wake(iocp_rig.loop);
        assert_int_equal(poll_until(UINT64_MAX), 1);
        assert_int_equal(iocp_rig.loop->stats.wakes, i);
        assert_int_equal(poll_until(0), 0);
    }
    assert_int_equal(iocp_rig.loop->stats.wakes, 3);
    finish();
}

/* One connection and one message: each attempt and each outcome is counted once. */
static void operations_are_counted(void **state)
{
    static const uint8_t bytes[100];
    (void)state;
    begin(false);
    const struct io_stats *stats = &iocp_rig.loop->stats;
    iocp_rig_pair(&clients[0], &servers[0]);
    assert_int_equal(stats->connect_calls, 1);
    assert_int_equal(stats->accept_calls, 1);
    assert_int_equal(stats->accepts, 1);
    assert_int_equal(stats->completions, 2);
    assert_false(iocp_end_recv(&servers[0]));
    uint64_t recv_calls = stats->recv_calls;
    assert_true(recv_calls > 0);
    iocp_end_send(&clients[0], bytes, sizeof(bytes));
    iocp_rig_poll_for(2 * IOCP_RIG_LATENCY_MS);
    assert_int_equal(servers[0].received, 1);
    assert_false(clients[0].busy);
    assert_int_equal(stats->send_calls, 1);
    assert_int_equal(stats->completions + stats->inline_outcomes, 4);
    assert_int_equal(stats->accepts_failed + stats->starved, 0);
    assert_int_equal(stats->buffers_peak, 1);
    uint64_t turns = 0;
    for (size_t i = 0; i < IO_BATCHES; i++) {
        turns += stats->batches[i];
    }
    assert_true(turns > 0 && turns <= stats->completions);
    finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(untaken_is_what_is_on_its_way),
        cmocka_unit_test(untaken_falls_within_a_pending_send),
        cmocka_unit_test(untaken_is_not_supported_by_wine),
        cmocka_unit_test(untaken_may_fail),
        cmocka_unit_test(poll_is_full_while_packets_are_left),
        cmocka_unit_test(poll_is_full_when_the_wait_fails),
        cmocka_unit_test(waits_are_rounded_up),
        cmocka_unit_test(long_waits_end),
        cmocka_unit_test(wait_for_ever_ends_with_what_comes),
        cmocka_unit_test(each_wait_is_counted),
        cmocka_unit_test(wakes_are_counted_by_the_turn),
        cmocka_unit_test(operations_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
