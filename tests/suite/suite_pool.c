/* Rule 8: idle connections hold no buffer; if the pool is at its limit, receives wait in turn. */

#include "suite.h"

static const uint8_t bytes[500];
static const uint8_t more[4 * KIB];

/* A rig with a pool of `buffers` buffers of 1 KiB. */
static void pool_rig(struct suite_rig *rig, const struct backend *backend, size_t buffers)
{
    rig_open_with(rig, backend, KIB, buffers * KIB);
    rig_listen(rig, 16, 1);
    assert_int_equal(rig->loop->pool.limit, buffers);
}

/* Polls until a deadline in 20 ms, which takes few turns. */
static void does_not_spin(struct suite_rig *rig)
{
    uint64_t turns = rig->loop->stats.wait_calls;
    uint64_t until = rig->backend->now(rig->loop) + 20000000;
    while (rig->backend->now(rig->loop) < until) {
        (void)rig_poll(rig, until);
    }
    assert_true(rig->loop->stats.wait_calls - turns < 10);
}

/* Waits in polls that end only by an event. The deadline only ends a test that hangs. */
static void await_data(struct suite_rig *rig, const struct rig_conn *conn)
{
    uint64_t until = rig->backend->now(rig->loop) + PATIENCE_NS;
    while (conn->data == NULL) {
        (void)rig_poll(rig, until);
        assert_true(rig->backend->now(rig->loop) < until);
    }
}

/* ---- idle ----------------------------------------------------------------------------------- */

static void idle_connections_hold_no_buffer(const struct backend *backend)
{
    enum { CONNECTIONS = 100 };
    struct suite_rig rig;
    uv_os_sock_t peers[CONNECTIONS];
    rig_open(&rig, backend);
    rig.on_open = echo_open;
    rig_listen(&rig, 16, 2);
    for (size_t i = 0; i < CONNECTIONS; i++) {
        (void)rig_pair(&rig, &peers[i]);
    }
    rig_quiet(&rig);
    assert_int_equal(rig.loop->pool.in_use, 0);
    for (size_t i = 0; i < CONNECTIONS; i++) {
        rig_echo(&rig, peers[i], 1000);
    }
    rig_quiet(&rig);
    assert_int_equal(rig.loop->pool.in_use, 0);
    assert_true(rig.loop->stats.buffers_peak < CONNECTIONS);
    assert_int_equal(rig.loop->stats.starved, 0);
    rig_close(&rig);
}

static void idle_connections_do_not_spin(const struct backend *backend)
{
    struct suite_rig rig;
    rig_open(&rig, backend);
    rig.on_open = echo_open;
    rig_listen(&rig, 16, 2);
    for (size_t i = 0; i < 50; i++) {
        uv_os_sock_t peer;
        (void)rig_pair(&rig, &peer);
        rig_echo(&rig, peer, 10);
    }
    rig_quiet(&rig);
    does_not_spin(&rig);
    rig_close(&rig);
}

/* ---- starved -------------------------------------------------------------------------------- */

enum { STARVING = 8, BUFFERS = 2 };

/* A rig with a small pool, and its first connections. */
struct line {
    struct suite_rig rig;
    struct rig_conn *conns[STARVING];
    uv_os_sock_t peers[STARVING];
};

static void line_open(struct line *line, const struct backend *backend, size_t buffers,
                      size_t connections)
{
    pool_rig(&line->rig, backend, buffers);
    for (size_t i = 0; i < connections; i++) {
        line->conns[i] = rig_pair(&line->rig, &line->peers[i]);
    }
}

/* Each connection is sent data in turn, and none is released: the first two hold both buffers, the
 * others wait, in this order. */
static void starve(struct line *line, const struct backend *backend)
{
    struct suite_rig *rig = &line->rig;
    line_open(line, backend, BUFFERS, STARVING);
    for (size_t i = 0; i < STARVING; i++) {
        rig_conn_recv(line->conns[i]);
    }
    rig_quiet(rig);
    for (size_t i = 0; i < STARVING; i++) {
        rig_peer_send(rig, line->peers[i], bytes, sizeof(bytes));
        if (i < BUFFERS) {
            RIG_UNTIL(rig, line->conns[i]->data != NULL);
        } else {
            RIG_UNTIL(rig, rig->loop->stats.starved == i + 1 - BUFFERS);
        }
        assert_true(rig->loop->pool.in_use <= BUFFERS);
    }
    rig_quiet(rig);
    assert_int_equal(rig->loop->stats.starved, STARVING - BUFFERS);
    for (size_t i = BUFFERS; i < STARVING; i++) {
        assert_true(line->conns[i]->recv.outstanding);
    }
}

