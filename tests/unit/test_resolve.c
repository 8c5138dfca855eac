#include "net_rig.h"

#include "range.h"

static void count_call(struct net_resolution *resolution)
{
    ++*(int *)resolution->data;
}

/* Resolves and waits. The caller frees the result. */
static int resolve(struct net_resolution *resolution, const char *host, const char *service,
                   bool passive)
{
    uv_loop_t loop;
    int calls = 0;
    resolution->data = &calls;
    assert_int_equal(uv_loop_init(&loop), 0);
    int error = net_resolve(&loop, resolution, host, service, passive, count_call);
    assert_int_equal(calls, 0);
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(calls, error == 0 ? 1 : 0);
    assert_int_equal(uv_loop_close(&loop), 0);
    if (error == 0) {
        error = resolution->status;
    }
    assert_true((error == 0) == (resolution->count > 0));
    assert_true((error == 0) == (resolution->addresses != NULL));
    return error;
}

static void assert_resolves_to(const char *host, const char *service, bool passive,
                               const char *expected)
{
    struct net_resolution resolution;
    assert_int_equal(resolve(&resolution, host, service, passive), 0);
    assert_int_equal(resolution.count, 1);
    assert_formats(&resolution.addresses[0], expected);
    net_resolution_free(&resolution);
    net_resolution_free(&resolution);
}

static void assert_does_not_resolve(const char *host, const char *service)
{
    struct net_resolution resolution;
    int error = resolve(&resolution, host, service, false);
    print_message("%.20s %.20s: %s\n", host, service, uv_strerror(error));
    assert_true(error < 0);
    net_resolution_free(&resolution);
}

static void numbers_resolve_to_themselves(void **state)
{
    (void)state;
    assert_resolves_to("127.0.0.1", "6001", false, "127.0.0.1:6001");
    assert_resolves_to("127.0.0.1", "0", true, "127.0.0.1:0");
    assert_resolves_to("192.0.2.1", "65535", false, "192.0.2.1:65535");
    assert_resolves_to("0.0.0.0", "80", true, "0.0.0.0:80");
    if (have_v6) {
        assert_resolves_to("::1", "06001", false, "[::1]:6001");
        assert_resolves_to("::", "6001", true, "[::]:6001");
    }
}

/* [::] may work even without ::1: Linux with disable_ipv6. */
static void assert_any_address(const char *host)
{
    struct net_resolution resolution;
    uv_os_sock_t listener;
    assert_int_equal(resolve(&resolution, host, "0", true), 0);
    assert_int_equal(resolution.count, 1);
    if (have_v6 || resolution.addresses[0].ss_family == AF_INET6) {
        assert_formats(&resolution.addresses[0], "[::]:0");
    } else {
        assert_formats(&resolution.addresses[0], "0.0.0.0:0");
    }
    assert_int_equal(bind_to(&resolution.addresses[0], 1, &listener), 0);
    listen_all(&listener, 1);
    net_close(connect_host("127.0.0.1", port_of(listener)));
    net_close(listener);
    net_resolution_free(&resolution);
}

static void any_address_is_one(void **state)
{
    (void)state;
    assert_any_address(NULL);
    assert_any_address("*");
}

/* Each loopback address appears once, whatever the hosts file says. */
static void assert_loopback(const char *host)
{
    struct net_resolution resolution;
    assert_int_equal(resolve(&resolution, host, "6001", false), 0);
    size_t v4 = 0, v6 = 0;
    for (size_t i = 0; i < resolution.count; i++) {
        char text[NET_ADDRESS_TEXT];
        net_format_address((const struct sockaddr *)&resolution.addresses[i], text, sizeof text);
        v4 += strcmp(text, "127.0.0.1:6001") == 0;
        v6 += strcmp(text, "[::1]:6001") == 0;
    }
    assert_between(v4, 0, 1);
    assert_between(v6, 0, 1);
    assert_int_equal(v4 + v6, resolution.count);
    net_resolution_free(&resolution);
}

static void localhost_is_the_loopback(void **state)
{
    (void)state;
    assert_loopback("localhost");
    assert_loopback(NULL);
}

/* Without a network, only an absent host name gives several addresses. */
static void several_addresses_are_kept(void **state)
{
    (void)state;
    struct net_resolution resolution;
    assert_int_equal(resolve(&resolution, NULL, "6001", false), 0);
    size_t count = resolution.count;
    net_resolution_free(&resolution);
    if (count < 2) {
        SKIP("the loopback has one address");
    }
    assert_int_equal(count, 2);
}

static void services_have_names(void **state)
{
    (void)state;
    if (getservbyname("echo", "tcp") == NULL) {
        SKIP("this machine knows no service names");
    }
    assert_resolves_to("127.0.0.1", "echo", false, "127.0.0.1:7");
    assert_resolves_to("127.0.0.1", "http", true, "127.0.0.1:80");
}

static void bad_services_are_refused(void **state)
{
    (void)state;
    static const char *const numbers[] = {
        "", "-1", "+1", " 1", "65536", "65537", "99999", "4294967297", "99999999999999999999999",
    };
    struct net_resolution resolution;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        assert_int_equal(resolve(&resolution, "127.0.0.1", numbers[i], false), UV_EAI_SERVICE);
    }
    assert_does_not_resolve("127.0.0.1", "no-such-service");
    assert_does_not_resolve("127.0.0.1", "80x");
}

static void bad_hosts_are_refused(void **state)
{
    (void)state;
    char long_name[400];
    memset(long_name, 'a', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    assert_does_not_resolve("no-such-host.invalid", "6001");
    assert_does_not_resolve("256.256.256.256", "6001");
    assert_does_not_resolve("::1::", "6001");
    assert_does_not_resolve("", "6001");
    assert_does_not_resolve("two words", "6001");
    assert_does_not_resolve(long_name, "6001");
}

/* Each ends as canceled, even if its query had ended before. */
static void resolving_can_be_cancelled(void **state)
{
    (void)state;
    enum { COUNT = 32 };
    struct net_resolution resolutions[COUNT];
    uv_loop_t loop;
    int calls = 0;
    assert_int_equal(uv_loop_init(&loop), 0);
    for (size_t i = 0; i < COUNT; i++) {
        resolutions[i].data = &calls;
        assert_int_equal(net_resolve(&loop, &resolutions[i], "localhost", "1", false, count_call),
                         0);
    }
    for (size_t i = COUNT; i > 0; i--) {
        net_resolution_cancel(&resolutions[i - 1]);
    }
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(calls, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(resolutions[i].status, UV_EAI_CANCELED);
        assert_int_equal(resolutions[i].count, 0);
        net_resolution_free(&resolutions[i]);
    }
    assert_int_equal(uv_loop_close(&loop), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_resolve_to_themselves),
        cmocka_unit_test(any_address_is_one),
        cmocka_unit_test(localhost_is_the_loopback),
        cmocka_unit_test(several_addresses_are_kept),
        cmocka_unit_test(services_have_names),
        cmocka_unit_test(bad_services_are_refused),
        cmocka_unit_test(bad_hosts_are_refused),
        cmocka_unit_test(resolving_can_be_cancelled),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
