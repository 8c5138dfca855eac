/*
 * What the `iocp` backend does to its sockets, over the simulated Winsock. How long does a refusal
 * take, and do child processes inherit a socket? When is a send without the system's buffer over?
 * Wine shows none of this.
 */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "iocp_rig.h"
#include "range.h"
#include "util.h"

enum { WSAACCEPT = 2 }; /* among the backend's accept_modes */

/* ---- refusals ------------------------------------------------------------------------------- */

static uint64_t refused_after_ms(struct winsock_config network, const char *host)
{
    struct iocp_end client;
    iocp_rig_begin(network, 0);
    uint64_t begin_ns = winsock_now();
    iocp_end_connect(&client, host, 9);
    iocp_end_wait(&client);
    uint64_t took_ns = winsock_now() - begin_ns;
    assert_int_equal(client.connect.status, UV_ECONNREFUSED);
    iocp_end_close(&client);
    iocp_rig_end();
    return took_ns / MS;
}

static void a_refusal_of_this_machine_is_reported_at_once(void **state)
{
    static const char *const hosts[] = {"127.0.0.1", "127.255.1.2", "::1", "::ffff:127.0.0.1"};
    (void)state;
    for (size_t i = 0; i < LENGTH(hosts); i++) {
        assert_between(refused_after_ms((struct winsock_config){0}, hosts[i]),
                       2 * IOCP_RIG_LATENCY_MS, 3 * IOCP_RIG_LATENCY_MS);
    }
}

/* On the way to another machine a SYN may be lost, and a server that refuses may be about to
 * start. */
static void a_refusal_of_another_machine_takes_as_long_as_the_system_has_it(void **state)
{
    static const char *const hosts[] = {"128.0.0.1", "192.0.2.1", "2001:db8::1",
                                        "::ffff:192.0.2.1"};
    (void)state;
    for (size_t i = 0; i < LENGTH(hosts); i++) {
        assert_true(refused_after_ms((struct winsock_config){0}, hosts[i]) > 1000);
    }
}

/* Such a system would take the option's value as a number of repetitions. The simulation reports
 * that as misuse. */
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
        struct iocp_end client;
        struct iocp_end server;
        uv_os_sock_t os_socket;
        iocp_rig_begin((struct winsock_config){.threads = mode == WSAACCEPT}, mode);
        iocp_rig_pair(&client, &server);
        assert_int_equal(backend_iocp.handle(server.socket, &os_socket), 0);
        assert_true(winsock_is_open(os_socket));
        assert_false(winsock_is_inherited(os_socket));
        iocp_end_close(&client);
        iocp_end_close(&server);
        iocp_rig_end();
    }
}

/* ---- sends ---------------------------------------------------------------------------------- */

/* Until its bytes have arrived the system owns them: the simulation would find them changed. */
static void an_unbuffered_send_is_over_when_its_bytes_have_arrived(void **state)
{
    static const uint8_t bytes[1000];
    struct iocp_end client;
    struct iocp_end server;
    uint64_t left;
    (void)state;
    iocp_rig_begin((struct winsock_config){.unbuffered = true, .inline_ppm = 1000000}, 0);
    iocp_rig_pair(&client, &server);
    iocp_end_send(&client, bytes, sizeof(bytes));
    assert_true(client.busy);
    iocp_rig_poll_for(IOCP_RIG_LATENCY_MS);
    assert_true(client.busy);
    assert_int_equal(backend_iocp.untaken(iocp_rig.loop, client.socket, &left), 0);
    iocp_rig_poll_for(2 * IOCP_RIG_LATENCY_MS);
    assert_false(client.busy);
    assert_int_equal(client.send.status, 0);
    assert_int_equal(client.send.sent, sizeof(bytes));
    iocp_end_close(&client);
    iocp_end_close(&server);
    iocp_rig_end();
}

static void an_unbuffered_send_is_joined_by_the_close(void **state)
{
    static const uint8_t bytes[2 * IOCP_RIG_CAPACITY];
    struct iocp_end client;
    struct iocp_end server;
    (void)state;
    iocp_rig_begin((struct winsock_config){.unbuffered = true}, 0);
    iocp_rig_pair(&client, &server);
    iocp_end_send(&client, bytes, sizeof(bytes));
    assert_true(client.busy);
    iocp_rig_poll_for(5 * IOCP_RIG_LATENCY_MS); /* the server does not read */
    iocp_end_close(&client);
    assert_int_equal(client.send.status, UV_ECANCELED);
    iocp_end_close(&server);
    iocp_rig_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refusal_of_this_machine_is_reported_at_once),
        cmocka_unit_test(a_refusal_of_another_machine_takes_as_long_as_the_system_has_it),
        cmocka_unit_test(an_old_system_is_left_alone),
        cmocka_unit_test(no_accepted_socket_is_inherited),
        cmocka_unit_test(an_unbuffered_send_is_over_when_its_bytes_have_arrived),
        cmocka_unit_test(an_unbuffered_send_is_joined_by_the_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
