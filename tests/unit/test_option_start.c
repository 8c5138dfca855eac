/* The options about the begin of a run, its token and its common seed. */

#include "option_rig.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <uv.h>

#include "run_token.h"
#include "utc.h"
#include "util.h"

/* What a launcher of this test may have set. */
static const char *const variables[] = {
    RUN_TOKEN_VARIABLE, "PMIX_NAMESPACE", "OMPI_MCA_ess_base_jobid",
    "PMI_JOBID",        "SLURM_JOB_ID",   "SLURM_STEP_ID"};

static int forget_launcher(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(variables); i++) {
        (void)uv_os_unsetenv(variables[i]);
    }
    return 0;
}

static bool is_zero(const struct siphash_key *key)
{
    return key->low == 0 && key->high == 0;
}

static bool same(const struct siphash_key *a, const struct siphash_key *b)
{
    return a->low == b->low && a->high == b->high;
}

static struct client_options accepts(const char *text)
{
    struct client_options options;
    if (rig_client(&options, text) != 0) {
        fail_msg("%s", rig_error.text);
    }
    client_options_free(&options);
    return options;
}

static void refuses(const char *text, const char *why)
{
    struct client_options options;
    assert_int_equal(rig_client(&options, text), UV_EINVAL);
    client_options_free(&options);
    if (strstr(rig_error.text, why) == NULL) {
        fail_msg("'%s' lacks '%s'", rig_error.text, why);
    }
}

static void a_time_is_kept_to_the_nanosecond(void **state)
{
    (void)state;
    assert_true(accepts("echo-client --start-at 1795957200.000000001").start_at_ns ==
                UINT64_C(1795957200000000001));
    assert_true(accepts("echo-client --start-at 2026-11-29T14:00:00.5+01:00").start_at_ns ==
                UINT64_C(1795957200500000000));
    assert_null(accepts("echo-client").start_at);
}

static void bad_times_are_refused(void **state)
{
    char text[64];
    (void)state;
    refuses("echo-client --start-at 2026-11-29T13:00:00", "with its zone");
    refuses("echo-client --start-at tomorrow", "'tomorrow' is not accepted");
    (void)snprintf(text, sizeof(text), "echo-client --start-at %" PRIu64,
                   utc_now_ns() / NS_PER_S + UINT64_C(40) * 86400);
    refuses(text, "is more than 30 days ahead");
    refuses("echo-client --start-at 1 --find-rate p99<1ms", "--start-at: it can't be combined");
}

static void clients_of_one_start_have_one_seed(void **state)
{
    uint64_t seed = accepts("echo-client -c:4 --share 0/4 --start-at 1000").seed;
    (void)state;
    assert_true(seed > 0 && seed < UINT64_C(1) << 53);
    assert_true(accepts("echo-client -c:4 --share 3/4 --start-at 1000.0").seed == seed);
    assert_true(accepts("echo-client -c:4 --share 0/4 --start-at 1001").seed != seed);
    assert_true(accepts("echo-client -c:5 --share 0/5 --start-at 1000").seed != seed);
    assert_true(accepts("echo-client -c:4 --share 0/4 --start-at 1000 --run-token x").seed != seed);
    assert_int_equal(accepts("echo-client -c:4 --share 0/4 --start-at 1000 --seed 7").seed, 7);
    assert_int_equal(accepts("echo-client --start-at 1000").seed, 0);
    refuses("echo-client -c:4 --share 0/4", "--share: all clients need the same seed");
}

static void a_barrier_needs_a_share_and_a_token(void **state)
{
    const struct client_options options =
        accepts("echo-client -c:4 --share 1/4 --run-token x --barrier :7000");
    (void)state;
    assert_string_equal(options.barrier_at.host, "localhost");
    assert_string_equal(options.barrier_at.port, "7000");
    assert_int_equal(options.seed, 0); /* rank 0 chooses it */
    refuses("echo-client --run-token x --barrier :7000", "give each its --share, too");
    refuses("echo-client --run-token x",
            "--run-token: it is for the clients of one load; give each");
    refuses("echo-client -c:4 --share 1/4 --barrier :7000", "give all the same --run-token");
    refuses("echo-client -c:4 --share 1/4 --run-token x --barrier :7000 --start-at 1",
            "it can't be combined with --start-at");
    refuses("echo-client -c:4 --share 1/4 --seed 1 --barrier-listen 10.0.0.7",
            "it is where rank 0 of a --barrier listens");
    refuses("echo-client --barrier n1", "it takes HOST:PORT");
    refuses("echo-client --barrier n1:0", "it takes HOST:PORT");
    refuses("echo-client --barrier-timeout 31d", "--barrier-timeout: '31d' is out of range");
    (void)uv_os_setenv(RUN_TOKEN_VARIABLE, "x");
    (void)accepts("echo-client -c:4 --share 1/4 --barrier :7000");
}

