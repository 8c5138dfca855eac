#include "sim_rig.h"

#include "random.h"

/* The rules of backends/backend.h, kept by sim in every world that a seed makes. */

#define SEEDS (1000 * TEST_EFFORT / 100)

static const struct sim_config perfect = {.seed = 1};

/* ---- Random callers, which do anything that the rules allow -------------------------------- */

static uint64_t caller_state;

static uint64_t draw(uint64_t limit)
{
    return (random_next(&caller_state) >> 16) % limit;
}

static void act(struct sim_end *end)
{
    if (end->socket == NULL || end->closing || end->connecting) {
        return;
    }
    uint64_t choice = draw(100);
    if (choice == 0 || (!end->connected && choice < 50)) {
        sim_end_close(end, draw(2) == 0 ? IO_CLOSE_GRACEFUL : IO_CLOSE_RESET);
    } else if (!end->connected) {
        return;
    } else if (choice < 40 && !end->receiving && end->held_count < SIM_RIG_HELD) {
        end->keep = draw(2) == 0;
        sim_end_recv(end);
    } else if (choice < 80 && !end->send_busy && !end->shut) {
        sim_end_send(end, 1 + draw(1000));
    } else if (choice < 82 && !end->send_busy && !end->shut) {
        sim_end_shutdown(end);
    } else if (choice >= 85 && end->held_count > 0) {
        sim_end_release(end, draw(end->held_count));
    }
}

static void hand_over(struct io_token *token)
{
    uint64_t choice = draw(10);
    if (choice == 0) {
        sim_rig_refuse(token);
    } else if (choice < 5 && backend_sim.detach(rig.loops[1], token) == 0) {
        sim_rig_adopt(token, 2);
    } else {
        sim_rig_adopt(token, 1);
    }
}

static void random_run(const struct sim_config *config)
{
    caller_state = config->seed * 2 + 1;
    size_t buffer_size = 1 + draw(700);
    sim_rig_begin(config, buffer_size, 1 + draw(6));
    rig.on_token = hand_over;
    rig.patience_ns = 1000 * 1000;
    for (size_t turn = 0; turn < 300; turn++) {
        if (!rig.accepting) {
            sim_rig_accept();
        }
        if (rig.connects < SIM_RIG_CONNS && draw(20) == 0) {
            sim_rig_connect(draw(20) == 0 ? 7 : SIM_RIG_PORT);
        }
        for (size_t i = 0; i < SIM_RIG_CONNS; i++) {
            act(&rig.clients[i]);
            act(&rig.servers[i]);
        }
        sim_rig_turn();
        sim_step();
    }
}

/* What each end received is the beginning of what its peer sent; all of it, if it saw the end. */
static void check_pairs(void)
{
    for (size_t i = 0; i < SIM_RIG_CONNS; i++) {
        const struct sim_end *ends[2] = {&rig.clients[i], &rig.servers[i]};
        for (size_t side = 0; side < 2; side++) {
            assert_true(ends[side]->received <= ends[1 - side]->sent);
            if (ends[side]->saw_end) {
                assert_int_equal(ends[side]->received, ends[1 - side]->sent);
            }
        }
    }
}

static void test_random_callers(void **state)
{
    struct sim_counts sum = {{0}};
    char text[1000];
    (void)state;
    for (uint64_t seed = 1; seed <= 5 * SEEDS; seed++) {
        struct sim_config config;
        sim_config_random(&config, seed);
        config.no_detach = seed % 7 == 0;
        random_run(&config);
        sim_counts_add(&sum, sim_counts());
        sim_rig_end();
        check_pairs();
    }
    sim_describe(&sum, text, sizeof(text));
    print_message("%s\n", text);
    for (size_t i = 0; i < SIM_CORRUPTED; i++) {
        assert_true(sum.of[i] > 0);
    }
}

static void test_same_seed_same_run(void **state)
{
    uint64_t last = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct sim_config config;
        uint64_t trace[2];
        sim_config_random(&config, seed);
        for (size_t i = 0; i < 2; i++) {
            random_run(&config);
            sim_rig_end();
            trace[i] = rig.trace;
        }
        assert_true(trace[0] == trace[1]);
        assert_true(trace[0] != last);
        last = trace[0];
    }
}

/* ---- Streams: rules 1, 2, 5, 8 ------------------------------------------------------------ */

#define STREAM 2000

static void stream_step(struct sim_end *end)
{
    if (end->socket == NULL || end->closing || !end->connected) {
        return;
    }
    if (!end->send_busy && end->sent < STREAM) {
        uint64_t rest = STREAM - end->sent;
        assert_true(sim_end_send(end, 1 + draw(rest)) >= 0);
    } else if (!end->send_busy && !end->shut) {
        sim_end_shutdown(end);
    }
    if (end->held_count > 0 && draw(2) == 0) {
        sim_end_release(end, 0);
    }
    if (!end->receiving && !end->saw_end && end->held_count < SIM_RIG_HELD) {
        end->keep = draw(2) == 0;
        assert_true(sim_end_recv(end) >= 0);
    }
    if (end->saw_end && end->shut) {
        sim_end_close(end, IO_CLOSE_GRACEFUL);
    }
}

