/* The client's options about connections: families, sources, when they begin, and hostile ones. */

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

static void hostile_connections_begin_within_the_run(void **state)
{
    static struct client_options options;
    static const struct {
        const char *line;
        uint64_t from_ns;
    } good[] = {
        {"echo-client --hostile=silent:1", 5 * NS_PER_S},
        {"echo-client --hostile=silent:1 -d 6s -w 2s", 4 * NS_PER_S},
        {"echo-client --hostile=silent:1 -d 6s --hostile-from=0", 0},
        {"echo-client --hostile=silent:1 -d 6s --hostile-from=5999ms", 5999 * NS_PER_MS},
        {"echo-client --hostile=silent:1 --hostile-from=1h", 3600 * NS_PER_S},
        {"echo-client", 0},
    };
    (void)state;
    for (size_t i = 0; i < LENGTH(good); i++) {
        assert_int_equal(rig_client(&options, good[i].line), 0);
        assert_int_equal(options.hostile_from_ns, good[i].from_ns);
    }
}

static void hostile_options_that_have_no_effect_are_refused(void **state)
{
    static struct client_options options;
    static const struct {
        const char *line;
        const char *error;
    } bad[] = {
        {"echo-client --hostile-from=1s",
         "echo-client: --hostile-from: '1s' has no effect; it takes a --hostile, too"},
        {"echo-client --hostile=silent:1 -d 6s --hostile-from=6s",
         "echo-client: --hostile-from: '6s' is out of range; it takes less than 6s here"},
        {"echo-client --hostile=silent:1 --hostile=rude:1",
         "echo-client: --hostile: 'rude:1' has no known mode"},
        {"echo-client --hostile=silent:1 --find-rate p99-below=1ms",
         "echo-client: --hostile: 'silent:1' has no place in the short runs of --find-rate"},
    };
    (void)state;
    for (size_t i = 0; i < LENGTH(bad); i++) {
        assert_int_equal(rig_client(&options, bad[i].line), UV_EINVAL);
        if (strncmp(rig_error.text, bad[i].error, strlen(bad[i].error)) != 0) {
            fail_msg("%s: %s", bad[i].line, rig_error.text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_digit_may_be_an_option),
        cmocka_unit_test(sources_go_with_the_families),
        cmocka_unit_test(a_ramp_and_a_rate_of_connects_agree),
        cmocka_unit_test(hostile_connections_begin_within_the_run),
        cmocka_unit_test(hostile_options_that_have_no_effect_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
