/* Rule 8: idle connections hold no buffer; those that find the pool at its limit wait in turn. */

#include "suite.h"

static const uint8_t bytes[500];
static const uint8_t more[4 * KIB];

/* A rig with room for so many buffers of 1 KiB. */
static void pool_rig(struct rig *rig, const struct backend *backend, size_t buffers)
{
    rig_open_with(rig, backend, KIB, buffers * KIB);
    rig_listen(rig, 16, 1);
    assert_int_equal(rig->loop->pool.limit, buffers);
}

/* ---- idle ----------------------------------------------------------------------------------- */

static void idle_connections_hold_no_buffer(const struct backend *backend)
{
    enum { CONNECTIONS = 100 };
    struct rig rig;
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
    struct rig rig;
    rig_open(&rig, backend);
    rig.on_open = echo_open;
    rig_listen(&rig, 16, 2);
    for (size_t i = 0; i < 50; i++) {
        uv_os_sock_t peer;
        (void)rig_pair(&rig, &peer);
        rig_echo(&rig, peer, 10);
    }
    rig_quiet(&rig);
    uint64_t turns = rig.loop->stats.wait_calls;
    uint64_t until = backend->now(rig.loop) + 20000000;
    while (backend->now(rig.loop) < until) {
        (void)rig_poll(&rig, until);
    }
    assert_true(rig.loop->stats.wait_calls - turns < 10);
    rig_close(&rig);
}

/* ---- starved -------------------------------------------------------------------------------- */

enum { STARVING = 8, BUFFERS = 2 };

/* One after the other is sent data and not released: the first two hold both buffers, the others
 * wait, in this order. */
static void starve(struct rig *rig, struct conn *conns[STARVING], uv_os_sock_t peers[STARVING])
{
    for (size_t i = 0; i < STARVING; i++) {
        conns[i] = rig_pair(rig, &peers[i]);
        conn_recv(conns[i]);
    }
    rig_quiet(rig);
    for (size_t i = 0; i < STARVING; i++) {
        rig_peer_send(rig, peers[i], bytes, sizeof(bytes));
        if (i < BUFFERS) {
            RIG_UNTIL(rig, conns[i]->data != NULL);
        } else {
            RIG_UNTIL(rig, rig->loop->stats.starved == i + 1 - BUFFERS);
        }
        assert_true(rig->loop->pool.in_use <= BUFFERS);
    }
    rig_quiet(rig);
    assert_int_equal(rig->loop->stats.starved, STARVING - BUFFERS);
    for (size_t i = BUFFERS; i < STARVING; i++) {
        assert_true(conns[i]->recv.outstanding);
    }
}

static void starved_wait_in_turn(const struct backend *backend)
{
    struct rig rig;
    struct conn *conns[STARVING];
    uv_os_sock_t peers[STARVING];
    pool_rig(&rig, backend, BUFFERS);
    starve(&rig, conns, peers);
    for (size_t i = 0; i < STARVING; i++) {
        RIG_UNTIL(&rig, conns[i]->data != NULL);
        rig_quiet(&rig);
        for (size_t later = i + BUFFERS; later < STARVING; later++) {
            assert_true(conns[later]->recv.outstanding);
        }
        assert_int_equal(conns[i]->length, sizeof(bytes));
        assert_true(rig.loop->pool.in_use <= BUFFERS);
        conn_release(conns[i]);
    }
    assert_int_equal(rig.loop->stats.buffers_peak, BUFFERS);
    rig_close(&rig);
}

/* With one buffer: the first holds it, the others wait, in this order; all have more data. */
static void line_up(struct rig *rig, size_t count, struct conn **conns, uv_os_sock_t *peers)
{
    for (size_t i = 0; i < count; i++) {
        conns[i] = rig_pair(rig, &peers[i]);
        rig_peer_send(rig, peers[i], more, sizeof(more));
        conn_recv(conns[i]);
        rig_quiet(rig);
    }
}

