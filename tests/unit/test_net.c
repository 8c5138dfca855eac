#include "net_rig.h"

#include "range.h"

#define CLIENTS 64

/* ---- opening ------------------------------------------------------------------------------- */

static void open_sets_the_options(void **state)
{
    (void)state;
    const struct net_options small = {.nodelay = true, .sndbuf = 16384, .rcvbuf = 20480};
    const struct net_options large = {.nodelay = false, .sndbuf = 65536, .rcvbuf = 81920};
    uv_os_sock_t a, b;
    assert_int_equal(net_open(&small, AF_INET, &a), 0);
    assert_int_equal(net_open(&large, AF_INET, &b), 0);
    assert_int_not_equal(option_of(a, IPPROTO_TCP, TCP_NODELAY), 0);
    assert_int_equal(option_of(b, IPPROTO_TCP, TCP_NODELAY), 0);
    assert_between(option_of(a, SOL_SOCKET, SO_SNDBUF), 16384, 2 * 16384); /* Linux doubles it */
    assert_between(option_of(a, SOL_SOCKET, SO_RCVBUF), 20480, 2 * 20480); /* XNU rounds it up */
    assert_between(option_of(b, SOL_SOCKET, SO_SNDBUF), 65536, 2 * 65536);
    assert_between(option_of(b, SOL_SOCKET, SO_RCVBUF), 81920, 2 * 81920);
    net_close(a);
    net_close(b);
}

static void open_refuses_a_strange_family(void **state)
{
    (void)state;
    uv_os_sock_t os_socket = 0;
    struct sockaddr_storage address = {0};
    address.ss_family = AF_UNSPEC;
    assert_int_not_equal(net_open(&plain, 12345, &os_socket), 0);
    assert_int_equal(bind_to(&address, 1, &os_socket), UV_EAFNOSUPPORT);
}

/* ---- binding ------------------------------------------------------------------------------- */

static void a_group_shares_the_port(void **state)
{
    (void)state;
    uv_os_sock_t group[4];
    assert_int_equal(bind_host("127.0.0.1", 0, 4, group), 0);
    unsigned port = port_of(group[0]);
    assert_int_not_equal(port, 0);
    for (size_t i = 1; i < 4; i++) {
        assert_true(group[i] != group[0]);
        assert_int_equal(port_of(group[i]), port);
    }
    listen_all(group, 4);
    close_all(group, 4);
}

/* A connection may come before the loops listen. It waits for them. */
static void the_first_of_a_group_listens_already(void **state)
{
    (void)state;
    for (size_t count = 1; count <= 4; count++) {
        uv_os_sock_t group[4];
        assert_int_equal(bind_host("127.0.0.1", 0, count, group), 0);
        uv_os_sock_t client = connect_host("127.0.0.1", port_of(group[0]));
        listen_all(group, count);
        net_close(accept_from(group[0]));
        net_close(client);
        close_all(group, count);
    }
}

/* A loop does so when it replaces a listener that has failed. */
static void a_duplicate_of_a_listener_listens(void **state)
{
    (void)state;
    uv_os_sock_t group[2], duplicates[2];
    assert_int_equal(bind_host("127.0.0.1", 0, 2, group), 0);
    listen_all(group, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(net_duplicate(group[i], &duplicates[i]), 0);
    }
    listen_all(duplicates, 2);
    close_all(duplicates, 2);
    listen_all(group, 2);
    close_all(group, 2);
}

