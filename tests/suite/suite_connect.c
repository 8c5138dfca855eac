/* Connecting, and the codes that errors have on every backend. */

#include "suite.h"

#include <stdlib.h>

/* A rig that only connects. */
static struct rig_conn *connect_rig(struct suite_rig *rig, const struct backend *backend)
{
    rig_open(rig, backend);
    return rig_conn_new(rig);
}

static uv_os_sock_t listening_peer(struct suite_rig *rig, int family, int backlog,
                                   struct sockaddr_storage *address)
{
    uv_os_sock_t listener;
    assert_int_equal(peer_bind(family, &listener, address), 0);
    assert_int_equal(peer_listen(listener, backlog), 0);
    rig_keep_peer(rig, listener);
    return listener;
}

/* Connects to a plain listener, then bytes go both ways. */
static void connect_from(const struct backend *backend, int family, bool bound)
{
    struct suite_rig rig;
    struct sockaddr_storage address;
    struct rig_conn *conn = connect_rig(&rig, backend);
    uv_os_sock_t listener = listening_peer(&rig, family, 8, &address);
    uv_os_sock_t peer;
    rig.open_socket_binds = bound;
    rig_conn_connect(conn, &address);
    RIG_UNTIL(&rig, !conn->connect.outstanding);
    assert_int_equal(conn->connect.status, 0);
    assert_int_equal(rig.open_socket_calls, 1);
    assert_int_equal(rig.open_socket_family, family);
    assert_int_equal(peer_accept(listener, &peer), 0);
    rig_keep_peer(&rig, peer);
    echo_open(conn);
    rig_echo(&rig, peer, 100000);
    assert_int_equal(peer_shutdown(peer), 0);
    assert_int_equal(rig_peer_end(&rig, peer, NULL), 0);
    RIG_UNTIL(&rig, conn->closed);
    rig_close(&rig);
}

static void connect_over(const struct backend *backend, int family)
{
    connect_from(backend, family, false);
}

/* The config's open_socket may bind its sockets. */
static void connect_from_an_address(const struct backend *backend)
{
    connect_from(backend, AF_INET, true);
}

static void connect_ipv4(const struct backend *backend)
{
    connect_over(backend, AF_INET);
}

static void connect_ipv6(const struct backend *backend)
{
    struct sockaddr_storage address;
    uv_os_sock_t probe;
    if (peer_bind(AF_INET6, &probe, &address) != 0) {
        suite_skip("there is no ::1");
    }
    peer_close(probe);
    connect_over(backend, AF_INET6);
}

static void close_now(struct rig_conn *conn)
{
    if (!conn->closing && conn->socket != NULL) {
        rig_conn_close(conn, IO_CLOSE_RESET);
        RIG_CHECK(conn->rig, !conn->closed);
    }
}

static void close_in_connect_callback(const struct backend *backend)
{
    struct suite_rig rig;
    struct sockaddr_storage address;
    struct rig_conn *good = connect_rig(&rig, backend);
    struct rig_conn *refused = rig_conn_new(&rig);
    (void)listening_peer(&rig, AF_INET, 8, &address);
    good->on_connect = close_now;
    rig_conn_connect(good, &address);
    rig_refusing_address(&rig, &address);
    refused->on_connect = close_now;
    rig_conn_connect(refused, &address);
    RIG_UNTIL(&rig, good->closed && refused->closed);
    assert_int_equal(good->connect.status, 0);
    assert_int_equal(refused->connect.status, UV_ECONNREFUSED);
    rig_close(&rig);
}

/* There is no turn between connect and close. The connect is canceled or has been made already. */
static void close_right_after_connect(const struct backend *backend)
{
    struct suite_rig rig;
    struct sockaddr_storage address;
    struct rig_conn *conn = connect_rig(&rig, backend);
    (void)listening_peer(&rig, AF_INET, 8, &address);
    rig_conn_connect(conn, &address);
    rig_conn_close(conn, IO_CLOSE_GRACEFUL);
    assert_false(conn->closed);
    RIG_UNTIL(&rig, conn->closed);
    assert_int_equal(conn->connect.outcomes, 1);
    assert_true(conn->connect.status == 0 || conn->connect.status == UV_ECANCELED);
    assert_true(conn->connect.order < conn->close_order);
    rig_close(&rig);
}

