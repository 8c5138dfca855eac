#include "sim_rig.h"

#include <string.h>

/* The simulated network: connecting, accepting, tokens, time, and damage when it is asked for. */

#define SEEDS 1000

static const struct sim_config perfect = {.seed = 1};

/* ---- Connecting and accepting ------------------------------------------------------------- */

static void test_unknown_port_is_refused(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct sim_config config;
        sim_rig_lossless(&config, seed);
        sim_rig_begin(&config, 100, 4);
        struct sim_end *client = sim_rig_connect(7);
        sim_rig_settle();
        assert_false(client->connecting || client->connected);
        assert_int_equal(client->connect_status, UV_ECONNREFUSED);
        sim_rig_end();
    }
}

static void test_hanging_connect_is_canceled(void **state)
{
    struct sim_config config = perfect;
    (void)state;
    config.connect_hangs_ppm = 1000000;
    sim_rig_begin(&config, 100, 4);
    struct sim_end *client = sim_rig_connect(SIM_RIG_PORT);
    sim_rig_settle();
    assert_true(client->connecting);
    sim_end_close(client, IO_CLOSE_GRACEFUL);
    sim_rig_settle();
    assert_true(client->closed);
    assert_int_equal(client->connect_status, UV_ECANCELED);
    sim_rig_end();
}

static void test_accept_errors(void **state)
{
    struct sim_config config = perfect;
    (void)state;
    config.accept_emfile_ppm = 500000;
    config.accept_aborted_ppm = 100000;
    size_t emfile = 0;
    size_t aborted = 0;
    for (config.seed = 1; config.seed <= 100; config.seed++) {
        sim_rig_begin(&config, 100, 4);
        struct sim_end *client = sim_rig_connect(SIM_RIG_PORT);
        do {
            sim_rig_accept();
            sim_rig_settle();
            emfile += rig.accept_status == UV_EMFILE;
        } while (rig.accept_status == UV_EMFILE);
        assert_true(client->connected);
        if (rig.accept_status == UV_ECONNABORTED) {
            aborted++;
            sim_end_recv_all(client);
            assert_int_equal(client->recv_status, UV_ECONNRESET);
        } else {
            assert_true(client->peer->connected);
        }
        sim_rig_end();
    }
    assert_true(emfile > 0 && aborted > 0);
}

static void test_stop_resets_the_queue_and_cancels(void **state)
{
    (void)state;
    sim_rig_begin(&perfect, 100, 4);
    struct sim_end *client = sim_rig_connect(SIM_RIG_PORT);
    sim_rig_settle();
    assert_true(client->connected);
    backend_sim.accept_stop(rig.loops[1], rig.listener);
    rig.listener = NULL;
    sim_end_recv_all(client);
    assert_int_equal(client->recv_status, UV_ECONNRESET);
    client = sim_rig_connect(SIM_RIG_PORT);
    sim_rig_settle();
    assert_int_equal(client->connect_status, UV_ECONNREFUSED);
    sim_rig_end();

    sim_rig_begin(&perfect, 100, 4);
    sim_rig_accept();
    sim_rig_settle();
    assert_true(rig.accepting);
    backend_sim.accept_stop(rig.loops[1], rig.listener);
    rig.listener = NULL;
    sim_rig_settle();
    assert_int_equal(rig.accept_status, UV_ECANCELED);
    sim_rig_end();
}

static void test_full_backlog_delays(void **state)
{
    (void)state;
    sim_rig_begin(&perfect, 100, 4);
    for (size_t i = 0; i < 3; i++) {
        sim_rig_connect(SIM_RIG_PORT);
    }
    assert_true(sim_advance(sim_now() + 1));
    sim_rig_turn();
    assert_true(rig.clients[1].connected && !rig.clients[2].connected);
    sim_rig_accept();
    sim_rig_settle();
    assert_true(rig.clients[2].connected);
    assert_true(sim_counts()->of[SIM_BACKLOG_FULL] == 1);
    sim_rig_end();
}

static struct io_token kept_token;

static void keep_detached(struct io_token *token)
{
    assert_int_equal(backend_sim.detach(rig.loops[1], token), 0);
    kept_token = *token;
}

static void test_detached_token_lives_on(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct sim_config config;
        sim_rig_lossless(&config, seed);
        config.capacity_min = config.capacity_max = 100;
        sim_rig_begin(&config, 100, 4);
        rig.on_token = keep_detached;
        sim_rig_accept();
        struct sim_end *client = sim_rig_connect(SIM_RIG_PORT);
        sim_rig_settle();
        sim_end_send(client, 50);
        sim_rig_settle();
        sim_rig_adopt(&kept_token, 2);
        sim_end_shutdown(client);
        sim_end_recv_all(client->peer);
        assert_int_equal(client->peer->received, 50);
        assert_int_equal(rig.loops[1]->pool.in_use_peak, 0);
        sim_rig_end();
    }
}