/* Every connection arrives at a socket of the group. On Linux every socket gets some. */
static void a_group_shares_the_connections(void **state)
{
    (void)state;
    uv_os_sock_t group[4], clients[CLIENTS];
    size_t counts[4] = {0}, total = 0;
    assert_int_equal(bind_host("127.0.0.1", 0, 4, group), 0);
    listen_all(group, 4);
    for (size_t i = 0; i < CLIENTS; i++) {
        clients[i] = connect_host("127.0.0.1", port_of(group[0]));
    }
    while (total < CLIENTS) { /* on some systems loopback is asynchronous */
        for (size_t i = 0; i < 4; i++) {
            for (; can_accept(group[i]); total++) {
                net_close(accept_from(group[i]));
                counts[i]++;
            }
        }
    }
    print_message("connections: %u %u %u %u\n", (unsigned)counts[0], (unsigned)counts[1],
                  (unsigned)counts[2], (unsigned)counts[3]);
    assert_int_equal(total, CLIENTS);
#ifdef __linux__
    for (size_t i = 0; i < 4; i++) {
        assert_between(counts[i], 1, CLIENTS / 2);
    }
#endif
    close_all(clients, CLIENTS);
    close_all(group, 4);
}

/* Whether one server listens or none, and for all group sizes: the second always gets an error. */
static void a_second_server_is_told(void **state)
{
    (void)state;
    for (size_t first = 1; first <= 2; first++) {
        for (size_t second = 1; second <= 2; second++) {
            uv_os_sock_t ours[2], theirs[2];
            assert_int_equal(bind_host("127.0.0.1", 0, first, ours), 0);
            unsigned port = port_of(ours[0]);
            assert_int_equal(bind_host("127.0.0.1", port, second, theirs), UV_EADDRINUSE);
            listen_all(ours, first);
            assert_int_equal(bind_host("127.0.0.1", port, second, theirs), UV_EADDRINUSE);
            close_all(ours, first);
            assert_int_equal(bind_host("127.0.0.1", port, second, theirs), 0);
            close_all(theirs, second);
        }
    }
}

struct starter {
    uv_barrier_t *start;
    struct sockaddr_storage address;
    uv_os_sock_t os_sockets[2];
    int result;
};

static void start_server(void *argument)
{
    struct starter *starter = argument;
    (void)uv_barrier_wait(starter->start);
    starter->result = bind_to(&starter->address, 2, starter->os_sockets);
}

/* True if one of them got the port, which is then freed. */
static bool race_for(unsigned port)
{
    uv_barrier_t start;
    uv_thread_t threads[2];
    struct starter starters[2];
    assert_int_equal(uv_barrier_init(&start, 2), 0);
    for (size_t i = 0; i < 2; i++) {
        starters[i].start = &start;
        starters[i].address = address_of("127.0.0.1", port);
        assert_int_equal(uv_thread_create(&threads[i], start_server, &starters[i]), 0);
    }
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(uv_thread_join(&threads[i]), 0);
        assert_true(starters[i].result == 0 || starters[i].result == UV_EADDRINUSE);
    }
    uv_barrier_destroy(&start);
    assert_false(starters[0].result == 0 && starters[1].result == 0);
    for (size_t i = 0; i < 2; i++) {
        if (starters[i].result == 0) {
            listen_all(starters[i].os_sockets, 2);
            close_all(starters[i].os_sockets, 2);
            return true;
        }
    }
    return false;
}

/* Two servers that start at the same time never both get the port. Nearly always one of them does:
 * each may find the other about to listen, or another program may have the port. */
static void one_of_two_at_once_gets_the_port(void **state)
{
    (void)state;
    uv_os_sock_t os_socket;
    size_t won = 0;
    assert_int_equal(bind_host("127.0.0.1", 0, 1, &os_socket), 0);
    unsigned port = port_of(os_socket);
    net_close(os_socket);
    for (size_t round = 0; round < 500; round++) {
        won += race_for(port);
    }
    assert_between(won, 450, 500);
}

static void an_any_address_conflicts_with_one_of_it(void **state)
{
    (void)state;
    uv_os_sock_t ours[2], theirs[2];
    assert_int_equal(bind_host("0.0.0.0", 0, 2, ours), 0);
#ifdef __linux__ /* the BSDs and Windows allow a separate socket for the more specific address */
    assert_int_equal(bind_host("127.0.0.1", port_of(ours[0]), 2, theirs), UV_EADDRINUSE);
#endif
    assert_int_equal(bind_host("0.0.0.0", port_of(ours[0]), 2, theirs), UV_EADDRINUSE);
    close_all(ours, 2);
}