static void starved_wait_in_turn(const struct backend *backend)
{
    struct line line;
    starve(&line, backend);
    for (size_t i = 0; i < STARVING; i++) {
        RIG_UNTIL(&line.rig, line.conns[i]->data != NULL);
        rig_quiet(&line.rig);
        for (size_t later = i + BUFFERS; later < STARVING; later++) {
            assert_true(line.conns[later]->recv.outstanding);
        }
        assert_int_equal(line.conns[i]->length, sizeof(bytes));
        assert_true(line.rig.loop->pool.in_use <= BUFFERS);
        rig_conn_release(line.conns[i]);
    }
    assert_int_equal(line.rig.loop->stats.buffers_peak, BUFFERS);
    rig_close(&line.rig);
}

/* Opens a line with one buffer. The first connection holds it, and the others wait in this order.
 * All have more data. */
static void line_up(struct line *line, const struct backend *backend, size_t connections)
{
    line_open(line, backend, 1, connections);
    for (size_t i = 0; i < connections; i++) {
        rig_peer_send(&line->rig, line->peers[i], more, sizeof(more));
        rig_conn_recv(line->conns[i]);
        rig_quiet(&line->rig);
    }
}

/* A connection that gives a buffer back and asks for another waits behind those already waiting. */
static void starved_are_not_overtaken(const struct backend *backend)
{
    struct line line;
    line_up(&line, backend, 2);
    for (size_t i = 0; i < sizeof(more) / KIB; i++) {
        struct rig_conn *holder = line.conns[i % 2];
        struct rig_conn *waiting = line.conns[(i + 1) % 2];
        assert_int_equal(holder->length, KIB);
        rig_conn_release(holder);
        rig_conn_recv(holder);
        RIG_UNTIL(&line.rig, waiting->data != NULL);
        assert_true(holder->recv.outstanding);
    }
    rig_close(&line.rig);
}

/* The same within a callback, where the buffer that comes back is the one that was just filled. */
static void starved_are_not_overtaken_in_a_callback(const struct backend *backend)
{
    struct line line;
    line_up(&line, backend, 3);
    line.conns[1]->on_recv = sink_recv;
    rig_conn_release(line.conns[0]);
    RIG_UNTIL(&line.rig, line.conns[2]->data != NULL);
    assert_int_equal(line.conns[1]->received_total, KIB);
    rig_close(&line.rig);
}

/* While the pool has room, streams that always have data do not take every buffer of the system. */
static void streams_leave_a_buffer_for_others(const struct backend *backend)
{
    enum { TALKER, STREAMS, CONNECTIONS = 8, WORDS = 100 };
    static const uint8_t much[256 * KIB];
    struct suite_rig rig;
    struct rig_conn *conns[CONNECTIONS];
    uv_os_sock_t peers[CONNECTIONS];
    uint64_t words = 0;
    rig_open_with(&rig, backend, 64 * KIB, 4 * MIB);
    rig_listen(&rig, 16, 1);
    for (size_t i = 0; i < CONNECTIONS; i++) {
        conns[i] = rig_pair(&rig, &peers[i]);
        conns[i]->on_recv = sink_recv;
        rig_conn_recv(conns[i]);
        rig_quiet(&rig);
    }
    for (size_t turn = 0; turn < 100 * WORDS && conns[TALKER]->received_total < WORDS; turn++) {
        for (size_t i = STREAMS; i < CONNECTIONS; i++) {
            int sent = peer_send(peers[i], much, sizeof(much));
            assert_true(sent > 0 || sent == UV_EAGAIN);
        }
        if (conns[TALKER]->received_total == words) {
            rig_peer_send(&rig, peers[TALKER], bytes, 1);
            words++;
        }
        (void)rig_poll(&rig, 0);
    }
    assert_int_equal(conns[TALKER]->received_total, WORDS);
    rig_close(&rig);
}