/* A listener without accepts and with a backlog of one: further connects stay pending. */
static void connect_canceled(const struct backend *backend)
{
    enum { CONNECTS = 16 };
    struct suite_rig rig;
    struct sockaddr_storage address;
    struct rig_conn *conns[CONNECTS];
    size_t canceled = 0;
    conns[0] = connect_rig(&rig, backend);
    (void)listening_peer(&rig, AF_INET, 1, &address);
    for (size_t i = 0; i < CONNECTS; i++) {
        conns[i] = i == 0 ? conns[0] : rig_conn_new(&rig);
        rig_conn_connect(conns[i], &address);
    }
    rig_quiet(&rig);
    for (size_t i = 0; i < CONNECTS; i++) {
        bool pending = conns[i]->connect.outstanding;
        if (conns[i]->socket == NULL) {
            continue;
        }
        rig_conn_close(conns[i], IO_CLOSE_GRACEFUL);
        RIG_UNTIL(&rig, conns[i]->closed);
        assert_int_equal(conns[i]->connect.outcomes, 1);
        assert_true(conns[i]->connect.order < conns[i]->close_order);
        assert_true(!pending || conns[i]->connect.status == UV_ECANCELED);
        canceled += pending;
    }
    rig_close(&rig);
    if (canceled == 0) {
        suite_skip("a full backlog does not make connects wait");
    }
}

/* If the config's open_socket fails, connect fails and starts nothing. */
static void connect_without_socket(const struct backend *backend)
{
    struct suite_rig rig;
    struct sockaddr_storage address;
    struct rig_conn *conn = connect_rig(&rig, backend);
    (void)listening_peer(&rig, AF_INET, 8, &address);
    rig.open_socket_answer = UV_EMFILE;
    rig_conn_connect(conn, &address);
    RIG_UNTIL(&rig, !conn->connect.outstanding);
    assert_int_equal(conn->connect.status, UV_EMFILE);
    rig_close(&rig);
}

/* TCP can't go to the broadcast address, and most systems say so at once. */
static void connect_to_nowhere(const struct backend *backend)
{
    struct suite_rig rig;
    struct sockaddr_storage address = {.ss_family = AF_INET};
    struct sockaddr_in *nowhere = (struct sockaddr_in *)(void *)&address;
    rig_open(&rig, backend);
    assert_int_equal(uv_ip4_addr("255.255.255.255", 9, nowhere), 0);
    size_t open = 0;
    for (size_t i = 0; i < 10; i++) {
        struct rig_conn *conn = rig_conn_new(&rig);
        rig_conn_connect(conn, &address);
        RIG_UNTIL(&rig, !conn->connect.outstanding);
        assert_true(conn->connect.status < 0);
        if (!conn->connect.negative) {
            rig_conn_close(conn, IO_CLOSE_GRACEFUL);
        }
        RIG_UNTIL(&rig, conn->closed);
        open = i == 0 ? peer_open_descriptors() : open; /* the first may have opened a spare one */
    }
    assert_int_equal(peer_open_descriptors(), open);
    rig_close(&rig);
}

/* Only options and names may use `handle`. */
static void handle_is_the_socket(const struct backend *backend)
{
    struct suite_rig rig;
    struct sockaddr_storage address;
    uv_os_sock_t peer;
    uv_os_sock_t os_socket;
    struct rig_conn *conn = rig_open_pair(&rig, backend, &peer);
    int status = backend->handle(conn->socket, &os_socket);
    if (status != 0) {
        assert_int_equal(status, UV_ENOTSUP);
    } else {
        assert_int_equal(peer_local_name(os_socket, &address), 0);
        assert_memory_equal(&address, &rig.address, sizeof(struct sockaddr_in));
        assert_int_equal(peer_nodelay(os_socket), 0);
    }
    rig_close(&rig);
}

const struct scenario suite_connect[] = {
    SCENARIO(connect_ipv4),
    SCENARIO(connect_from_an_address),
    SCENARIO(connect_ipv6),
    SCENARIO(connect_canceled),
    SCENARIO(connect_to_nowhere),
    SCENARIO(connect_without_socket),
    SCENARIO(close_in_connect_callback),
    SCENARIO(close_right_after_connect),
    SCENARIO(handle_is_the_socket),
    {NULL, NULL},
};