/* Who gives a buffer back and asks for another does so behind those that wait already. */
static void starved_are_not_overtaken(const struct backend *backend)
{
    struct rig rig;
    struct conn *conns[2];
    uv_os_sock_t peers[2];
    pool_rig(&rig, backend, 1);
    line_up(&rig, 2, conns, peers);
    for (size_t i = 0; i < sizeof(more) / KIB; i++) {
        struct conn *holder = conns[i % 2];
        struct conn *waiting = conns[(i + 1) % 2];
        assert_int_equal(holder->length, KIB);
        conn_release(holder);
        conn_recv(holder);
        RIG_UNTIL(&rig, waiting->data != NULL);
        assert_true(holder->recv.outstanding);
    }
    rig_close(&rig);
}

/* The same within a callback, where the buffer that comes back is the one that was just filled. */
static void starved_are_not_overtaken_in_a_callback(const struct backend *backend)
{
    struct rig rig;
    struct conn *conns[3];
    uv_os_sock_t peers[3];
    pool_rig(&rig, backend, 1);
    line_up(&rig, 3, conns, peers);
    conns[1]->on_recv = sink_recv;
    conn_release(conns[0]);
    RIG_UNTIL(&rig, conns[2]->data != NULL);
    assert_int_equal(conns[1]->received_total, KIB);
    rig_close(&rig);
}