/* A release ends the wait, also in a loop that sleeps without a deadline. */
static void starved_resume_without_a_deadline(const struct backend *backend)
{
    struct line line;
    starve(&line, backend);
    for (size_t i = 0; i < STARVING; i++) {
        while (line.conns[i]->data == NULL) {
            (void)rig_poll(&line.rig, UINT64_MAX);
        }
        rig_conn_release(line.conns[i]);
    }
    rig_close(&line.rig);
}

/* The one buffer that comes back goes to a connection with data, not to one that waited longer. */
static void starved_and_silent_gives_way(const struct backend *backend)
{
    struct line line;
    line_open(&line, backend, BUFFERS, BUFFERS + 2);
    for (size_t i = 0; i < BUFFERS; i++) {
        rig_peer_send(&line.rig, line.peers[i], bytes, sizeof(bytes));
        rig_conn_recv(line.conns[i]);
        RIG_UNTIL(&line.rig, line.conns[i]->data != NULL);
    }
    rig_conn_recv(line.conns[BUFFERS]); /* its peer sends nothing */
    rig_conn_recv(line.conns[BUFFERS + 1]);
    rig_peer_send(&line.rig, line.peers[BUFFERS + 1], bytes, sizeof(bytes));
    rig_quiet(&line.rig);
    rig_conn_release(line.conns[0]);
    await_data(&line.rig, line.conns[BUFFERS + 1]);
    rig_close(&line.rig);
}

/* A connection that finds nothing in its turn passes the buffer on, without another event. */
static void starved_in_vain_give_way(const struct backend *backend)
{
    enum { HOLDER, NEXT, IN_VAIN, LAST = IN_VAIN + 3, CONNECTIONS };
    struct line line;
    line_open(&line, backend, 1, CONNECTIONS);
    for (size_t i = IN_VAIN; i < LAST; i++) {
        rig_conn_recv(line.conns[i]);
        rig_quiet(&line.rig);
        rig_peer_send(&line.rig, line.peers[i], more,
                      KIB); /* a whole buffer, so there may be more */
        RIG_UNTIL(&line.rig, line.conns[i]->data != NULL);
        rig_conn_release(line.conns[i]);
    }
    for (size_t i = 0; i < CONNECTIONS; i++) {
        if (i < IN_VAIN || i == LAST) {
            rig_peer_send(&line.rig, line.peers[i], bytes, sizeof(bytes));
        }
        rig_conn_recv(line.conns[i]);
        rig_quiet(&line.rig);
    }
    rig_conn_release(line.conns[HOLDER]);
    RIG_UNTIL(&line.rig, line.conns[NEXT]->data != NULL);
    rig_conn_release(line.conns[NEXT]);
    await_data(&line.rig, line.conns[LAST]);
    rig_close(&line.rig);
}

static void starved_do_not_spin(const struct backend *backend)
{
    struct line line;
    starve(&line, backend);
    does_not_spin(&line.rig);
    rig_close(&line.rig);
}

/* A waiting recv that is closed is canceled, and the next in turn gets the buffer. */
static void starved_and_closed(const struct backend *backend)
{
    struct line line;
    starve(&line, backend);
    rig_conn_close(line.conns[2], IO_CLOSE_GRACEFUL); /* the head, one within, and the tail */
    rig_conn_close(line.conns[4], IO_CLOSE_RESET);
    rig_conn_close(line.conns[7], IO_CLOSE_GRACEFUL);
    RIG_UNTIL(&line.rig, line.rig.closed == 3);
    assert_int_equal(line.conns[2]->recv.status, UV_ECANCELED);
    assert_int_equal(line.conns[4]->recv.status, UV_ECANCELED);
    assert_int_equal(line.conns[7]->recv.status, UV_ECANCELED);
    rig_conn_release(line.conns[0]);
    RIG_UNTIL(&line.rig, line.conns[3]->data != NULL);
    rig_quiet(&line.rig);
    assert_true(line.conns[5]->recv.outstanding && line.conns[6]->recv.outstanding);
    rig_conn_release(line.conns[1]);
    RIG_UNTIL(&line.rig, line.conns[5]->data != NULL);
    rig_conn_release(line.conns[3]);
    RIG_UNTIL(&line.rig, line.conns[6]->data != NULL);
    rig_close(&line.rig);
}

