/* The client's options that shape the load. */

#include "option_rig.h"

#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "util.h"

static void sizes_of_messages_agree(void **state)
{
    static const struct {
        const char *words, *message;
    } wrong[] = {
        {"-s 64..8", "--size: '64..8': a range begins with the smaller size; it takes 1 to 1TiB"},
        {"-s 64:90%", "--size: '64:90%': the shares add up to 90 %, not to 100 %; it takes 1 to"},
        {"-s 50%", "--size: '50%': '50%' is not a size and its share, such as 64:80%"},
        {"--sizes w6", "--sizes: 'w6': cannot be opened: "},
        {"--sizes w1 -s 4", "--sizes: give either it or --size"},
        {"--sizes w1 -b 4", "--sizes: give either it or --size"},
        {"-s 4..5 --sizes w1", "--sizes: give either it or --size"},
    };
    struct client_options options;
    char line[100];

    (void)state;
    for (size_t i = 0; i < LENGTH(wrong); i++) {
        (void)snprintf(line, sizeof line, "echo-client %s", wrong[i].words);
        assert_int_equal(rig_client(&options, line), UV_EINVAL);
        assert_non_null(strstr(rig_error.text, wrong[i].message));
    }
    assert_int_equal(rig_client(&options, "echo-client -s 4..5 -b:4"), 0);
    assert_int_equal(options.message_size, 4096);
    assert_null(options.sizes);
    assert_int_equal(rig_client(&options, "echo-client -b:4 -s 4..5"), 0);
    assert_int_equal(options.message_size, 0);
    assert_int_equal(options.sizes->max, 5);
    client_options_free(&options);
    assert_int_equal(rig_client(&options, "echo-client --sizes=w5"), 0);
    assert_int_equal(options.sizes->max, 29400000);
    client_options_free(&options);
}

static void rates_may_be_fractions(void **state)
{
    struct client_options options;

    (void)state;
    assert_int_equal(rig_client(&options, "echo-client -R 0.5"), 0);
    assert_float_equal(options.rate, 0.5, 0);
    assert_int_equal(rig_client(&options, "echo-client -R 1.5k --arrival=poisson"), 0);
    assert_float_equal(options.rate, 1500, 0);
    assert_string_equal(options.arrival, "poisson");
    assert_int_equal(rig_client(&options, "echo-client --bandwidth=10MiB -s 1KiB"), 0);
    assert_float_equal(options.rate, 10240, 0);
    assert_int_equal(rig_client(&options, "echo-client --bandwidth=1KiB -s 1..2047"), 0);
    assert_float_equal(options.rate, 1, 0);
    client_options_free(&options);
    assert_int_equal(rig_client(&options, "echo-client -R 5 --bandwidth=1"), UV_EINVAL);
    assert_non_null(strstr(rig_error.text, "--bandwidth: give either it or --rate"));
    assert_int_equal(rig_client(&options, "echo-client -s 1 --bandwidth=1TiB"), UV_EINVAL);
    assert_non_null(
        strstr(rig_error.text, "--bandwidth: '1TiB' is out of range; it takes what is"));
}

static void a_close_or_a_pause_must_have_a_sense(void **state)
{
    struct client_options options;

    (void)state;
    assert_int_equal(rig_client(&options, "echo-client --close=rst"), UV_EINVAL);
    assert_non_null(strstr(rig_error.text, "--close: 'rst' is for connections that have used up"));
    assert_int_equal(rig_client(&options, "echo-client --close=rst --lifetime 1"), 0);
    assert_int_equal(rig_client(&options, "echo-client --close=fin --think 5ms"), 0);
    assert_int_equal(options.think_ns, 5 * NS_PER_MS);
    assert_int_equal(rig_client(&options, "echo-client --think 5ms -R 1"), UV_EINVAL);
    assert_non_null(strstr(rig_error.text, "--think: does not go with --rate"));
    assert_int_equal(rig_client(&options, "echo-client --arrival=poisson"), UV_EINVAL);
    assert_non_null(strstr(rig_error.text, "--arrival: 'poisson' is how messages of --rate"));
    assert_int_equal(
        rig_client(&options, "echo-client --arrival=poisson --find-rate p99-below=1ms -d 9s"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_of_messages_agree),
        cmocka_unit_test(rates_may_be_fractions),
        cmocka_unit_test(a_close_or_a_pause_must_have_a_sense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
