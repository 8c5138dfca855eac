/* Which options the clients of one load must have in common. */

#include "option_rig.h"

#include <stdio.h>
#include <string.h>

#include "agreement.h"
#include "util.h"

#define BASE "echo-client -c 8 --share 0/4 --run-token t --barrier :7000"

static void digests_of(const char *text, char digests[AGREEMENT_TEXT])
{
    struct client_options options;
    if (rig_client(&options, text) != 0) {
        fail_msg("%s", rig_error.text);
    }
    agreement_write(&options, digests);
    client_options_free(&options);
}

/* NULL: they agree. */
static const char *difference(const char *text, const char *other)
{
    char mine[AGREEMENT_TEXT];
    char theirs[AGREEMENT_TEXT];
    digests_of(text, mine);
    digests_of(other, theirs);
    return agreement_difference(mine, theirs);
}

static void what_shapes_the_load_is_the_same_for_all(void **state)
{
    static const char *const options[][2] = {
        {"--threads", " -t 2"},
        {"--connections", " -c 9"},
        {"--rate", " -R 100"},
        {"--rate", " -R 0.5"},
        {"--connect-rate", " --connect-rate 9"},
        {"--requests", " --requests 100"},
        {"--size", " -s 5000"},
        {"--size", " -s 1..4096"},
        {"--size", " --sizes w1"},
        {"--pipeline", " -P 2"},
        {"--ramp", " --ramp 1s"},
        {"--lifetime", " --lifetime 5"},
        {"--think", " --think 1ms"},
        {"--seed", " --seed 5"},
        {"--duration", " -d 5s"},
        {"--duration", " -d 5s -w 1s"},
        {"--timeout", " --timeout 1s"},
        {"--stop-on-error", " --stop-on-error"},
        {"--allow-drain", " --allow-drain"},
        {"--interval", " -i 1s"},
        {"--percentiles", " --percentiles 50"},
        {"--nodelay", " --nodelay off"},
    };
    (void)state;
    for (size_t i = 0; i < LENGTH(options); i++) {
        char other[256];
        (void)snprintf(other, sizeof(other), "%s%s", BASE, options[i][1]);
        const char *found = difference(BASE, other);
        if (found == NULL || strcmp(found, options[i][0]) != 0) {
            fail_msg("%s: %s", options[i][1], found == NULL ? "no difference" : found);
        }
    }
    assert_string_equal(difference(BASE " -d 5s -w 1s", BASE " -d 5s"), "--warmup");
    assert_string_equal(difference(BASE " -R 9 --arrival poisson", BASE " -R 9"), "--arrival");
    assert_string_equal(difference(BASE " --bandwidth 4096", BASE " -R 1"), "--bandwidth");
}

static void each_client_has_its_own_rank_and_its_own_machine(void **state)
{
    (void)state;
    assert_null(difference(BASE, "echo-client -c 8 --share 3/4 --run-token t --barrier n1:7000"));
    assert_null(difference(BASE, BASE " --cpus 0 --json=x -v"));
    assert_null(difference(BASE, BASE " --barrier-timeout 1s 127.0.0.1:6001"));
    assert_null(difference(BASE " -s 4KiB", BASE " -b:4"));
}

static void the_digests_depend_on_the_token(void **state)
{
    (void)state;
    assert_non_null(difference(BASE, BASE " --run-token u"));
}

static void another_version_is_noticed(void **state)
{
    char mine[AGREEMENT_TEXT];
    (void)state;
    digests_of(BASE, mine);
    assert_string_equal(agreement_difference(mine, ""), "the version");
    assert_string_equal(agreement_difference(mine, mine + 8), "the version");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_shapes_the_load_is_the_same_for_all),
        cmocka_unit_test(each_client_has_its_own_rank_and_its_own_machine),
        cmocka_unit_test(the_digests_depend_on_the_token),
        cmocka_unit_test(another_version_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