/* A server that closed first leaves its port in TIME-WAIT. A restarted server can bind it. */
static void time_wait_is_no_obstacle(void **state)
{
    (void)state;
    uv_os_sock_t group[2];
    char byte;
    assert_int_equal(bind_host("127.0.0.1", 0, 1, group), 0);
    unsigned port = port_of(group[0]);
    listen_all(group, 1);
    uv_os_sock_t client = connect_host("127.0.0.1", port);
    net_close(accept_from(group[0]));
    assert_int_equal(recv(client, &byte, 1, 0), 0);
    net_close(client);
    net_close(group[0]);
    assert_int_equal(bind_host("127.0.0.1", port, 2, group), 0);
    close_all(group, 2);
}

static void a_failed_bind_leaves_nothing_open(void **state)
{
    (void)state;
    uv_os_sock_t ours[2], theirs[2], before, after;
    assert_int_equal(bind_host("192.0.2.77", 0, 2, theirs), UV_EADDRNOTAVAIL);
    assert_int_equal(bind_host("127.0.0.1", 0, 2, ours), 0);
    assert_int_equal(net_open(&plain, AF_INET, &before), 0);
    net_close(before);
    assert_int_equal(bind_host("127.0.0.1", port_of(ours[0]), 2, theirs), UV_EADDRINUSE);
    assert_int_equal(net_open(&plain, AF_INET, &after), 0);
#ifndef _WIN32 /* a new descriptor is the lowest free one */
    assert_int_equal(after, before);
#endif
    net_close(after);
    close_all(ours, 2);
}

static void accepted_sockets_are_tuned(void **state)
{
    (void)state;
    const struct net_options options = {.nodelay = true, .sndbuf = 32768, .rcvbuf = 40960};
    struct sockaddr_storage address = address_of("127.0.0.1", 0);
    uv_os_sock_t group[2], clients[16];
    assert_int_equal(net_bind((const struct sockaddr *)&address, &options, 128, 2, group), 0);
    listen_all(group, 2);
    for (size_t i = 0; i < 16; i++) {
        clients[i] = connect_host("127.0.0.1", port_of(group[0]));
    }
    for (size_t i = 0, accepted_count = 0; accepted_count < 16; i = 1 - i) {
        for (; can_accept(group[i]); accepted_count++) {
            uv_os_sock_t accepted = accept_from(group[i]);
            assert_int_equal(net_tune_accepted(accepted, &options), 0);
            assert_int_not_equal(option_of(accepted, IPPROTO_TCP, TCP_NODELAY), 0);
            assert_between(option_of(accepted, SOL_SOCKET, SO_SNDBUF), 32768, 2 * 32768);
            assert_between(option_of(accepted, SOL_SOCKET, SO_RCVBUF), 40960, 2 * 40960);
            net_close(accepted);
        }
    }
    close_all(clients, 16);
    close_all(group, 2);
}

/* ---- IPv6 ---------------------------------------------------------------------------------- */

static void v6_has_all_of_that_too(void **state)
{
    (void)state;
    uv_os_sock_t ours[2], theirs[2];
    if (!have_v6) {
        SKIP(no_v6);
    }
    assert_int_equal(bind_host("::1", 0, 2, ours), 0);
    unsigned port = port_of(ours[0]);
    assert_int_equal(port_of(ours[1]), port);
    assert_int_equal(bind_host("::1", port, 1, theirs), UV_EADDRINUSE);
    assert_int_equal(bind_host("::1", port, 2, theirs), UV_EADDRINUSE);
    listen_all(ours, 2);
    uv_os_sock_t client = connect_host("::1", port);
    size_t at = 0;
    while (!can_accept(ours[at])) {
        at = 1 - at;
    }
    uv_os_sock_t accepted = accept_from(ours[at]);
    struct sockaddr_storage name;
    char expected[NET_ADDRESS_TEXT];
    (void)snprintf(expected, sizeof expected, "[::1]:%u", port_of(client));
    assert_int_equal(net_peer_name(accepted, &name), 0);
    assert_formats(&name, expected);
    net_close(client);
    net_close(accepted);
    close_all(ours, 2);
}