/* The peer leaves meanwhile: what it sent comes when there is a buffer, then the end. */
static void starved_and_left(const struct backend *backend)
{
    struct line line;
    starve(&line, backend);
    rig_forget_peer(&line.rig, line.peers[2]);
    peer_close(line.peers[2]);
    rig_forget_peer(&line.rig, line.peers[3]);
    peer_reset(line.peers[3]);
    rig_quiet(&line.rig);
    for (size_t i = 4; i < STARVING; i++) {
        line.conns[i]->on_recv = rig_conn_release; /* so the others get their turn again */
    }
    rig_conn_release(line.conns[0]);
    rig_conn_release(line.conns[1]);
    RIG_UNTIL(&line.rig, !line.conns[2]->recv.outstanding && !line.conns[3]->recv.outstanding);
    assert_int_equal(line.conns[2]->length, sizeof(bytes));
    rig_conn_release(line.conns[2]);
    rig_conn_recv(line.conns[2]);
    RIG_UNTIL(&line.rig, !line.conns[2]->recv.outstanding);
    assert_true(line.conns[2]->ended);
    assert_true(line.conns[3]->recv.status == UV_ECONNRESET ||
                line.conns[3]->length == sizeof(bytes));
    rig_close(&line.rig);
}

/* A recv after a reset gets its answer in its turn, even if it is the same again. */
static void starved_after_a_reset(const struct backend *backend)
{
    enum { HOLDER, WAITING, RESET, CONNECTIONS };
    struct line line;
    line_open(&line, backend, 1, CONNECTIONS);
    rig_conn_recv(line.conns[RESET]);
    rig_forget_peer(&line.rig, line.peers[RESET]);
    peer_reset(line.peers[RESET]);
    RIG_UNTIL(&line.rig, !line.conns[RESET]->recv.outstanding);
    for (size_t i = HOLDER; i <= WAITING; i++) {
        rig_conn_recv(line.conns[i]);
        rig_peer_send(&line.rig, line.peers[i], bytes, sizeof(bytes));
        rig_quiet(&line.rig);
    }
    rig_conn_recv(line.conns[RESET]);
    rig_conn_release(line.conns[HOLDER]);
    RIG_UNTIL(&line.rig, line.conns[WAITING]->data != NULL);
    rig_conn_release(line.conns[WAITING]);
    RIG_UNTIL(&line.rig, !line.conns[RESET]->recv.outstanding);
    assert_true(rig_is_reset(line.conns[RESET]->recv.status));
    rig_close(&line.rig);
}

/* Two buffers are enough for any number of connections that give their buffers back. */
static void few_buffers_for_many(const struct backend *backend)
{
    enum { CONNECTIONS = 50 };
    struct flow flows[CONNECTIONS];
    struct suite_rig rig;
    size_t left = CONNECTIONS;
    pool_rig(&rig, backend, BUFFERS);
    rig.on_open = echo_open;
    for (size_t i = 0; i < CONNECTIONS; i++) {
        flows[i] = (struct flow){.stream = stream_of(50, i), .length = 20000, .chunk = 3000};
        (void)rig_pair(&rig, &flows[i].peer);
    }
    uint64_t until = uv_hrtime() + PATIENCE_NS;
    while (left > 0) {
        left = 0;
        for (size_t i = 0; i < CONNECTIONS; i++) {
            (void)flow_step(&flows[i]);
            left += flows[i].received < flows[i].length;
        }
        (void)rig_poll(&rig, 0);
        assert_true(rig.loop->pool.in_use <= BUFFERS);
        assert_true(uv_hrtime() < until);
    }
    assert_true(rig.loop->stats.buffers_peak <= BUFFERS);
    rig_close(&rig);
}

