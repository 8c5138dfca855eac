/*
 * How the client comes to a server: the address that a server prints, families, local addresses,
 * and when its connections begin.
 */

#include "e2e.h"

#include <stdio.h>
#include <string.h>

#include "net.h"
#include "util.h"

static struct process *client_of(const char *address, const char *option)
{
    return e2e_start(e2e_client_path, e2e_backend_argument(), e2e_seed_argument(), "--json",
                     "--requests=3", "--timeout", E2E_NEVER, address, option, NULL);
}

/* ---- what the server prints ---------------------------------------------------------------- */

/* The words after "listening on", as somebody would copy them. */
static const char *printed(struct process *server, size_t n)
{
    static const char begin[] = "listening on ";
    const char *line = e2e_line(server, PROCESS_OUT, begin, n);
    const char *at = strstr(line, begin) + sizeof(begin) - 1;
    return e2e_text("%.*s", (int)strcspn(at, " "), at);
}

static void is_reached_as_printed(const char *listen)
{
    struct process *server =
        e2e_start(e2e_server_path, e2e_backend_argument(), "-t", "1", "-l", listen, NULL);
    const char *address = printed(server, 0);
    print_message("-l %s prints %s\n", listen, address);
    e2e_succeeds(e2e_end_report(client_of(address, NULL), 0));
}

/* "[fe80::1%eth0]:0"; NULL: no interface has such an address. */
static const char *link_local(void)
{
    uv_interface_address_t *interfaces = NULL;
    const char *text = NULL;
    int count = 0;
    if (uv_interface_addresses(&interfaces, &count) != 0) {
        return NULL;
    }
    for (int i = 0; i < count && text == NULL; i++) {
        const struct sockaddr_in6 *v6 = &interfaces[i].address.address6;
        char address[NET_ADDRESS_TEXT];
        struct sockaddr_in6 copy = *v6;
        copy.sin6_port = 0;
        if (v6->sin6_family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr) &&
            v6->sin6_scope_id != 0) {
            net_format_address((const struct sockaddr *)&copy, address, sizeof(address));
            text = e2e_text("%s", address);
        }
    }
    uv_free_interface_addresses(interfaces, count);
    return text;
}

static void what_the_server_prints_is_a_server(void **state)
{
    (void)state;
    is_reached_as_printed("127.0.0.1:0");
    is_reached_as_printed("0.0.0.0:0");
    is_reached_as_printed("*:0");
    if (!e2e_has_ipv6()) {
        return;
    }
    is_reached_as_printed("[::1]:0");
    is_reached_as_printed("[::]:0");
    if (link_local() != NULL) {
        is_reached_as_printed(link_local());
    }
}

/* ---- families ------------------------------------------------------------------------------ */

static void a_family_can_be_chosen(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, "-l", "127.0.0.1:0", NULL);
    const char *v4 = e2e_text("127.0.0.1:%s", server.port);
    e2e_succeeds(e2e_end_report(client_of(v4, "-4"), 0));
    const json_t *report =
        e2e_end_report(client_of(e2e_text("localhost:%s", server.port), "-4"), 0);
    assert_string_equal(e2e_string(report, "address"), v4);
    struct process *client = client_of(v4, "-6");
    e2e_ends(client, 1);
    e2e_says(client, PROCESS_ERR, "-6: 127.0.0.1 has no IPv6 address");
    client = client_of(e2e_text("[::1]:%s", server.port), "-4");
    e2e_ends(client, 1);
    e2e_says(client, PROCESS_ERR, "-4: ::1 has no IPv4 address");
}

/* ---- local addresses ----------------------------------------------------------------------- */