static void refuse_undetachable(struct io_token *token)
{
    assert_int_equal(backend_sim.detach(rig.loops[1], token), UV_ENOTSUP);
    sim_rig_refuse(token);
}

static void test_flags_answer_enotsup(void **state)
{
    struct sim_config config = perfect;
    struct io_listener *second;
    (void)state;
    config.no_detach = true;
    config.one_listener = true;
    sim_rig_begin(&config, 100, 4);
    rig.on_token = refuse_undetachable;
    sim_rig_accept();
    struct sim_end *client = sim_rig_connect(SIM_RIG_PORT);
    sim_rig_settle();
    sim_end_recv_all(client);
    assert_true(client->saw_end);
    assert_int_equal(backend_sim.listen(rig.loops[2], SIM_RIG_PORT, 2, &second), UV_ENOTSUP);
    sim_rig_end();
}

static void test_first_bytes_come_inline(void **state)
{
    struct sim_config config = perfect;
    (void)state;
    config.first_bytes_ppm = 1000000;
    sim_rig_begin(&config, 100, 4);
    struct sim_end *client = sim_rig_connect(SIM_RIG_PORT);
    sim_rig_settle();
    sim_end_send(client, 10);
    sim_rig_settle();
    sim_rig_accept();
    sim_rig_settle();
    assert_int_equal(rig.accept.token.first_length > 0, 1);
    assert_int_equal(sim_end_recv(client->peer), IO_DONE);
    assert_int_equal(client->peer->received, rig.accept.token.first_length);
    sim_rig_end();
}

static void test_listeners_share_a_port(void **state)
{
    size_t first = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct sim_config config = {.seed = seed};
        struct io_listener *second;
        sim_rig_begin(&config, 100, 4);
        assert_int_equal(backend_sim.listen(rig.loops[2], SIM_RIG_PORT, 2, &second), 0);
        sim_rig_connect(SIM_RIG_PORT);
        sim_rig_settle();
        sim_rig_accept();
        sim_rig_settle();
        first += rig.accepted;
        backend_sim.accept_stop(rig.loops[2], second);
        sim_rig_end();
    }
    assert_true(first > SEEDS * 4 / 10 && first < SEEDS * 6 / 10);
}

/* ---- Time and waking ---------------------------------------------------------------------- */

static void test_time(void **state)
{
    (void)state;
    sim_rig_begin(&perfect, 100, 4);
    uint64_t start = sim_now();
    sim_rig_turn();
    assert_int_equal(sim_now(), start);
    assert_false(sim_step()); /* no events, no deadlines */
    assert_true(sim_advance(start + 5));
    assert_int_equal(sim_now(), start + 5);
    backend_sim.poll(rig.loops[0], start + 100);
    backend_sim.poll(rig.loops[1], start + 90);
    assert_true(sim_step());
    assert_int_equal(sim_now(), start + 90);
    assert_true(sim_step());
    assert_int_equal(sim_now(), start + 100);
    assert_false(sim_step());
    backend_sim.poll(rig.loops[0], 0);
    assert_true(sim_step()); /* it doesn't want to wait */
    assert_int_equal(backend_sim.now(rig.loops[0]), start + 100);
    sim_rig_end();
}

/* A callback may start a timer that the deadline of its poll does not consider. */
static void test_time_stands_still_after_a_callback(void **state)
{
    (void)state;
    sim_rig_begin(&perfect, 100, 4);
    struct sim_end *client = sim_rig_connect(SIM_RIG_PORT);
    uint64_t start = sim_now();
    while (client->connecting) {
        sim_rig_turn();
    }
    backend_sim.poll(rig.loops[1], start + 100);
    assert_true(sim_step());
    assert_int_equal(sim_now(), start);
    sim_rig_turn();
    backend_sim.poll(rig.loops[1], start + 100);
    assert_true(sim_step());
    assert_int_equal(sim_now(), start + 100);
    sim_rig_end();
}

static void test_latency(void **state)
{
    struct sim_config config = {.seed = 1, .latency_min_ns = 1000, .latency_max_ns = 2000};
    (void)state;
    sim_rig_begin(&config, 100, 4);
    uint64_t start = sim_now();
    struct sim_end *client = sim_rig_connect(SIM_RIG_PORT);
    sim_rig_turn();
    while (!client->connected) {
        assert_true(sim_step());
        sim_rig_turn();
    }
    assert_true(sim_now() >= start + 1000 && sim_now() <= start + 4000);
    sim_rig_end();
}