static void the_v6_any_address_takes_both(void **state)
{
    (void)state;
    static const char *const hosts[] = {"127.0.0.1", "::1"};
    uv_os_sock_t listener, theirs[2];
    if (!have_v6) {
        SKIP(no_v6);
    }
    assert_int_equal(bind_host("::", 0, 1, &listener), 0);
    listen_all(&listener, 1);
    for (size_t i = 0; i < 2; i++) {
        struct sockaddr_storage name;
        char text[NET_ADDRESS_TEXT], expected[NET_ADDRESS_TEXT];
        uv_os_sock_t client = connect_host(hosts[i], port_of(listener));
        uv_os_sock_t accepted = accept_from(listener);
        assert_int_equal(net_peer_name(accepted, &name), 0);
        net_format_address((const struct sockaddr *)&name, text, sizeof text);
        (void)snprintf(expected, sizeof expected, i == 0 ? "127.0.0.1:%u" : "[::1]:%u",
                       port_of(client));
        assert_string_equal(text, expected);
        net_close(client);
        net_close(accepted);
    }
#ifdef __linux__
    assert_int_equal(bind_host("0.0.0.0", port_of(listener), 2, theirs), UV_EADDRINUSE);
#endif
    assert_int_equal(bind_host("::", port_of(listener), 2, theirs), UV_EADDRINUSE);
    net_close(listener);
}

static void a_v4_mapped_address_can_be_bound(void **state)
{
    (void)state;
    uv_os_sock_t listener;
    char expected[NET_ADDRESS_TEXT];
    struct sockaddr_storage name;
    if (!have_v6) {
        SKIP(no_v6);
    }
    assert_int_equal(bind_host("::ffff:127.0.0.1", 0, 1, &listener), 0);
    assert_int_equal(net_local_name(listener, &name), 0);
    (void)snprintf(expected, sizeof expected, "127.0.0.1:%u", port_of(listener));
    assert_formats(&name, expected);
    net_close(listener);
}

/* ---- addresses ----------------------------------------------------------------------------- */

