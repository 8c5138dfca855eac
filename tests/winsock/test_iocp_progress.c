/*
 * What backends/iocp*.c tells of a peer's progress, over the Winsock of tests/winsock. Windows has
 * SIO_TCP_INFO for that, and Wine 8 does not. And of its polls: whether one was full, how long it
 * waits, to the millisecond and for weeks, and what was counted, which no real system promises.
 */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "iocp_network.h"
#include "util.h"

#define MS UINT64_C(1000000)

/* Of <winsock2.h>, whose macros take the names of a backend's operations. */
enum { NO_MEMORY = 8, WSA_OPNOTSUPP = 10045, WSA_NETDOWN = 10050 };

enum { LATENCY_MS = 10, CAPACITY = 64 * 1024, ENDS_MAX = 300 };

struct end {
    struct io_socket *socket;
    struct io_connect connect;
    struct io_recv recv;
    struct io_send send;
    struct io_close close;
    size_t received; /* outcomes */
    bool busy;       /* a send or a connect is outstanding */
    bool closed;
};

static struct io_loop *loop;
static struct io_listener *listener;
static struct io_accept accept_op;
static bool accepted;
static struct end clients[ENDS_MAX];
static struct end servers[ENDS_MAX];

#define END_OF(op, member) CONTAINER_OF(op, struct end, member)

static void on_accept(struct io_accept *op)
{
    accepted = op->status == 0;
    if (accepted) {
        for (size_t i = 0; i < ENDS_MAX; i++) {
            if (servers[i].socket == NULL) {
                servers[i].socket = calloc(1, backend_iocp.socket_size);
                assert_int_equal(backend_iocp.adopt(loop, &op->token, servers[i].socket), 0);
                return;
            }
        }
    }
}

static void on_connect(struct io_connect *op)
{
    END_OF(op, connect)->busy = false;
}

static void on_recv(struct io_recv *op)
{
    assert_int_equal(op->status, 0);
    END_OF(op, recv)->received++;
    backend_iocp.release(loop, op->data);
}

static void on_send(struct io_send *op)
{
    END_OF(op, send)->busy = false;
}

static void on_close(struct io_close *op)
{
    END_OF(op, close)->closed = true;
}

/* ---- the loop and its ends ------------------------------------------------------------------ */

static void poll_for(uint64_t ms)
{
    uint64_t until = winsock_now() + ms * MS;
    while (winsock_now() < until) {
        assert_true(backend_iocp.poll(loop, until) >= 0);
    }
}

static void begin(bool wine)
{
    const struct winsock_config network = {
        .seed = 1,
        .waits = WINSOCK_ADVANCING,
        .latency_min_ns = LATENCY_MS * MS,
        .latency_max_ns = LATENCY_MS * MS,
        .capacity_min = CAPACITY,
        .capacity_max = CAPACITY,
        .wine = wine,
    };
    const struct io_config config = {.buffer_size = CAPACITY,
                                     .buffer_memory = (size_t)1 << 30,
                                     .open_socket = iocp_network.open_socket};
    memset(clients, 0, sizeof(clients));
    memset(servers, 0, sizeof(servers));
    winsock_begin(&network);
    assert_int_equal(backend_iocp.loop_open(&config, &loop), 0);
    assert_int_equal(backend_iocp.listen(loop, iocp_network.listening(0), 128, &listener), 0);
}

static void connect_pair(size_t i)
{
    struct sockaddr_in address;
    (void)uv_ip4_addr("127.0.0.1", WORLD_PORT, &address);
    accept_op = (struct io_accept){.done = on_accept};
    clients[i] = (struct end){.socket = calloc(1, backend_iocp.socket_size),
                              .connect = {.done = on_connect},
                              .busy = true};
    accepted = false;
    assert_int_equal(backend_iocp.accept(loop, listener, &accept_op), IO_PENDING);
    assert_int_equal(backend_iocp.connect(loop, clients[i].socket,
                                          (const struct sockaddr *)(const void *)&address,
                                          &clients[i].connect),
                     IO_PENDING);
    while (clients[i].busy || !accepted) {
        poll_for(1);
    }
}

static void end_send(struct end *end, const uint8_t *data, size_t length)
{
    end->send = (struct io_send){.done = on_send, .data = data, .length = length};
    end->busy = backend_iocp.send(loop, end->socket, &end->send) == IO_PENDING;
}