static void connections_come_from_local_addresses(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, "-l", "127.0.0.1:0", NULL);
    struct process *client = e2e_client(&server, "--source=127.0.0.1,127.0.0.1/32", "-c", "20",
                                        "-t", "2", "--lifetime=5", "--requests=400", NULL);
    const json_t *report = e2e_end_report(client, 0);
    e2e_succeeds(report);
    assert_int_equal(e2e_uint(report, "counters.messages"), 400);
    assert_string_equal(e2e_string(report, "source"), "127.0.0.1,127.0.0.1/32");
    e2e_books_agree(&server, client);
}

/* Of the loopback. Not every system has more than one there. */
static bool has_address(const char *address)
{
    struct sockaddr_in v4;
    uv_tcp_t tcp;
    uv_loop_t loop;
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(uv_tcp_init(&loop, &tcp), 0);
    assert_int_equal(uv_ip4_addr(address, 0, &v4), 0);
    bool has = uv_tcp_bind(&tcp, (const struct sockaddr *)&v4, 0) == 0 &&
               uv_listen((uv_stream_t *)&tcp, 1, NULL) == 0;
    uv_close((uv_handle_t *)&tcp, NULL);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    return has;
}

static void several_addresses_are_used_in_turn(void **state)
{
    struct e2e_server server;
    (void)state;
    if (!has_address("127.0.0.2")) {
        e2e_skip("the loopback has only one address");
    }
    e2e_server(&server, "-l", "127.0.0.1:0", NULL);
    struct process *client = e2e_client(&server, "--source=127.0.0.2,127.1.0.0/28", "-c", "20",
                                        "-t", "2", "--requests=400", NULL);
    e2e_succeeds(e2e_end_report(client, 0));
    e2e_books_agree(&server, client);
}

/* RFC 5737: no machine has this address. */
static void an_address_of_no_interface_ends_the_run_before_it_begins(void **state)
{
    (void)state;
    struct process *client = client_of("127.0.0.1:9", "--source=127.0.0.1,192.0.2.77");
    e2e_ends(client, 1);
    e2e_says(client, PROCESS_ERR, "--source: 192.0.2.77: ");
    e2e_says(client, PROCESS_ERR, "no interface of this machine has that address");
    client = client_of("127.0.0.1:9", "--source=::1");
    e2e_ends(client, 1);
    e2e_says(client, PROCESS_ERR,
             "--source: '::1' has only IPv6 addresses, and 127.0.0.1 has only IPv4 addresses");
}

/* ---- when connections begin ---------------------------------------------------------------- */

/* Nine connects have eight intervals, which no machine makes shorter. */
static void connects_keep_their_rate(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, "-l", "127.0.0.1:0", NULL);
    struct process *client = e2e_client(&server, "--connect-rate=50", "-c", "3", "-t", "1",
                                        "--lifetime=1", "--requests=9", NULL);
    const json_t *report = e2e_end_report(client, 0);
    assert_int_equal(e2e_uint(report, "counters.attempts"), 9);
    assert_true(e2e_real(report, "seconds") >= 8.0 / 50);
    e2e_books_agree(&server, client);
}

static void a_ramp_takes_its_time(void **state)
{
    struct e2e_server server;
    (void)state;
    e2e_server(&server, "-l", "127.0.0.1:0", NULL);
    struct process *client = e2e_client(&server, "--ramp=200ms", "-c", "4", "-t", "2",
                                        "--requests=10", "--wait", E2E_NEVER, NULL);
    const json_t *report = e2e_end_report(client, 0);
    e2e_succeeds(report);
    assert_int_equal(e2e_uint(report, "up"), 4);
    assert_true(e2e_real(report, "seconds") >= 0.15);
    e2e_books_agree(&server, client);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        E2E(what_the_server_prints_is_a_server),
        E2E(a_family_can_be_chosen),
        E2E(connections_come_from_local_addresses),
        E2E(several_addresses_are_used_in_turn),
        E2E(an_address_of_no_interface_ends_the_run_before_it_begins),
        E2E(connects_keep_their_rate),
        E2E(a_ramp_takes_its_time),
    };
    return e2e_run(argc, argv, tests);
}