/* A client can connect to the address that a server on all addresses prints. */
static void any_address_becomes_the_loopback(void **state)
{
    static const struct {
        const char *from;
        const char *to;
    } list[] = {
        {"0.0.0.0", "127.0.0.1:7"}, {"192.0.2.1", "192.0.2.1:7"}, {"127.0.0.2", "127.0.0.2:7"},
        {"::", "[::1]:7"},          {"::2", "[::2]:7"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        struct sockaddr_storage address;
        char text[NET_ADDRESS_TEXT];
        memset(&address, 0, sizeof address);
        if (strchr(list[i].from, ':') != NULL) {
            (void)uv_ip6_addr(list[i].from, 7, (struct sockaddr_in6 *)&address);
        } else {
            (void)uv_ip4_addr(list[i].from, 7, (struct sockaddr_in *)&address);
        }
        net_any_to_loopback(&address);
        net_format_address((const struct sockaddr *)&address, text, sizeof text);
        assert_string_equal(text, list[i].to);
    }
}

static void addresses_are_formatted(void **state)
{
    (void)state;
    static const struct {
        const char *host;
        unsigned port;
        const char *text;
    } cases[] = {
        {"127.0.0.1", 6001, "127.0.0.1:6001"},
        {"255.255.255.255", 65535, "255.255.255.255:65535"},
        {"0.0.0.0", 0, "0.0.0.0:0"},
        {"::1", 6001, "[::1]:6001"},
        {"::", 1, "[::]:1"},
        {"2001:db8::ff", 80, "[2001:db8::ff]:80"},
        {"::ffff:192.0.2.1", 80, "192.0.2.1:80"},
        {"1111:2222:3333:4444:5555:6666:7777:8888", 65535,
         "[1111:2222:3333:4444:5555:6666:7777:8888]:65535"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sockaddr_storage address = address_of(cases[i].host, cases[i].port);
        assert_formats(&address, cases[i].text);
        assert_int_equal(net_address_port((const struct sockaddr *)&address), cases[i].port);
    }
}

static void a_scope_is_shown(void **state)
{
    (void)state;
    struct sockaddr_storage address = address_of("fe80::1", 80);
    char name[UV_IF_NAMESIZE], expected[NET_ADDRESS_TEXT];
    size_t size = sizeof name;
    if (uv_if_indextoiid(1, name, &size) != 0) {
        SKIP("no network interface has the index 1");
    }
    ((struct sockaddr_in6 *)&address)->sin6_scope_id = 1;
    (void)snprintf(expected, sizeof expected, "[fe80::1%%%s]:80", name);
    assert_formats(&address, expected);
    size = sizeof name;
    if (uv_if_indextoiid(0x7ffffff0, name, &size) != 0) { /* on Windows every number is a scope */
        ((struct sockaddr_in6 *)&address)->sin6_scope_id = 0x7ffffff0;
        assert_formats(&address, "[fe80::1]:80");
    }
}

static void what_has_no_text_is_a_question_mark(void **state)
{
    (void)state;
    struct sockaddr_storage address = {0};
    char text[15] = "unchanged";
    assert_formats(&address, "?");
    assert_int_equal(net_address_size((const struct sockaddr *)&address), 0);
    assert_int_equal(net_address_port((const struct sockaddr *)&address), 0);
    address = address_of("127.0.0.1", 6001);
    net_format_address((const struct sockaddr *)&address, text, 15);
    assert_string_equal(text, "127.0.0.1:6001");
    net_format_address((const struct sockaddr *)&address, text, 14);
    assert_string_equal(text, "?");
    net_format_address((const struct sockaddr *)&address, text, 2);
    assert_string_equal(text, "?");
}

static void names_need_a_connection(void **state)
{
    (void)state;
    uv_os_sock_t os_socket;
    struct sockaddr_storage name;
    assert_int_equal(net_open(&plain, AF_INET, &os_socket), 0);
    assert_int_equal(net_peer_name(os_socket, &name), UV_ENOTCONN);
    net_close(os_socket);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(open_sets_the_options),
        cmocka_unit_test(open_refuses_a_strange_family),
        cmocka_unit_test(a_group_shares_the_port),
        cmocka_unit_test(the_first_of_a_group_listens_already),
        cmocka_unit_test(a_duplicate_of_a_listener_listens),
        cmocka_unit_test(a_group_shares_the_connections),
        cmocka_unit_test(a_second_server_is_told),
        cmocka_unit_test(one_of_two_at_once_gets_the_port),
        cmocka_unit_test(an_any_address_conflicts_with_one_of_it),
        cmocka_unit_test(time_wait_is_no_obstacle),
        cmocka_unit_test(a_failed_bind_leaves_nothing_open),
        cmocka_unit_test(accepted_sockets_are_tuned),
        cmocka_unit_test(v6_has_all_of_that_too),
        cmocka_unit_test(the_v6_any_address_takes_both),
        cmocka_unit_test(a_v4_mapped_address_can_be_bound),
        cmocka_unit_test(any_address_becomes_the_loopback),
        cmocka_unit_test(addresses_are_formatted),
        cmocka_unit_test(a_scope_is_shown),
        cmocka_unit_test(what_has_no_text_is_a_question_mark),
        cmocka_unit_test(names_need_a_connection),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
