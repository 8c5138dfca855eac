/*
 * What backends/iocp*.c does to its sockets, over the Winsock of tests/winsock: how long a refusal
 * takes, whether child processes inherit a socket, when a send without the system's buffer is over.
 * Wine shows none of this.
 */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "iocp_network.h"
#include "range.h"
#include "util.h"

#define MS UINT64_C(1000000)

/* In one direction; and the size that a connection holds. */
enum { LATENCY_MS = 10, CAPACITY = 64 * 1024 };

enum { WSAACCEPT = 2 }; /* among the backend's accept_modes */

static struct io_loop *loop;
static struct io_listener *listener;

static void begin(struct winsock_config network, unsigned accept_mode)
{
    const struct io_config config = {.buffer_size = CAPACITY,
                                     .buffer_memory = (size_t)1 << 20,
                                     .accept_mode = accept_mode,
                                     .open_socket = iocp_network.open_socket};
    network.seed = 1;
    network.waits = WINSOCK_ADVANCING;
    network.latency_min_ns = network.latency_max_ns = LATENCY_MS * MS;
    network.capacity_min = network.capacity_max = CAPACITY;
    winsock_begin(&network);
    assert_int_equal(backend_iocp.loop_open(&config, &loop), 0);
    assert_int_equal(backend_iocp.listen(loop, iocp_network.listening(0), 128, &listener), 0);
}

static void end(void)
{
    backend_iocp.accept_stop(loop, listener);
    backend_iocp.loop_close(loop);
    winsock_end();
}

static void poll_for(uint64_t ms)
{
    uint64_t until = winsock_now() + ms * MS;
    while (winsock_now() < until) {
        assert_true(backend_iocp.poll(loop, until) >= 0);
    }
}

/* ---- one connection ------------------------------------------------------------------------- */

struct end {
    struct io_socket *socket;
    struct io_connect connect;
    struct io_accept accept;
    struct io_send send;
    struct io_close close;
    bool done; /* the last operation */
};

#define END_OF(op, member) CONTAINER_OF(op, struct end, member)

static void on_connect(struct io_connect *op)
{
    END_OF(op, connect)->done = true;
}

static void on_accept(struct io_accept *op)
{
    struct end *end = END_OF(op, accept);
    assert_int_equal(op->status, 0);
    end->socket = calloc(1, backend_iocp.socket_size);
    assert_int_equal(backend_iocp.adopt(loop, &op->token, end->socket), 0);
    end->done = true;
}

static void on_send(struct io_send *op)
{
    END_OF(op, send)->done = true;
}

static void on_close(struct io_close *op)
{
    END_OF(op, close)->done = true;
}

static void wait_for(const struct end *end)
{
    while (!end->done) {
        poll_for(1);
    }
}

static void start_connect(struct end *end, const char *host, uint16_t port)
{
    struct sockaddr_storage address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)&address;
    if (uv_ip4_addr(host, port, (struct sockaddr_in *)(void *)&address) != 0) {
        assert_int_equal(uv_ip6_addr(host, port, v6), 0);
    }
    *end = (struct end){.socket = calloc(1, backend_iocp.socket_size),
                        .connect = {.done = on_connect}};
    assert_int_equal(backend_iocp.connect(loop, end->socket,
                                          (const struct sockaddr *)(const void *)&address,
                                          &end->connect),
                     IO_PENDING);
}

static void finish(struct end *end)
{
    end->done = false;
    end->close = (struct io_close){.done = on_close};
    backend_iocp.close(loop, end->socket, IO_CLOSE_RESET, &end->close);
    wait_for(end);
    free(end->socket);
}

static void connect_pair(struct end *client, struct end *server)
{
    *server = (struct end){.accept = {.done = on_accept}};
    assert_int_equal(backend_iocp.accept(loop, listener, &server->accept), IO_PENDING);
    start_connect(client, "127.0.0.1", WORLD_PORT);
    wait_for(client);
    assert_int_equal(client->connect.status, 0);
    wait_for(server);
}

/* ---- refusals ------------------------------------------------------------------------------- */

static uint64_t refused_after_ms(struct winsock_config network, const char *host)
{
    struct end client;
    begin(network, 0);
    uint64_t begin_ns = winsock_now();
    start_connect(&client, host, 9);
    wait_for(&client);
    uint64_t took_ns = winsock_now() - begin_ns;
    assert_int_equal(client.connect.status, UV_ECONNREFUSED);
    finish(&client);
    end();
    return took_ns / MS;
}