static void rank_0_may_listen_elsewhere(void **state)
{
    static const char *const places[][3] = {
        {"*", "*", "7000"},     {"10.0.0.7", "10.0.0.7", "7000"},      {"[::]", "::", "7000"},
        {":7001", "*", "7001"}, {"10.0.0.7:7001", "10.0.0.7", "7001"},
    };
    (void)state;
    for (size_t i = 0; i < LENGTH(places); i++) {
        char text[128];
        (void)snprintf(text, sizeof(text),
                       "echo-client -c:4 --share 0/4 --run-token x --barrier n1:7000 "
                       "--barrier-listen %s",
                       places[i][0]);
        const struct client_options options = accepts(text);
        assert_string_equal(options.barrier_at.host, "n1");
        assert_string_equal(options.listen_at.host, places[i][1]);
        assert_string_equal(options.listen_at.port, places[i][2]);
    }
}

static void a_token_is_given_or_found(void **state)
{
    struct siphash_key given;
    struct siphash_key key;
    (void)state;
    assert_true(run_token_key("a token", false, &given));
    assert_false(is_zero(&given));
    assert_false(run_token_key(NULL, true, &key));
    assert_true(is_zero(&key));
    (void)uv_os_setenv(RUN_TOKEN_VARIABLE, "a token");
    assert_true(run_token_key(NULL, false, &key));
    assert_true(same(&key, &given));
    assert_true(run_token_key("another", false, &key));
    assert_false(same(&key, &given));
    (void)uv_os_setenv(RUN_TOKEN_VARIABLE, ""); /* as good as none */
    assert_false(run_token_key(NULL, true, &key));
}

static void a_launchers_token_counts_if_it_has_started_the_client(void **state)
{
    struct siphash_key job;
    struct siphash_key step;
    struct siphash_key namespace;
    (void)state;
    (void)uv_os_setenv("SLURM_JOB_ID", "4711");
    assert_false(run_token_key(NULL, true, &job)); /* steps of a job are different runs */
    (void)uv_os_setenv("SLURM_STEP_ID", "0");
    assert_false(run_token_key(NULL, false, &job));
    assert_true(run_token_key(NULL, true, &job));
    (void)uv_os_setenv("SLURM_STEP_ID", "1");
    assert_true(run_token_key(NULL, true, &step));
    assert_false(same(&job, &step));
    (void)uv_os_setenv("PMIX_NAMESPACE", "prterun-1@1");
    assert_true(run_token_key(NULL, true, &namespace));
    assert_false(same(&step, &namespace));
}

/* The name of the job, which can be guessed, does not take its place. */
static void a_token_that_is_too_long_is_none(void **state)
{
    char text[RUN_TOKEN_SIZE + 1];
    struct siphash_key key;
    (void)state;
    (void)uv_os_setenv("PMIX_NAMESPACE", "prterun-1@1");
    memset(text, 'x', RUN_TOKEN_SIZE);
    text[RUN_TOKEN_SIZE] = '\0';
    (void)uv_os_setenv(RUN_TOKEN_VARIABLE, text);
    assert_false(run_token_key(NULL, true, &key));
    assert_true(is_zero(&key));
    text[RUN_TOKEN_SIZE - 1] = '\0';
    (void)uv_os_setenv(RUN_TOKEN_VARIABLE, text);
    assert_true(run_token_key(NULL, true, &key));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_time_is_kept_to_the_nanosecond, forget_launcher),
        cmocka_unit_test_setup(bad_times_are_refused, forget_launcher),
        cmocka_unit_test_setup(clients_of_one_start_have_one_seed, forget_launcher),
        cmocka_unit_test_setup(a_barrier_needs_a_share_and_a_token, forget_launcher),
        cmocka_unit_test_setup(rank_0_may_listen_elsewhere, forget_launcher),
        cmocka_unit_test_setup(a_token_is_given_or_found, forget_launcher),
        cmocka_unit_test_setup(a_launchers_token_counts_if_it_has_started_the_client,
                               forget_launcher),
        cmocka_unit_test_setup(a_token_that_is_too_long_is_none, forget_launcher),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