/* Whether it is over at once. */
static bool end_recv(struct end *end)
{
    end->recv = (struct io_recv){.done = on_recv};
    int outcome = backend_iocp.recv(loop, end->socket, &end->recv);
    assert_true(outcome == IO_DONE || outcome == IO_PENDING);
    if (outcome == IO_DONE) {
        on_recv(&end->recv);
    }
    return outcome == IO_DONE;
}

static void end_close(struct end *end)
{
    if (end->socket == NULL) {
        return;
    }
    end->close = (struct io_close){.done = on_close};
    backend_iocp.close(loop, end->socket, IO_CLOSE_RESET, &end->close);
    while (!end->closed) {
        poll_for(1);
    }
    free(end->socket);
}

static void finish(void)
{
    backend_iocp.accept_stop(loop, listener);
    for (size_t i = 0; i < ENDS_MAX; i++) {
        end_close(&clients[i]);
        end_close(&servers[i]);
    }
    backend_iocp.loop_close(loop);
    winsock_end();
}

/* ---- untaken -------------------------------------------------------------------------------- */

static uint64_t untaken(struct end *end)
{
    uint64_t bytes = UINT64_MAX;
    assert_int_equal(backend_iocp.untaken(loop, end->socket, &bytes), 0);
    return bytes;
}

static void untaken_is_what_is_on_its_way(void **state)
{
    static const uint8_t bytes[1000];
    (void)state;
    begin(false);
    connect_pair(0);
    assert_int_equal(untaken(&clients[0]), 0);
    assert_int_equal(untaken(&servers[0]), 0);
    end_send(&clients[0], bytes, sizeof(bytes));
    poll_for(1);
    assert_false(clients[0].busy); /* it has completed, and has not arrived */
    assert_int_equal(untaken(&clients[0]), sizeof(bytes));
    poll_for(2 * LATENCY_MS);
    assert_int_equal(untaken(&clients[0]), 0);
    assert_int_equal(untaken(&servers[0]), 0);
    finish();
}

static void untaken_falls_within_a_pending_send(void **state)
{
    enum { LENGTH = 4 * CAPACITY };
    static const uint8_t bytes[LENGTH];
    (void)state;
    begin(false);
    connect_pair(0);
    end_send(&clients[0], bytes, LENGTH);
    for (size_t left = LENGTH - CAPACITY; left > 0; left -= CAPACITY) {
        poll_for(2 * LATENCY_MS);
        assert_true(clients[0].busy);
        assert_int_equal(untaken(&clients[0]), left);
        assert_true(end_recv(&servers[0]) || left == LENGTH - CAPACITY);
    }
    poll_for(4 * LATENCY_MS);
    assert_false(clients[0].busy);
    assert_int_equal(untaken(&clients[0]), 0);
    finish();
}

static size_t call_named(const char *name)
{
    size_t call = 0;
    while (strcmp(winsock_calls[call].name, name) != 0) {
        call++;
    }
    return call;
}

static void untaken_is_not_told_by_wine(void **state)
{
    uint64_t bytes;
    (void)state;
    begin(true);
    connect_pair(0);
    assert_int_equal(backend_iocp.untaken(loop, clients[0].socket, &bytes), UV_ENOTSUP);
    finish();
}

static void untaken_may_fail(void **state)
{
    uint64_t bytes;
    (void)state;
    begin(false);
    connect_pair(0);
    winsock_fail(call_named("WSAIoctl"), 1, WSA_OPNOTSUPP);
    assert_int_equal(backend_iocp.untaken(loop, clients[0].socket, &bytes), UV_ENOTSUP);
    winsock_fail(call_named("WSAIoctl"), 1, WSA_NETDOWN);
    assert_int_equal(backend_iocp.untaken(loop, clients[0].socket, &bytes), UV_ENETDOWN);
    assert_int_equal(untaken(&clients[0]), 0);
    finish();
}

/* ---- full ----------------------------------------------------------------------------------- */

