/* The local addresses of --source: what is accepted, and which address is the n-th. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "client_options.h"
#include "source.h"
#include "util.h"

static struct source_list list;

static const char *nth(int family, uint64_t n)
{
    static char text[INET6_ADDRSTRLEN];
    struct sockaddr_storage address;
    source_address(&list, family, n, &address);
    assert_int_equal(address.ss_family, family);
    assert_int_equal(net_address_port((const struct sockaddr *)&address), 0);
    assert_int_equal(uv_ip_name((const struct sockaddr *)&address, text, sizeof(text)), 0);
    return text;
}

static void addresses_come_in_the_order_given(void **state)
{
    (void)state;
    assert_int_equal(source_parse("127.0.0.9,::1,127.0.0.2", &list), 0);
    assert_int_equal(source_count(&list, AF_INET), 2);
    assert_int_equal(source_count(&list, AF_INET6), 1);
    assert_string_equal(nth(AF_INET, 0), "127.0.0.9");
    assert_string_equal(nth(AF_INET, 1), "127.0.0.2");
    assert_string_equal(nth(AF_INET6, 0), "::1");
}

static void a_block_has_all_its_addresses(void **state)
{
    (void)state;
    assert_int_equal(source_parse("10.0.254.0/23,10.9.9.9/32,fd00::fff0/124", &list), 0);
    assert_int_equal(source_count(&list, AF_INET), 513);
    assert_string_equal(nth(AF_INET, 0), "10.0.254.0");
    assert_string_equal(nth(AF_INET, 255), "10.0.254.255");
    assert_string_equal(nth(AF_INET, 256), "10.0.255.0");
    assert_string_equal(nth(AF_INET, 511), "10.0.255.255");
    assert_string_equal(nth(AF_INET, 512), "10.9.9.9");
    assert_int_equal(source_count(&list, AF_INET6), 16);
    assert_string_equal(nth(AF_INET6, 15), "fd00::ffff");
}

static void the_largest_block_is_accepted(void **state)
{
    (void)state;
    assert_int_equal(source_parse("127.1.0.0/16", &list), 0);
    assert_int_equal(source_count(&list, AF_INET), SOURCE_ADDRESSES_MAX);
    assert_string_equal(nth(AF_INET, SOURCE_ADDRESSES_MAX - 1), "127.1.255.255");
    assert_int_equal(source_parse("127.1.0.0/16,127.0.0.1", &list), UV_E2BIG);
    assert_int_equal(source_parse("127.0.0.0/15", &list), UV_E2BIG);
    assert_int_equal(source_parse("::/0", &list), UV_E2BIG);
}

static void other_texts_are_not(void **state)
{
    static const char *const bad[] = {
        "",           ",",           "127.0.0.1,",   ",127.0.0.1",    "127.0.0",     "localhost",
        "127.0.0.1:", "127.0.0.1:1", "[::1]",        "127.0.0.1/33",  "127.0.0.1/",  "10.0.0.1/24",
        "10.0.0.0/a", "::1/129",     "10.0.0.0//24", "10.0.0.0/24/1", " 127.0.0.1",  "10.0.0.0/-1",
        "fd00::1/64", "1.2.3.4.5",   "127.0.0.256",  "10.0.0.0 /24",  "10.0.0.0/24 "};
    (void)state;
    for (size_t i = 0; i < LENGTH(bad); i++) {
        if (source_parse(bad[i], &list) == 0) {
            fail_msg("'%s' was accepted", bad[i]);
        }
        assert_false(source_is_list(bad[i]));
    }
}

static void a_list_has_a_limited_length(void **state)
{
    char text[(SOURCE_RANGES_MAX + 1) * sizeof("127.0.0.1,")] = "127.0.0.1";
    (void)state;
    for (size_t i = 1; i < SOURCE_RANGES_MAX; i++) {
        (void)snprintf(text + strlen(text), sizeof(text) - strlen(text), ",127.0.0.1");
    }
    assert_int_equal(source_parse(text, &list), 0);
    assert_int_equal(source_count(&list, AF_INET), SOURCE_RANGES_MAX);
    (void)snprintf(text + strlen(text), sizeof(text) - strlen(text), ",::1");
    assert_int_equal(source_parse(text, &list), UV_E2BIG);
}

static void own_address(struct source *source, int family, const char *expected)
{
    char text[INET6_ADDRSTRLEN];
    struct sockaddr_storage name;
    uv_os_sock_t os_socket;
    assert_int_equal(source_open(source, family, &os_socket), 0);
    assert_int_equal(net_local_name(os_socket, &name), 0);
    assert_int_equal(uv_ip_name((const struct sockaddr *)&name, text, sizeof(text)), 0);
    assert_string_equal(text, expected);
    net_close(os_socket);
}

static void sockets_are_bound_in_turn(void **state)
{
    static const struct net_options net = {.nodelay = true};
    struct source source;
    struct sockaddr_storage failed;
    (void)state;
    assert_int_equal(source_parse("127.0.0.1", &list), 0);
    assert_int_equal(source_init(&source, &list, &net), 0);
    assert_int_equal(source_try(&source, &failed), 0);
    own_address(&source, AF_INET, "127.0.0.1");
    source_free(&source);
#ifdef __linux__ /* elsewhere the loopback has only one address */
    assert_int_equal(source_parse("127.0.0.2,127.0.1.254/31", &list), 0);
    assert_int_equal(source_init(&source, &list, &net), 0);
    own_address(&source, AF_INET, "127.0.0.2");
    own_address(&source, AF_INET, "127.0.1.254");
    own_address(&source, AF_INET, "127.0.1.255");
    own_address(&source, AF_INET, "127.0.0.2");
    source_free(&source);
#endif
}

/* RFC 5737: no machine has this address. */
static void an_address_that_is_not_here_is_found(void **state)
{
    static const struct net_options net = {.nodelay = true};
    char text[INET6_ADDRSTRLEN];
    struct source source;
    struct sockaddr_storage failed;
    (void)state;
    assert_int_equal(source_parse("127.0.0.1,192.0.2.77", &list), 0);
    assert_int_equal(source_init(&source, &list, &net), 0);
    assert_int_equal(source_try(&source, &failed), UV_EADDRNOTAVAIL);
    assert_int_equal(uv_ip_name((const struct sockaddr *)&failed, text, sizeof(text)), 0);
    assert_string_equal(text, "192.0.2.77");
    source_free(&source);
}

/* libuv starts Winsock with the first loop. */
static int start_sockets(void **state)
{
    uv_loop_t loop;
    (void)state;
    int status = uv_loop_init(&loop);
    return status != 0 ? status : uv_loop_close(&loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_come_in_the_order_given),
        cmocka_unit_test(a_block_has_all_its_addresses),
        cmocka_unit_test(the_largest_block_is_accepted),
        cmocka_unit_test(other_texts_are_not),
        cmocka_unit_test(a_list_has_a_limited_length),
        cmocka_unit_test(sockets_are_bound_in_turn),
        cmocka_unit_test(an_address_that_is_not_here_is_found),
    };
    return cmocka_run_group_tests(tests, start_sockets, NULL);
}