static void a_refusal_of_this_machine_is_told_at_once(void **state)
{
    static const char *const hosts[] = {"127.0.0.1", "127.255.1.2", "::1", "::ffff:127.0.0.1"};
    (void)state;
    for (size_t i = 0; i < LENGTH(hosts); i++) {
        assert_between(refused_after_ms((struct winsock_config){0}, hosts[i]), 2 * LATENCY_MS,
                       3 * LATENCY_MS);
    }
}

/* A SYN may be lost there, and who refuses may be starting. */
static void a_refusal_of_another_machine_is_as_the_system_has_it(void **state)
{
    static const char *const hosts[] = {"128.0.0.1", "192.0.2.1", "2001:db8::1",
                                        "::ffff:192.0.2.1"};
    (void)state;
    for (size_t i = 0; i < LENGTH(hosts); i++) {
        assert_true(refused_after_ms((struct winsock_config){0}, hosts[i]) > 1000);
    }
}

/* The simulation finds misuse: to such a system it would be a number of repetitions. */
static void an_old_system_is_left_alone(void **state)
{
    (void)state;
    assert_true(refused_after_ms((struct winsock_config){.old = true}, "127.0.0.1") > 1000);
}

/* ---- inheritance ---------------------------------------------------------------------------- */

static void no_accepted_socket_is_inherited(void **state)
{
    (void)state;
    for (unsigned mode = 0; mode <= WSAACCEPT; mode += WSAACCEPT) {
        struct end client;
        struct end server;
        uv_os_sock_t os_socket;
        begin((struct winsock_config){.threads = mode == WSAACCEPT}, mode);
        connect_pair(&client, &server);
        assert_int_equal(backend_iocp.handle(server.socket, &os_socket), 0);
        assert_true(winsock_is_open(os_socket));
        assert_false(winsock_is_inherited(os_socket));
        finish(&client);
        finish(&server);
        end();
    }
}

/* ---- sends ---------------------------------------------------------------------------------- */

/* Until then the bytes are the system's: the simulation would find them changed. */
static void an_unbuffered_send_is_over_when_its_bytes_have_arrived(void **state)
{
    static const uint8_t bytes[1000];
    struct end client;
    struct end server;
    uint64_t left;
    (void)state;
    begin((struct winsock_config){.unbuffered = true, .inline_ppm = 1000000}, 0);
    connect_pair(&client, &server);
    client.done = false;
    client.send = (struct io_send){.done = on_send, .data = bytes, .length = sizeof(bytes)};
    assert_int_equal(backend_iocp.send(loop, client.socket, &client.send), IO_PENDING);
    poll_for(LATENCY_MS);
    assert_false(client.done);
    assert_int_equal(backend_iocp.untaken(loop, client.socket, &left), 0);
    poll_for(2 * LATENCY_MS);
    assert_true(client.done);
    assert_int_equal(client.send.status, 0);
    assert_int_equal(client.send.sent, sizeof(bytes));
    finish(&client);
    finish(&server);
    end();
}

static void an_unbuffered_send_is_joined_by_the_close(void **state)
{
    static const uint8_t bytes[2 * CAPACITY];
    struct end client;
    struct end server;
    (void)state;
    begin((struct winsock_config){.unbuffered = true}, 0);
    connect_pair(&client, &server);
    client.send = (struct io_send){.done = on_send, .data = bytes, .length = sizeof(bytes)};
    assert_int_equal(backend_iocp.send(loop, client.socket, &client.send), IO_PENDING);
    poll_for(5 * LATENCY_MS); /* nobody reads */
    finish(&client);
    assert_int_equal(client.send.status, UV_ECANCELED);
    finish(&server);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refusal_of_this_machine_is_told_at_once),
        cmocka_unit_test(a_refusal_of_another_machine_is_as_the_system_has_it),
        cmocka_unit_test(an_old_system_is_left_alone),
        cmocka_unit_test(no_accepted_socket_is_inherited),
        cmocka_unit_test(an_unbuffered_send_is_over_when_its_bytes_have_arrived),
        cmocka_unit_test(an_unbuffered_send_is_joined_by_the_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
