/* The client's options about connections: families, sources, and when they begin. */

#include "option_rig.h"

#include <string.h>
#include <uv.h>

#include "units.h"
#include "util.h"

/* "-1" may be a mistyped number, but "-4" is an option. */
static void a_digit_may_be_an_option(void **state)
{
    static struct client_options options;
    static const struct {
        const char *line;
        const char *error;
    } bad[] = {
        {"echo-client --wait -4", "echo-client: --wait: needs a value; "},
        {"echo-client --wait -44", "echo-client: --wait: '-44' is not a duration"},
        {"echo-client --wait -1", "echo-client: --wait: '-1' is not a duration"},
        {"echo-client --wait=-4", "echo-client: --wait: '-4' is not a duration"},
        {"echo-client -5", "echo-client: -5: unknown option"},
        {"echo-client -46", "echo-client: -46: unknown option; a letter stands alone: write -4"},
        {"echo-client -4 -6", "echo-client: -6: does not go with -4"},
    };
    (void)state;
    assert_int_equal(rig_client(&options, "echo-client -4 host:1"), 0);
    assert_true(options.ipv4 && !options.ipv6);
    assert_string_equal(options.host, "host");
    assert_int_equal(rig_client(&options, "echo-client host:1 --json -6 --ipv6"), 0);
    assert_true(!options.ipv4 && options.ipv6);
    for (size_t i = 0; i < LENGTH(bad); i++) {
        assert_int_equal(rig_client(&options, bad[i].line), UV_EINVAL);
        if (strncmp(rig_error.text, bad[i].error, strlen(bad[i].error)) != 0) {
            fail_msg("%s: %s", bad[i].line, rig_error.text);
        }
    }
}

static void sources_go_with_the_families(void **state)
{
    static struct client_options options;
    (void)state;
    assert_int_equal(rig_client(&options, "echo-client --source=127.0.0.2,::1 -6"), 0);
    assert_int_equal(source_count(&options.sources, AF_INET6), 1);
    assert_int_equal(rig_client(&options, "echo-client --source=127.0.0.2 -6"), UV_EINVAL);
    assert_non_null(
        strstr(rig_error.text, "--source: '127.0.0.2' is not accepted; it takes an IPv6"));
    assert_int_equal(rig_client(&options, "echo-client --source=::1 -4"), UV_EINVAL);
    assert_non_null(strstr(rig_error.text, "it takes an IPv4 address here, since -4 is given"));
}

static void a_ramp_and_a_rate_of_connects_agree(void **state)
{
    static struct client_options options;
    (void)state;
    assert_int_equal(rig_client(&options, "echo-client -c 20 --ramp=2s --connect-rate=10"), 0);
    assert_int_equal(options.ramp_ns, 2 * NS_PER_S);
    assert_int_equal(options.connect_rate, 10);
    assert_int_equal(rig_client(&options, "echo-client -c 20 --ramp 2s --connect-rate 11"),
                     UV_EINVAL);
    assert_non_null(strstr(rig_error.text, "--ramp: '2s' does not agree with --connect-rate"));
    assert_int_equal(rig_client(&options, "echo-client -c 20 --ramp 2s -d 2s"), UV_EINVAL);
    assert_non_null(strstr(rig_error.text, "it takes less than 2s here, the --duration"));
    assert_int_equal(rig_client(&options, "echo-client -c 20 --connect-rate 10 -d 2s"), 0);
    assert_int_equal(rig_client(&options, "echo-client -c 21 --connect-rate 10 -d 2s"), UV_EINVAL);
    assert_non_null(
        strstr(rig_error.text, "it takes more than 10 here, so that all --connections"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_digit_may_be_an_option),
        cmocka_unit_test(sources_go_with_the_families),
        cmocka_unit_test(a_ramp_and_a_rate_of_connects_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