/* All have data at once. Each gives its buffer back in its callback, when the next needs it. */
static void buffers_come_back_within_a_batch(const struct backend *backend)
{
    enum { CONNECTIONS = 20, WAVES = 3 };
    struct suite_rig rig;
    struct rig_conn *conns[CONNECTIONS];
    uv_os_sock_t peers[CONNECTIONS];
    rig_open_with(&rig, backend, KIB, 64 * KIB);
    rig_listen(&rig, 16, 1);
    for (size_t i = 0; i < CONNECTIONS; i++) {
        conns[i] = rig_pair(&rig, &peers[i]);
        conns[i]->on_recv = rig_conn_release;
    }
    for (size_t wave = 1; wave <= WAVES; wave++) {
        for (size_t i = 0; i < CONNECTIONS; i++) {
            rig_conn_recv(conns[i]);
        }
        rig_quiet(&rig);
        for (size_t i = 0; i < CONNECTIONS; i++) {
            assert_int_equal(peer_send(peers[i], bytes, sizeof(bytes)), sizeof(bytes));
        }
        for (size_t i = 0; i < CONNECTIONS; i++) {
            RIG_UNTIL(&rig, conns[i]->received_total == wave * sizeof(bytes));
        }
    }
    assert_int_equal(rig.loop->stats.starved, 0);
    rig_close(&rig);
}

/* Peers that keep sending and never read what comes back: each holds the one buffer that can't be
 * sent, and no other. */
static void a_peer_that_never_reads_holds_one_buffer(const struct backend *backend)
{
    enum { SILENT = 4, LIMIT = 8 };
    static const uint8_t piece[64 * KIB];
    struct suite_rig rig;
    uv_os_sock_t silent[SILENT];
    unsigned quiet = 0;
    pool_rig(&rig, backend, LIMIT);
    rig.on_open = echo_open;
    for (size_t i = 0; i < SILENT; i++) {
        (void)rig_pair(&rig, &silent[i]);
    }
    while (quiet < 10) {
        bool stuck = true;
        for (size_t i = 0; i < SILENT; i++) {
            stuck = peer_send(silent[i], piece, sizeof(piece)) == UV_EAGAIN && stuck;
        }
        uint64_t callbacks = rig.callbacks;
        rig_turn(&rig);
        quiet = stuck && rig.callbacks == callbacks ? quiet + 1 : 0;
    }
    assert_int_equal(rig.loop->pool.in_use, SILENT);
    rig_echo(&rig, rig_peer(&rig), 100000);
    assert_int_equal(rig.loop->pool.in_use, SILENT);
    assert_int_equal(rig.loop->stats.starved, 0);
    rig_close(&rig);
}

/* However much has been received before, connections that are ready at once get their buffers in a
 * few turns, and not in one turn each. */
static void many_small_after_much(const struct backend *backend)
{
    enum { MANY = 64, ROUNDS = 40 };
    struct suite_rig rig;
    uv_os_sock_t peers[MANY];
    rig_open(&rig, backend);
    rig.on_open = echo_open;
    rig_listen(&rig, MANY, 1);
    for (size_t i = 0; i < MANY; i++) {
        peers[i] = rig_peer(&rig);
        rig_echo(&rig, peers[i], i == 0 ? 4 * MIB : 1);
    }
    uint64_t turns = rig.loop->stats.wait_calls;
    for (size_t round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < MANY; i++) {
            assert_int_equal(peer_send(peers[i], "x", 1), 1);
        }
        for (size_t i = 0; i < MANY; i++) {
            char byte;
            RIG_UNTIL(&rig, peer_recv(peers[i], &byte, 1) == 1);
        }
    }
    assert_true(rig.loop->stats.wait_calls - turns < MANY * ROUNDS / 2);
    rig_close(&rig);
}

const struct scenario suite_pool[] = {
    SCENARIO(many_small_after_much),
    SCENARIO(idle_connections_hold_no_buffer),
    SCENARIO(idle_connections_do_not_spin),
    SCENARIO(starved_wait_in_turn),
    SCENARIO(starved_are_not_overtaken),
    SCENARIO(starved_are_not_overtaken_in_a_callback),
    SCENARIO(streams_leave_a_buffer_for_others),
    SCENARIO(starved_resume_without_a_deadline),
    SCENARIO(starved_and_silent_gives_way),
    SCENARIO(starved_in_vain_give_way),
    SCENARIO(starved_do_not_spin),
    SCENARIO(starved_and_closed),
    SCENARIO(starved_and_left),
    SCENARIO(starved_after_a_reset),
    SCENARIO(few_buffers_for_many),
    SCENARIO(buffers_come_back_within_a_batch),
    SCENARIO(a_peer_that_never_reads_holds_one_buffer),
    {NULL, NULL},
};