static bool streams_ended(void)
{
    for (size_t i = 0; i < SIM_RIG_CONNS; i++) {
        if (!rig.clients[i].closed || !rig.servers[i].closed) {
            return false;
        }
    }
    return true;
}

/* Four connections over a pool of one to five buffers: all bytes arrive, then the end. */
static void test_streams_are_whole(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct sim_config config;
        sim_rig_lossless(&config, seed);
        caller_state = seed;
        size_t buffer_size = 1 + draw(1500);
        sim_rig_begin(&config, buffer_size, 1 + draw(5));
        rig.patience_ns = 1000 * 1000;
        for (size_t i = 0; i < SIM_RIG_CONNS; i++) {
            sim_rig_connect(SIM_RIG_PORT);
        }
        for (size_t turn = 0; !streams_ended(); turn++) {
            assert_true(turn < 1000000);
            if (!rig.accepting && rig.accepted < SIM_RIG_CONNS) {
                sim_rig_accept();
            }
            for (size_t i = 0; i < SIM_RIG_CONNS; i++) {
                stream_step(&rig.clients[i]);
                stream_step(&rig.servers[i]);
            }
            sim_rig_turn();
            sim_step();
        }
        sim_rig_end();
        for (size_t i = 0; i < SIM_RIG_CONNS; i++) {
            assert_int_equal(rig.clients[i].received, STREAM);
            assert_int_equal(rig.servers[i].received, STREAM);
        }
    }
}

static void test_starved_receives_resume_in_order(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct sim_config config;
        sim_rig_lossless(&config, seed);
        sim_rig_begin(&config, 100, 1);
        struct sim_end *servers[3];
        for (size_t i = 0; i < 3; i++) {
            servers[i] = sim_rig_pair()->peer;
            servers[i]->keep = true;
            assert_true(sim_end_send(servers[i]->peer, 1) >= 0);
            sim_rig_settle();
            sim_end_recv(servers[i]);
            sim_rig_settle(); /* the first takes the buffer, the others wait */
        }
        for (size_t i = 0; i < 3; i++) {
            assert_int_equal(rig.loops[1]->pool.in_use, 1);
            assert_int_equal(servers[i]->recvs, 1);
            assert_true(i == 2 || servers[i + 1]->recvs == 0);
            sim_end_release(servers[i], 0);
            sim_rig_settle();
        }
        assert_int_equal(rig.loops[1]->pool.in_use, 0);
        assert_true(rig.loops[1]->stats.starved == 2);
        sim_rig_end();
    }
}

static void test_idle_receives_hold_no_buffer(void **state)
{
    (void)state;
    sim_rig_begin(&perfect, 100, 1);
    for (size_t i = 0; i < SIM_RIG_CONNS; i++) {
        assert_int_equal(sim_end_recv(sim_rig_pair()->peer), IO_PENDING);
    }
    sim_rig_settle();
    assert_int_equal(rig.loops[1]->pool.in_use, 0);
    assert_int_equal(rig.loops[1]->stats.starved, 0);
    sim_rig_end();
}

static size_t servers_served(void)
{
    size_t count = 0;
    for (size_t i = 0; i < SIM_RIG_CONNS; i++) {
        count += rig.servers[i].recvs == 1;
    }
    return count;
}

/* A turn that leaves work sets `full`, even if it came back early. */
static void test_full_turns_leave_the_rest(void **state)
{
    size_t full_turns = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        const struct sim_config config = {
            .seed = seed, .full_ppm = 800000, .early_ppm = seed % 2 == 0 ? 0 : 500000};
        sim_rig_begin(&config, 100, SIM_RIG_CONNS);
        for (size_t i = 0; i < SIM_RIG_CONNS; i++) {
            sim_end_recv(sim_rig_pair()->peer);
        }
        sim_rig_settle();
        for (size_t i = 0; i < SIM_RIG_CONNS; i++) {
            sim_end_send(&rig.clients[i], 10);
        }
        assert_true(sim_advance(sim_now()));
        assert_int_equal(servers_served(), 0);
        rig.polling = rig.loops[1];
        do {
            assert_int_equal(backend_sim.poll(rig.loops[1], 0), 0);
            full_turns += rig.loops[1]->full;
        } while (rig.loops[1]->full);
        rig.polling = NULL;
        assert_int_equal(servers_served(), SIM_RIG_CONNS);
        sim_rig_end();
    }
    assert_true(full_turns > SEEDS);
}

/* ---- Closing: rules 2, 3, 4 --------------------------------------------------------------- */

/* A connection in a lossless world; the client's end. */
static struct sim_end *begin_pair(uint64_t seed)
{
    struct sim_config config;
    sim_rig_lossless(&config, seed);
    sim_rig_begin(&config, 100, 4);
    return sim_rig_pair();
}

