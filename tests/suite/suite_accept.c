/* Listening, accepting, refusing, handing over, and stopping. */

#include "suite.h"

#include <string.h>

#include "net.h"

/* ---- accepting ------------------------------------------------------------------------------ */

static void accept_50(const struct backend *backend, size_t accepts)
{
    enum { CONNECTIONS = 50 };
    struct suite_rig rig;
    uv_os_sock_t peers[CONNECTIONS];
    rig_open(&rig, backend);
    rig.on_open = echo_open;
    rig_listen(&rig, 64, accepts);
    for (size_t i = 0; i < CONNECTIONS; i++) {
        peers[i] = rig_peer(&rig);
    }
    for (size_t i = 0; i < CONNECTIONS; i++) {
        rig_echo(&rig, peers[i], 100 + i);
    }
    assert_int_equal(rig.opened, CONNECTIONS);
    assert_int_equal(rig.accepts_outstanding, accepts);
    assert_int_equal(rig.accepts_failed, 0);
    rig_close(&rig);
}

static void accept_one_outstanding(const struct backend *backend)
{
    accept_50(backend, 1);
}

static void accept_eight_outstanding(const struct backend *backend)
{
    accept_50(backend, 8);
}

/* An accept brings one connection, and no connection comes without an accept. */
static void accept_is_one_shot(const struct backend *backend)
{
    struct suite_rig rig;
    rig_open(&rig, backend);
    rig_listen(&rig, 8, 0);
    rig.rearm = false;
    for (size_t i = 0; i < 4; i++) {
        (void)rig_peer(&rig);
    }
    rig_quiet(&rig);
    assert_int_equal(rig.opened, 0);
    for (size_t i = 1; i <= 4; i++) {
        rig_accept(&rig);
        RIG_UNTIL(&rig, rig.accepts_outstanding == 0);
        rig_turn(&rig);
        rig_turn(&rig);
        assert_int_equal(rig.opened, i);
    }
    rig_close(&rig);
}

/* A connection that ends before it is accepted harms no other. It is accepted and then ends, or
 * only its accept fails. */
static void accept_after_the_peer_has_gone(const struct backend *backend)
{
    struct suite_rig rig;
    rig_open(&rig, backend);
    rig_listen(&rig, 16, 0);
    for (size_t i = 0; i < 8; i++) {
        uv_os_sock_t peer;
        assert_int_equal(peer_connect(&rig.address, 0, &peer), 0);
        if (i % 2 == 0) {
            peer_reset(peer);
        } else {
            peer_close(peer);
        }
    }
    rig.on_open = echo_open;
    rig_accept(&rig);
    for (size_t i = 0; i < 3; i++) {
        rig_echo(&rig, rig_peer(&rig), 1000);
    }
    RIG_UNTIL(&rig, rig.opened - rig.closed == 3);
    rig_close(&rig);
}

/* ---- stopping ------------------------------------------------------------------------------- */

static void accept_stop_cancels(const struct backend *backend)
{
    struct suite_rig rig;
    rig_open(&rig, backend);
    rig_listen(&rig, 8, 8);
    rig_quiet(&rig);
    assert_int_equal(rig.accepts_outstanding, 8);
    rig_accept_stop(&rig);
    RIG_UNTIL(&rig, rig.accepts_outstanding == 0);
    assert_int_equal(rig.accepts_canceled, 8);
    assert_int_equal(rig.accept.submits, rig.accept.outcomes);
    rig_close(&rig);
}

/* Connections are on their way when the listener stops. Each is served or ended, and none hangs.
 * Connections that were accepted before live on. */
static void accept_stop_with_connections_waiting(const struct backend *backend)
{
    enum { WAITING = 10 };
    struct suite_rig rig;
    uv_os_sock_t peers[WAITING];
    size_t served = 0;
    rig_open(&rig, backend);
    rig.on_open = echo_open;
    rig_listen(&rig, 16, 2);
    uv_os_sock_t before = rig_peer(&rig);
    rig_echo(&rig, before, 100);
    for (size_t i = 0; i < WAITING; i++) {
        peers[i] = rig_peer(&rig);
        (void)peer_send(peers[i], "x", 1);
    }
    rig_accept_stop(&rig);
    RIG_UNTIL(&rig, rig.accepts_outstanding == 0);
    for (size_t i = 0; i < WAITING; i++) {
        char byte;
        int count;
        RIG_UNTIL(&rig, (count = peer_recv(peers[i], &byte, 1)) != UV_EAGAIN);
        served += count == 1;
        assert_true(count >= 0 || count == UV_ECONNRESET);
    }
    assert_int_equal(rig.opened, served + 1);
    assert_int_equal(rig.accepts_failed, 0);
    rig_echo(&rig, before, 100);
    rig_close(&rig);
}

static void stop_on_open(struct rig_conn *conn)
{
    rig_accept_stop(conn->rig);
    echo_open(conn);
}