static void test_wakes_coalesce(void **state)
{
    (void)state;
    sim_rig_begin(&perfect, 100, 4);
    assert_int_equal(backend_sim.poll(rig.loops[0], UINT64_MAX), 0);
    backend_sim.wake(rig.loops[0]);
    backend_sim.wake(rig.loops[0]);
    assert_true(sim_step());
    assert_int_equal(backend_sim.poll(rig.loops[1], UINT64_MAX), 0);
    assert_int_equal(backend_sim.poll(rig.loops[0], UINT64_MAX), 1);
    assert_int_equal(backend_sim.poll(rig.loops[0], UINT64_MAX), 0);
    assert_int_equal(rig.loops[0]->stats.wakes, 1);
    sim_rig_end();
}

/* ---- Corruption --------------------------------------------------------------------------- */

#define DAMAGED_AT 37

static uint8_t seen[200];
static size_t seen_length;

static void see(struct io_recv *op)
{
    memcpy(seen + seen_length, op->data, op->length);
    seen_length += op->length;
    backend_sim.release(rig.loops[1], op->data);
}

/* What the server receives of 100 bytes, in `seen`. */
static void receive_damaged(enum sim_damage damage)
{
    struct sim_config config = perfect;
    struct io_recv op = {.done = see};
    config.corruption = (struct sim_corruption){
        .damage = damage, .connection = 1, .to_client = false, .offset = DAMAGED_AT};
    sim_rig_begin(&config, 200, 4);
    sim_rig_pair(); /* not the one */
    struct sim_end *client = sim_rig_pair();
    assert_true(sim_end_send(client, DAMAGED_AT + 1) >= 0);
    sim_rig_settle();
    assert_true(sim_end_send(client, 100 - DAMAGED_AT - 1) >= 0);
    sim_rig_settle();
    seen_length = 0;
    assert_int_equal(backend_sim.recv(client->peer->loop, client->peer->socket, &op), IO_PENDING);
    sim_rig_settle();
    assert_int_equal(sim_counts()->of[SIM_CORRUPTED], damage == SIM_INTACT ? 0 : 1);
    sim_rig_end();
}

static void expect_seen(size_t at, uint64_t from, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        assert_int_equal(seen[at + i], sim_rig_byte(2, from + i));
    }
}

static void test_corruption(void **state)
{
    const size_t rest = 100 - DAMAGED_AT - 1;
    (void)state;
    receive_damaged(SIM_INTACT);
    assert_int_equal(seen_length, 100);
    expect_seen(0, 0, 100);

    receive_damaged(SIM_FLIP);
    assert_int_equal(seen_length, 100);
    expect_seen(0, 0, DAMAGED_AT);
    assert_int_not_equal(seen[DAMAGED_AT], sim_rig_byte(2, DAMAGED_AT));
    expect_seen(DAMAGED_AT + 1, DAMAGED_AT + 1, rest);

    receive_damaged(SIM_DROP);
    assert_int_equal(seen_length, 99);
    expect_seen(0, 0, DAMAGED_AT);
    expect_seen(DAMAGED_AT, DAMAGED_AT + 1, rest);

    receive_damaged(SIM_DUPLICATE);
    assert_int_equal(seen_length, 101);
    expect_seen(0, 0, DAMAGED_AT + 1);
    expect_seen(DAMAGED_AT + 1, DAMAGED_AT, rest + 1);

    receive_damaged(SIM_SWAP);
    assert_int_equal(seen_length, 100);
    expect_seen(0, 0, DAMAGED_AT);
    expect_seen(DAMAGED_AT, DAMAGED_AT + 1, 1);
    expect_seen(DAMAGED_AT + 1, DAMAGED_AT, 1);
    expect_seen(DAMAGED_AT + 2, DAMAGED_AT + 2, rest - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unknown_port_is_refused),
        cmocka_unit_test(test_hanging_connect_is_canceled),
        cmocka_unit_test(test_accept_errors),
        cmocka_unit_test(test_stop_resets_the_queue_and_cancels),
        cmocka_unit_test(test_full_backlog_delays),
        cmocka_unit_test(test_detached_token_lives_on),
        cmocka_unit_test(test_flags_answer_enotsup),
        cmocka_unit_test(test_first_bytes_come_inline),
        cmocka_unit_test(test_listeners_share_a_port),
        cmocka_unit_test(test_time),
        cmocka_unit_test(test_time_stands_still_after_a_callback),
        cmocka_unit_test(test_latency),
        cmocka_unit_test(test_wakes_coalesce),
        cmocka_unit_test(test_corruption),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