/* With room in the pool: those who always have data do not take each buffer that the system has. */
static void streams_leave_a_buffer_for_others(const struct backend *backend)
{
    enum { TALKER, STREAMS, CONNECTIONS = 8, WORDS = 100 };
    static const uint8_t much[256 * KIB];
    struct rig rig;
    struct conn *conns[CONNECTIONS];
    uv_os_sock_t peers[CONNECTIONS];
    uint64_t words = 0;
    rig_open_with(&rig, backend, 64 * KIB, 4 * MIB);
    rig_listen(&rig, 16, 1);
    for (size_t i = 0; i < CONNECTIONS; i++) {
        conns[i] = rig_pair(&rig, &peers[i]);
        conns[i]->on_recv = sink_recv;
        conn_recv(conns[i]);
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

/* The release alone ends the wait: a loop that sleeps without a deadline goes on. */
static void starved_resume_without_a_deadline(const struct backend *backend)
{
    struct rig rig;
    struct conn *conns[STARVING];
    uv_os_sock_t peers[STARVING];
    pool_rig(&rig, backend, BUFFERS);
    starve(&rig, conns, peers);
    for (size_t i = 0; i < STARVING; i++) {
        while (conns[i]->data == NULL) {
            (void)rig_poll(&rig, UINT64_MAX);
        }
        conn_release(conns[i]);
    }
    rig_close(&rig);
}

/* The one buffer that comes back is for whoever has data, not for who merely waited longer. */
static void starved_and_silent_gives_way(const struct backend *backend)
{
    struct rig rig;
    struct conn *conns[BUFFERS + 2];
    uv_os_sock_t peers[BUFFERS + 2];
    pool_rig(&rig, backend, BUFFERS);
    for (size_t i = 0; i < BUFFERS + 2; i++) {
        conns[i] = rig_pair(&rig, &peers[i]);
        if (i < BUFFERS) {
            rig_peer_send(&rig, peers[i], bytes, sizeof(bytes));
            conn_recv(conns[i]);
            RIG_UNTIL(&rig, conns[i]->data != NULL);
        }
    }
    conn_recv(conns[BUFFERS]); /* which nobody sends anything */
    conn_recv(conns[BUFFERS + 1]);
    rig_peer_send(&rig, peers[BUFFERS + 1], bytes, sizeof(bytes));
    rig_quiet(&rig);
    conn_release(conns[0]);
    uint64_t until = backend->now(rig.loop) + PATIENCE_NS;
    while (conns[BUFFERS + 1]->data == NULL) {
        (void)rig_poll(&rig, until);
        assert_true(backend->now(rig.loop) < until);
    }
    rig_close(&rig);
}

/* Nor is it for those that find nothing in their turn: the next has it without another event. */
static void starved_in_vain_give_way(const struct backend *backend)
{
    enum { HOLDER, NEXT, IN_VAIN, LAST = IN_VAIN + 3, CONNECTIONS };
    struct rig rig;
    struct conn *conns[CONNECTIONS];
    uv_os_sock_t peers[CONNECTIONS];
    pool_rig(&rig, backend, 1);
    for (size_t i = 0; i < CONNECTIONS; i++) {
        conns[i] = rig_pair(&rig, &peers[i]);
    }
    for (size_t i = IN_VAIN; i < LAST; i++) {
        conn_recv(conns[i]);
        rig_quiet(&rig);
        rig_peer_send(&rig, peers[i], more, KIB); /* a whole buffer, so there may be more */
        RIG_UNTIL(&rig, conns[i]->data != NULL);
        conn_release(conns[i]);
    }
    for (size_t i = 0; i < CONNECTIONS; i++) {
        if (i < IN_VAIN || i == LAST) {
            rig_peer_send(&rig, peers[i], bytes, sizeof(bytes));
        }
        conn_recv(conns[i]);
        rig_quiet(&rig);
    }
    conn_release(conns[HOLDER]);
    RIG_UNTIL(&rig, conns[NEXT]->data != NULL);
    conn_release(conns[NEXT]);
    uint64_t until = backend->now(rig.loop) + PATIENCE_NS;
    while (conns[LAST]->data == NULL) {
        (void)rig_poll(&rig, until);
        assert_true(backend->now(rig.loop) < until);
    }
    rig_close(&rig);
}

static void starved_do_not_spin(const struct backend *backend)
{
    struct rig rig;
    struct conn *conns[STARVING];
    uv_os_sock_t peers[STARVING];
    pool_rig(&rig, backend, BUFFERS);
    starve(&rig, conns, peers);
    uint64_t turns = rig.loop->stats.wait_calls;
    uint64_t until = backend->now(rig.loop) + 20000000;
    while (backend->now(rig.loop) < until) {
        (void)rig_poll(&rig, until);
    }
    assert_true(rig.loop->stats.wait_calls - turns < 10);
    rig_close(&rig);
}

/* Who is closed while it waits is canceled, and the next in turn gets the buffer. */
static void starved_and_closed(const struct backend *backend)
{
    struct rig rig;
    struct conn *conns[STARVING];
    uv_os_sock_t peers[STARVING];
    pool_rig(&rig, backend, BUFFERS);
    starve(&rig, conns, peers);
    conn_close(conns[2], IO_CLOSE_GRACEFUL); /* the head, one within, and the tail */
    conn_close(conns[4], IO_CLOSE_RESET);
    conn_close(conns[7], IO_CLOSE_GRACEFUL);
    RIG_UNTIL(&rig, rig.closed == 3);
    assert_int_equal(conns[2]->recv.status, UV_ECANCELED);
    assert_int_equal(conns[4]->recv.status, UV_ECANCELED);
    assert_int_equal(conns[7]->recv.status, UV_ECANCELED);
    conn_release(conns[0]);
    RIG_UNTIL(&rig, conns[3]->data != NULL);
    rig_quiet(&rig);
    assert_true(conns[5]->recv.outstanding && conns[6]->recv.outstanding);
    conn_release(conns[1]);
    RIG_UNTIL(&rig, conns[5]->data != NULL);
    conn_release(conns[3]);
    RIG_UNTIL(&rig, conns[6]->data != NULL);
    rig_close(&rig);
}

/* A peer that has gone meanwhile: what it sent comes when there is a buffer, then the end. */
static void starved_and_left(const struct backend *backend)
{
    struct rig rig;
    struct conn *conns[STARVING];
    uv_os_sock_t peers[STARVING];
    pool_rig(&rig, backend, BUFFERS);
    starve(&rig, conns, peers);
    rig_forget_peer(&rig, peers[2]);
    peer_close(peers[2]);
    rig_forget_peer(&rig, peers[3]);
    peer_reset(peers[3]);
    rig_quiet(&rig);
    for (size_t i = 4; i < STARVING; i++) {
        conns[i]->on_recv = conn_release; /* so the others get their turn again */
    }
    conn_release(conns[0]);
    conn_release(conns[1]);
    RIG_UNTIL(&rig, !conns[2]->recv.outstanding && !conns[3]->recv.outstanding);
    assert_int_equal(conns[2]->length, sizeof(bytes));
    conn_release(conns[2]);
    conn_recv(conns[2]);
    RIG_UNTIL(&rig, !conns[2]->recv.outstanding);
    assert_true(conns[2]->ended);
    assert_true(conns[3]->recv.status == UV_ECONNRESET || conns[3]->length == sizeof(bytes));
    rig_close(&rig);
}

/* Who asks for more after a reset gets the answer in its turn, be it again the same. */
static void starved_after_a_reset(const struct backend *backend)
{
    enum { HOLDER, WAITING, RESET, CONNECTIONS };
    struct rig rig;
    struct conn *conns[CONNECTIONS];
    uv_os_sock_t peers[CONNECTIONS];
    pool_rig(&rig, backend, 1);
    for (size_t i = 0; i < CONNECTIONS; i++) {
        conns[i] = rig_pair(&rig, &peers[i]);
    }
    conn_recv(conns[RESET]);
    rig_forget_peer(&rig, peers[RESET]);
    peer_reset(peers[RESET]);
    RIG_UNTIL(&rig, !conns[RESET]->recv.outstanding);
    for (size_t i = HOLDER; i <= WAITING; i++) {
        conn_recv(conns[i]);
        rig_peer_send(&rig, peers[i], bytes, sizeof(bytes));
        rig_quiet(&rig);
    }
    conn_recv(conns[RESET]);
    conn_release(conns[HOLDER]);
    RIG_UNTIL(&rig, conns[WAITING]->data != NULL);
    conn_release(conns[WAITING]);
    RIG_UNTIL(&rig, !conns[RESET]->recv.outstanding);
    assert_true(rig_is_reset(conns[RESET]->recv.status));
    rig_close(&rig);
}

/* Two buffers are enough for any number of connections that give theirs back. */
static void few_buffers_for_many(const struct backend *backend)
{
    enum { CONNECTIONS = 50 };
    struct flow flows[CONNECTIONS];
    struct rig rig;
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

/* All have data at once, and each gives its buffer back in its callback, when the next needs it. */
static void buffers_come_back_within_a_batch(const struct backend *backend)
{
    enum { CONNECTIONS = 20, WAVES = 3 };
    struct rig rig;
    struct conn *conns[CONNECTIONS];
    uv_os_sock_t peers[CONNECTIONS];
    rig_open_with(&rig, backend, KIB, 64 * KIB);
    rig_listen(&rig, 16, 1);
    for (size_t i = 0; i < CONNECTIONS; i++) {
        conns[i] = rig_pair(&rig, &peers[i]);
        conns[i]->on_recv = conn_release;
    }
    for (size_t wave = 1; wave <= WAVES; wave++) {
        for (size_t i = 0; i < CONNECTIONS; i++) {
            conn_recv(conns[i]);
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

/* Peers that send on and never read what comes back: each ends up holding the one buffer that can't
 * be sent, and none of its neighbours'. */
static void a_peer_that_never_reads_holds_one_buffer(const struct backend *backend)
{
    enum { SILENT = 4, LIMIT = 8 };
    static const uint8_t piece[64 * KIB];
    struct rig rig;
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

/* However much has been received before, those that are ready at once get their buffers in a few
 * turns, and not in one each. */
static void many_small_after_much(const struct backend *backend)
{
    enum { MANY = 64, ROUNDS = 40 };
    struct rig rig;
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