static void accept_stop_in_accept_callback(const struct backend *backend)
{
    struct suite_rig rig;
    rig_open(&rig, backend);
    rig.on_open = stop_on_open;
    rig_listen(&rig, 8, 4);
    rig_echo(&rig, rig_peer(&rig), 1000);
    RIG_UNTIL(&rig, rig.accepts_outstanding == 0);
    assert_int_equal(rig.accept.submits, rig.accept.outcomes);
    assert_int_equal(rig.opened, 1);
    assert_int_equal(rig.accepts_canceled, 3); /* the others that were outstanding */
    assert_int_equal(rig.accepts_failed, 0);
    rig_close(&rig);
}

/* The port is free again when the listener has stopped. */
static void accept_stop_frees_the_port(const struct backend *backend)
{
    struct suite_rig rig;
    uv_os_sock_t peer;
    rig_open(&rig, backend);
    rig_listen(&rig, 8, 2);
    struct sockaddr_storage address = rig.address;
    rig_accept_stop(&rig);
    RIG_UNTIL(&rig, rig.accepts_outstanding == 0);
    rig_quiet(&rig);
    assert_int_equal(peer_connect(&address, 0, &peer), UV_ECONNREFUSED);
    rig_close(&rig);
}

/* No poll comes between the two. Descriptors that the first loop of a process keeps are not
 * counted. */
static void loop_closed_right_after_accept_stop(const struct backend *backend)
{
    size_t open = 0;
    for (size_t i = 0; i < 3; i++) {
        struct suite_rig rig;
        rig_open(&rig, backend);
        rig_listen(&rig, 8, 0);
        rig_accept_stop(&rig);
        backend->loop_close(rig.loop);
        open = i == 0 ? peer_open_descriptors() : open;
        assert_int_equal(peer_open_descriptors(), open);
    }
}

/* ---- listening ------------------------------------------------------------------------------ */

/* Where two sockets may share an address until one of them listens, `listen` fails. Elsewhere
 * bind does. */
static void listen_in_use(const struct backend *backend)
{
    struct suite_rig rig;
    struct io_listener *second_listener = NULL;
    uv_os_sock_t first;
    uv_os_sock_t second;
    rig_open(&rig, backend);
    assert_int_equal(peer_bind(AF_INET, &first, &rig.address), 0);
    int status = peer_bind_beside(first, &rig.address, &second);
    assert_int_equal(backend->listen(rig.loop, first, 8, &rig.listener), 0);
    if (status == 0) {
        size_t open = peer_open_descriptors();
        status = backend->listen(rig.loop, second, 8, &second_listener);
        rig_turn(&rig);
        assert_int_equal(peer_open_descriptors(), open == 0 ? 0 : open - 1); /* it was closed */
    }
    assert_int_equal(status, UV_EADDRINUSE);
    rig.on_open = echo_open;
    rig.rearm = true;
    rig_accept(&rig);
    rig_echo(&rig, rig_peer(&rig), 100); /* the first goes on */
    rig_close(&rig);
}

static void two_listeners(const struct backend *backend)
{
    struct suite_rig rig;
    struct sockaddr_storage first_address;
    rig_open(&rig, backend);
    rig.on_open = echo_open;
    rig_listen(&rig, 8, 2);
    struct io_listener *first = rig.listener;
    first_address = rig.address;
    rig.listener = NULL;
    rig_listen(&rig, 8, 0);
    struct io_listener *second = rig.listener;
    rig.rearm = false;
    rig_accept(&rig);
    rig_echo(&rig, rig_peer(&rig), 1000);
    rig.address = first_address;
    rig.listener = first; /* renewed there */
    rig_echo(&rig, rig_peer(&rig), 1000);
    rig_accept_stop(&rig);
    rig.listener = second;
    rig_close(&rig);
}

/* Turns both loops while `peer` echoes. */
static void echo_over(struct suite_rig *from, struct suite_rig *to, uv_os_sock_t peer)
{
    struct flow flow = {.peer = peer, .stream = stream_of(40, 0), .length = 1000, .chunk = 100};
    uint64_t until = uv_hrtime() + PATIENCE_NS;
    while (flow.received < flow.length) {
        (void)flow_step(&flow);
        (void)rig_poll(from, 0);
        (void)rig_poll(to, 0);
        assert_true(uv_hrtime() < until);
    }
}

static int listen_at(struct suite_rig *rig, uv_os_sock_t os_socket, int backlog)
{
    int status = rig->backend->listen(rig->loop, os_socket, backlog, &rig->listener);
    rig->on_open = echo_open;
    rig->rearm = true;
    if (status == 0) {
        rig_accept(rig);
    }
    return status;
}