static size_t received(void)
{
    size_t count = 0;
    for (size_t i = 0; i < ENDS_MAX; i++) {
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
    for (size_t i = 0; i < ENDS_MAX; i++) {
        connect_pair(i);
        assert_false(end_recv(&servers[i]));
    }
    for (size_t i = 0; i < ENDS_MAX; i++) {
        end_send(&clients[i], byte, sizeof(byte));
    }
    (void)winsock_advance(winsock_now() + 2 * LATENCY_MS * MS); /* the sends' packets are there */
    size_t turns = 0;
    do {
        assert_true(backend_iocp.poll(loop, 0) >= 0);
        turns++;
    } while (loop->full);
    assert_true(turns > ENDS_MAX / BATCH);
    poll_for(2 * LATENCY_MS);
    assert_int_equal(received(), ENDS_MAX);
    assert_false(loop->full);
    finish();
}

/* The port can't be asked just then: nothing is known of what is in it. */
static void poll_is_full_when_the_wait_fails(void **state)
{
    (void)state;
    begin(false);
    assert_int_equal(backend_iocp.poll(loop, 0), 0);
    assert_false(loop->full);
    winsock_fail(call_named("GetQueuedCompletionStatusEx"), 1, NO_MEMORY);
    assert_int_equal(backend_iocp.poll(loop, 0), 0);
    assert_true(loop->full);
    assert_int_equal(backend_iocp.poll(loop, 0), 0);
    assert_false(loop->full);
    finish();
}

/* ---- how long ------------------------------------------------------------------------------- */

static uint64_t polled_ns(uint64_t wait_ns)
{
    uint64_t begin_ns = winsock_now();
    assert_int_equal(backend_iocp.poll(loop, begin_ns + wait_ns), 0);
    return winsock_now() - begin_ns;
}

/* The port has milliseconds, and a poll that ends early would be another poll. */
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
    assert_int_equal(backend_iocp.poll(loop, 0), 0);
    assert_int_equal(backend_iocp.poll(loop, now_ns - 1), 0);
    assert_int_equal(winsock_now(), now_ns);
    finish();
}

/* The greatest number of milliseconds means for ever, so a poll may take one less. */
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
    connect_pair(0);
    assert_false(end_recv(&servers[0]));
    end_send(&clients[0], byte, sizeof(byte));
    uint64_t begin_ns = winsock_now();
    for (unsigned polls = 0; servers[0].received == 0; polls++) {
        assert_int_equal(backend_iocp.poll(loop, UINT64_MAX), 0);
        assert_true(polls < 5);
    }
    assert_int_equal(winsock_now() - begin_ns, LATENCY_MS * MS);
    finish();
}

/* ---- counts --------------------------------------------------------------------------------- */

static void each_wait_is_counted(void **state)
{
    (void)state;
    begin(false);
    for (uint64_t i = 1; i <= 10; i++) {
        assert_int_equal(backend_iocp.poll(loop, 0), 0);
        assert_int_equal(loop->stats.wait_calls, i);
    }
    assert_int_equal(loop->stats.completions, 0);
    assert_int_equal(loop->stats.batches[0], 0);
    finish();
}

static void wakes_are_counted_by_the_turn(void **state)
{
    (void)state;
    begin(false);
    for (uint64_t i = 1; i <= 3; i++) {
        backend_iocp.wake(loop);
        backend_iocp.wake(loop);
        assert_int_equal(backend_iocp.poll(loop, UINT64_MAX), 1);
        assert_int_equal(loop->stats.wakes, i);
        assert_int_equal(backend_iocp.poll(loop, 0), 0);
    }
    assert_int_equal(loop->stats.wakes, 3);
    finish();
}

/* One connection and one message: each attempt and each outcome once. */
static void operations_are_counted(void **state)
{
    static const uint8_t bytes[100];
    (void)state;
    begin(false);
    const struct io_stats *stats = &loop->stats;
    connect_pair(0);
    assert_int_equal(stats->connect_calls, 1);
    assert_int_equal(stats->accept_calls, 1);
    assert_int_equal(stats->accepts, 1);
    assert_int_equal(stats->completions, 2);
    assert_false(end_recv(&servers[0]));
    uint64_t recv_calls = stats->recv_calls;
    assert_true(recv_calls > 0);
    end_send(&clients[0], bytes, sizeof(bytes));
    poll_for(2 * LATENCY_MS);
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
        cmocka_unit_test(untaken_is_not_told_by_wine),
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