static void test_close_cancels_then_calls_back(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct sim_end *client = begin_pair(seed);
        sim_end_recv(client);
        sim_end_send(client, 200000); /* more than the pipe takes */
        sim_rig_settle();
        assert_true(client->receiving && client->send_busy);
        sim_end_close(client, seed % 2 == 0 ? IO_CLOSE_GRACEFUL : IO_CLOSE_RESET);
        assert_true(client->receiving && client->send_busy && !client->closed);
        sim_rig_settle();
        assert_true(client->closed);
        assert_int_equal(client->recv_status, UV_ECANCELED);
        assert_int_equal(client->send_status, UV_ECANCELED);
        assert_true(client->sent > 0 && client->sent < 200000);
        sim_rig_end();
    }
}

static void close_in_callback(struct io_token *token)
{
    sim_rig_adopt(token, 1);
    struct sim_end *server = &rig.servers[0];
    sim_end_close(server, IO_CLOSE_GRACEFUL);
    assert_false(server->closed);
}

static void test_close_from_a_callback_is_later(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct sim_config config;
        sim_rig_lossless(&config, seed);
        config.inline_ppm = 0;  /* accept: by callback */
        config.batches_ppm = 0; /* one batch, one turn */
        sim_rig_begin(&config, 100, 4);
        rig.on_token = close_in_callback;
        sim_rig_accept();
        sim_rig_connect(SIM_RIG_PORT);
        sim_rig_settle();
        assert_true(rig.servers[0].closed);
        assert_true(rig.servers[0].closed_turn > rig.servers[0].close_turn);
        sim_rig_end();
    }
}

/* Both operations of the peer end with the reset, and so does every later one. */
static void test_reset_ends_the_peers_operations(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct sim_end *client = begin_pair(seed);
        sim_end_recv(client);
        sim_end_send(client, 200000);
        sim_rig_settle();
        sim_end_close(client->peer, IO_CLOSE_RESET);
        sim_rig_settle();
        assert_int_equal(client->recv_status, UV_ECONNRESET);
        assert_int_equal(client->send_status, UV_ECONNRESET);
        sim_end_recv(client);
        sim_rig_settle();
        assert_int_equal(client->recvs, 2);
        assert_int_equal(client->recv_status, UV_ECONNRESET);
        sim_rig_end();
    }
}

static void test_close_delivers_what_was_sent(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct sim_config config;
        sim_rig_lossless(&config, seed);
        config.capacity_min = 300;
        config.capacity_max = 400;
        sim_rig_begin(&config, 100, 4);
        struct sim_end *client = sim_rig_pair();
        sim_end_send(client, 300);
        sim_rig_settle();
        assert_int_equal(client->sent, 300);
        sim_end_close(client, IO_CLOSE_GRACEFUL);
        sim_rig_settle();
        sim_end_recv_all(client->peer);
        assert_true(client->peer->saw_end);
        assert_int_equal(client->peer->received, 300);
        sim_rig_end();
    }
}

static void test_close_with_unread_bytes_resets(void **state)
{
    (void)state;
    sim_rig_begin(&perfect, 100, 4);
    struct sim_end *client = sim_rig_pair();
    sim_end_send(client->peer, 10);
    sim_rig_settle();
    sim_end_close(client, IO_CLOSE_GRACEFUL);
    sim_rig_settle();
    sim_end_recv_all(client->peer);
    assert_int_equal(client->peer->recv_status, UV_ECONNRESET);
    assert_int_equal(sim_counts()->of[SIM_UNREAD], 1);
    sim_rig_end();
}

static void test_bytes_to_a_closed_end_reset(void **state)
{
    (void)state;
    sim_rig_begin(&perfect, 100, 4);
    struct sim_end *client = sim_rig_pair();
    sim_end_close(client, IO_CLOSE_GRACEFUL);
    sim_rig_settle();
    sim_end_send(client->peer, 10);
    sim_rig_settle();
    assert_int_equal(client->peer->send_status, 0);
    sim_end_recv_all(client->peer);
    assert_int_equal(client->peer->recv_status, UV_ECONNRESET);
    sim_rig_end();
}

static void test_half_close(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct sim_end *client = begin_pair(seed);
        sim_end_send(client, 1);
        sim_rig_settle();
        sim_end_shutdown(client);
        sim_end_recv_all(client->peer);
        assert_int_equal(client->peer->received, 1);
        sim_end_send(client->peer, 1);
        sim_rig_settle();
        sim_end_shutdown(client->peer);
        sim_end_recv_all(client);
        assert_int_equal(client->received, 1);
        assert_true(client->saw_end && client->peer->saw_end);
        sim_rig_end();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_callers),
        cmocka_unit_test(test_same_seed_same_run),
        cmocka_unit_test(test_streams_are_whole),
        cmocka_unit_test(test_starved_receives_resume_in_order),
        cmocka_unit_test(test_full_turns_leave_the_rest),
        cmocka_unit_test(test_idle_receives_hold_no_buffer),
        cmocka_unit_test(test_close_cancels_then_calls_back),
        cmocka_unit_test(test_close_from_a_callback_is_later),
        cmocka_unit_test(test_reset_ends_the_peers_operations),
        cmocka_unit_test(test_close_delivers_what_was_sent),
        cmocka_unit_test(test_close_with_unread_bytes_resets),
        cmocka_unit_test(test_bytes_to_a_closed_end_reset),
        cmocka_unit_test(test_half_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