/* Each of two loops listens at one port, or the second says that it can't. */
static void two_loops_at_one_port(const struct backend *backend)
{
    enum { PEERS = 16 };
    static const struct net_options options = {.nodelay = true};
    struct suite_rig first;
    struct suite_rig second;
    uv_os_sock_t group[2];
    struct sockaddr_in any;
    rig_open(&first, backend);
    rig_open(&second, backend);
    (void)uv_ip4_addr("127.0.0.1", 0, &any);
    assert_int_equal(net_bind((const struct sockaddr *)&any, &options, PEERS, 2, group), 0);
    assert_int_equal(net_local_name(group[0], &first.address), 0);
    assert_int_equal(listen_at(&first, group[0], PEERS), 0);
    int status = listen_at(&second, group[1], PEERS);
    assert_true(status == 0 || status == UV_ENOTSUP);
    for (size_t i = 0; i < PEERS; i++) {
        echo_over(&first, &second, rig_peer(&first));
    }
    assert_int_equal(first.opened + second.opened, PEERS);
    rig_close(&first);
    rig_close(&second);
}

/* ---- refusing and handing over -------------------------------------------------------------- */

static void refuse_token(struct suite_rig *rig, struct io_token *token)
{
    rig->backend->refuse(rig->loop, token);
}

static void refuse(const struct backend *backend)
{
    struct suite_rig rig;
    rig_open(&rig, backend);
    rig.on_token = refuse_token;
    rig_listen(&rig, 16, 2);
    for (size_t i = 0; i < 10; i++) {
        int end = rig_peer_end(&rig, rig_peer(&rig), NULL);
        assert_true(end == 0 || end == UV_ECONNRESET);
    }
    rig.on_token = NULL;
    rig.on_open = echo_open;
    rig_echo(&rig, rig_peer(&rig), 100); /* the listener goes on */
    assert_int_equal(rig.opened, 1);
    rig_close(&rig);
}

/* Two loops on this thread: what the first accepts, the second serves. */
struct hand_over {
    struct suite_rig *to;
    struct io_token token;
    int detach_status;
    size_t detached;
};

static void detach_token(struct suite_rig *rig, struct io_token *token)
{
    struct hand_over *over = rig->user;
    over->detach_status = rig->backend->detach(rig->loop, token);
    if (over->detach_status == 0) {
        over->token = *token;
        over->detached++;
        return;
    }
    struct rig_conn *conn = rig_conn_new(rig); /* the token still belongs to this loop */
    if (rig_conn_adopt(conn, token) == 0) {
        echo_open(conn);
    }
}

/* Two rigs, the first of which accepts for the second. */
static void open_hand_over(struct hand_over *over, struct suite_rig *from, struct suite_rig *to,
                           const struct backend *backend, size_t accepts)
{
    rig_open(from, backend);
    rig_open(to, backend);
    *over = (struct hand_over){.to = to, .detach_status = 1};
    from->user = over;
    from->on_token = detach_token;
    rig_listen(from, 8, accepts);
}

static void detach(const struct backend *backend)
{
    struct suite_rig from;
    struct suite_rig to;
    struct hand_over over;
    open_hand_over(&over, &from, &to, backend, 2);
    for (size_t i = 0; i < 3; i++) {
        uv_os_sock_t peer = rig_peer(&from);
        RIG_UNTIL(&from, over.detached + from.opened > i);
        if (over.detach_status == 0) {
            struct rig_conn *conn = rig_conn_new(&to);
            assert_int_equal(rig_conn_adopt(conn, &over.token), 0);
            echo_open(conn);
        } else {
            assert_int_equal(over.detach_status, UV_ENOTSUP);
        }
        echo_over(&from, &to, peer);
    }
    assert_int_equal(from.opened + to.opened, 3);
    rig_close(&from); /* what was handed over outlives the loop that accepted it */
    if (to.opened == 3) {
        assert_int_equal(to.closed, 0);
    }
    rig_close(&to);
}

static void refuse_after_detach(const struct backend *backend)
{
    struct suite_rig from;
    struct suite_rig to;
    struct hand_over over;
    open_hand_over(&over, &from, &to, backend, 1);
    uv_os_sock_t peer = rig_peer(&from);
    RIG_UNTIL(&from, over.detached + from.opened == 1);
    if (over.detach_status == 0) {
        backend->refuse(to.loop, &over.token);
        int end = rig_peer_end(&to, peer, NULL);
        assert_true(end == 0 || end == UV_ECONNRESET);
    }
    rig_close(&from);
    rig_close(&to);
}

const struct scenario suite_accept[] = {
    SCENARIO(accept_one_outstanding),
    SCENARIO(accept_eight_outstanding),
    SCENARIO(accept_is_one_shot),
    SCENARIO(accept_after_the_peer_has_gone),
    SCENARIO(accept_stop_cancels),
    SCENARIO(accept_stop_with_connections_waiting),
    SCENARIO(accept_stop_in_accept_callback),
    SCENARIO(accept_stop_frees_the_port),
    SCENARIO(loop_closed_right_after_accept_stop),
    SCENARIO(listen_in_use),
    SCENARIO(two_listeners),
    SCENARIO(two_loops_at_one_port),
    SCENARIO(refuse),
    SCENARIO(detach),
    SCENARIO(refuse_after_detach),
    {NULL, NULL},
};
