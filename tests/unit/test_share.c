/* Which part of a load a client has. */

#include "option_rig.h"

#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "share.h"
#include "util.h"

static const char *const variables[] = {
    "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "PMI_RANK",        "PMI_SIZE", "SLURM_PROCID",
    "SLURM_NTASKS",         "JOB_COMPLETION_INDEX", "JOB_COMPLETIONS",
};

static char reason[SHARE_REASON];

static int without_a_launcher(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(variables); i++) {
        (void)uv_os_unsetenv(variables[i]);
    }
    return 0;
}

static void set(const char *variable, const char *value)
{
    assert_int_equal(uv_os_setenv(variable, value), 0);
}

static void assert_share(const char *text, uint64_t rank, uint64_t ranks, const char *engine)
{
    struct share share;
    if (share_parse(text, &share, reason) != 0) {
        fail_msg("%s: %s", text, reason);
    }
    assert_int_equal(share.rank, rank);
    assert_int_equal(share.ranks, ranks);
    if (engine == NULL) {
        assert_null(share.engine);
    } else {
        assert_string_equal(share.engine, engine);
    }
}

static void assert_refused(const char *text, const char *why)
{
    struct share share;
    assert_int_equal(share_parse(text, &share, reason), UV_EINVAL);
    if (strstr(reason, why) == NULL) {
        fail_msg("%s: %s", text, reason);
    }
}

static void a_rank_and_the_number_of_clients_are_read(void **state)
{
    (void)state;
    assert_share("0/1", 0, 1, NULL);
    assert_share("3/4", 3, 4, NULL);
    assert_share("65535/65536", 65535, 65536, NULL);
}

static void other_texts_are_refused(void **state)
{
    static const char *const bad[] = {
        "",     "1",      "/",    "/4",
        "1/",   "-1/4",   "1/-4", "1/4/4",
        "1 /4", "a/4",    "AUTO", "1.0/4",
        "1:4",  "auto/4", "1/4 ", "00000000000000000000000000000000000001/4"};
    (void)state;
    for (size_t i = 0; i < LENGTH(bad); i++) {
        assert_refused(bad[i],
                       "it takes R/N, the rank 0 to N-1 and the number of clients, or auto");
    }
    assert_refused("0/0", "the number of clients is 1 to 65536");
    assert_refused("0/65537", "the number of clients is 1 to 65536");
    assert_refused("4/4", "ranks count from 0: this one takes 0 to 3");
    assert_refused("1/1", "takes 0 to 0");
}

static void a_launcher_tells_both_numbers(void **state)
{
    static const char *const engines[] = {"Open MPI", "PMI", "Slurm", "Kubernetes"};
    (void)state;
    for (size_t i = LENGTH(engines); i-- > 0;) { /* each is found before those that are set */
        char rank[] = {(char)('0' + i), '\0'};
        char ranks[] = {(char)('5' + i), '\0'};
        set(variables[2 * i], rank);
        assert_true(i == 3 || share_parse("auto", &(struct share){0}, reason) == 0);
        set(variables[2 * i + 1], ranks);
        assert_share("auto", i, 5 + i, engines[i]);
    }
    assert_share("1/2", 1, 2, NULL);
}

static void without_a_launcher_it_says_what_it_looked_for(void **state)
{
    (void)state;
    assert_refused("auto", "R/N, as in 0/4");
    for (size_t i = 0; i < LENGTH(variables); i++) {
        assert_non_null(strstr(reason, variables[i]));
    }
}

static void half_of_a_pair_is_not_enough(void **state)
{
    (void)state;
    set("JOB_COMPLETION_INDEX", "2");
    assert_refused("auto", "JOB_COMPLETION_INDEX is set and JOB_COMPLETIONS is not; set both, or");
    set("SLURM_NTASKS", "8");
    assert_refused("auto", "SLURM_NTASKS is set and SLURM_PROCID is not; set both, or give R/N");
}

static void a_bad_value_of_a_launcher_is_named(void **state)
{
    static const struct {
        const char *rank, *ranks, *why;
    } bad[] = {
        {"4", "4", "SLURM_PROCID is '4' and takes 0 to 3; give R/N"},
        {"-1", "4", "SLURM_PROCID is '-1' and takes 0 to 3"},
        {"x", "4", "SLURM_PROCID is 'x' and takes"},
        {"0", "0", "SLURM_NTASKS is '0' and takes 1 to 65536"},
        {"0", "65537", "SLURM_NTASKS is '65537' and takes 1 to 65536"},
        {"0", "4(x2)", "SLURM_NTASKS is '4(x2)' and takes"},
        {"0", "1111111111111111111111111111111111111111", "SLURM_NTASKS is '...' and takes"},
    };
    (void)state;
    for (size_t i = 0; i < LENGTH(bad); i++) {
        set("SLURM_PROCID", bad[i].rank);
        set("SLURM_NTASKS", bad[i].ranks);
        assert_refused("auto", bad[i].why);
    }
}

static void parts_are_the_whole(void **state)
{
    (void)state;
    for (uint64_t ranks = 1; ranks < 20; ranks++) {
        for (uint64_t whole = 0; whole < 100; whole++) {
            uint64_t sum = 0;
            for (uint64_t rank = 0; rank < ranks; rank++) {
                uint64_t part = share_part(whole, ranks, rank);
                assert_true(part == whole / ranks || part == whole / ranks + 1);
                sum += part;
            }
            assert_int_equal(sum, whole);
        }
    }
}

static void the_option_says_what_is_wrong(void **state)
{
    static struct client_options options;
    (void)state;
    assert_int_equal(rig_client(&options, "echo-client --share 2/3 -c 30 --seed 1"), 0);
    assert_int_equal(options.share.rank, 2);
    assert_int_equal(options.share.ranks, 3);
    assert_int_equal(rig_client(&options, "echo-client"), 0);
    assert_int_equal(options.share.ranks, 0);
    assert_int_equal(rig_client(&options, "echo-client --share 3/3 -c 30"), UV_EINVAL);
    assert_string_equal(rig_error.text, "echo-client: --share: '3/3': ranks count from 0: this one "
                                        "takes 0 to 2");
    assert_int_equal(rig_client(&options, "echo-client --share=auto"), UV_EINVAL);
    assert_non_null(strstr(rig_error.text, "echo-client: --share: 'auto': no launcher has set "));
    assert_non_null(strstr(rig_error.text, "JOB_COMPLETIONS; give R/N, as in 0/4"));
}

/* The sums of what all clients of a command line do. */
static struct client_whole sums(const char *words, uint64_t ranks)
{
    static struct client_options options;
    struct client_whole sum = {0};
    char line[200];
    for (uint64_t rank = 0; rank < ranks; rank++) {
        (void)snprintf(line, sizeof line, "echo-client --seed 1 --share=%u/%u %s", (unsigned)rank,
                       (unsigned)ranks, words);
        if (rig_client(&options, line) != 0) {
            fail_msg("%s", rig_error.text);
        }
        assert_true(options.connections >= options.threads);
        sum.connections += options.connections;
        sum.rate += options.rate;
        sum.connect_rate += options.connect_rate;
        sum.bandwidth += options.bandwidth;
        sum.requests += options.requests;
    }
    assert_true(options.whole.connections == sum.connections);
    assert_true(options.whole.requests == sum.requests);
    assert_true(options.whole.bandwidth == sum.bandwidth);
    assert_float_equal(options.whole.rate, sum.rate, 1e-6);
    assert_float_equal(options.whole.connect_rate, sum.connect_rate, 1e-9);
    return sum;
}

static void the_clients_have_all_of_the_load(void **state)
{
    struct client_whole sum;
    (void)state;
    sum = sums("-c 1001 -t 8 -R 12345.5 --requests 1000003 --connect-rate 10", 7);
    assert_int_equal(sum.connections, 1001);
    assert_int_equal(sum.requests, 1000003);
    assert_float_equal(sum.rate, 12345.5, 1e-6);
    assert_float_equal(sum.connect_rate, 10, 1e-9);
    sum = sums("-t 3 --bandwidth 1MB -s 100", 11);
    assert_int_equal(sum.connections, 33); /* one for each thread */
    assert_int_equal(sum.bandwidth, 1000000);
    assert_float_equal(sum.rate, 10000, 1e-6);
    sum = sums("-c 3000000", 3);
    assert_int_equal(sum.connections, 3000000);
    assert_int_equal(sum.requests, 0); /* no limit */
}

static void alone_a_client_has_the_whole(void **state)
{
    static struct client_options options;
    (void)state;
    assert_int_equal(rig_client(&options, "echo-client -c 5 -R 7 --requests 9"), 0);
    assert_int_equal(options.whole.connections, 5);
    assert_int_equal(options.whole.requests, 9);
    assert_float_equal(options.whole.rate, 7, 0);
    assert_int_equal(options.connections, 5);
    assert_int_equal(options.requests, 9);
    assert_float_equal(options.rate, 7, 0);
}

static void what_no_share_can_have_is_refused(void **state)
{
    static struct client_options options;
    static const struct {
        const char *words, *message;
    } bad[] = {
        {"-c 7 -t 2", "--connections: '7' is out of range; it takes at least 8 here, one for each "
                      "of --threads of all clients"},
        {"-c 5M", "--connections: '5000000' is out of range; it takes 1 to 4M here, 1M in each"},
        {"--requests 3", "--requests: '3' is out of range; it takes 0 (no limit) or at least 4 "},
        {"--bandwidth 3 -s 1", "--bandwidth: '3' is out of range; it takes at least 4 here"},
        {"--find-rate p99-below=1ms", "--find-rate: does not go with --share; give a --rate"},
        {"--until p99+-5%", "--until: does not go with --share; give a --duration"},
        {"--hostile silent:1", "--hostile: does not go with --share; give it to one more client"},
    };
    char line[200];
    (void)state;
    for (size_t i = 0; i < LENGTH(bad); i++) {
        (void)snprintf(line, sizeof line, "echo-client --share=1/4 %s", bad[i].words);
        assert_int_equal(rig_client(&options, line), UV_EINVAL);
        if (strstr(rig_error.text, bad[i].message) == NULL) {
            fail_msg("%s: %s", line, rig_error.text);
        }
    }
}

static void names_of_files_have_the_rank(void **state)
{
    static struct client_options options;
    (void)state;
    assert_int_equal(rig_client(&options, "echo-client --seed 1 --share=12/40 --json=a{rank}.json "
                                          "--json-stream={rank} --hgrm=d{rank}/h-{rank}"),
                     0);
    assert_string_equal(options.common.json, "a12.json");
    assert_string_equal(options.json_stream, "12");
    assert_string_equal(options.hgrm, "d12/h-12");
    client_options_free(&options);
    assert_int_equal(rig_client(&options, "echo-client --seed 1 --share=1/2 --json={ran} --hgrm -"),
                     0);
    assert_string_equal(options.common.json, "{ran}");
    assert_string_equal(options.hgrm, "-");
    client_options_free(&options);
    assert_int_equal(rig_client(&options, "echo-client --json=a{rank}"), UV_EINVAL);
    assert_non_null(strstr(rig_error.text, "--json: 'a{rank}': {rank} is the rank of --share"));
    assert_int_equal(rig_client(&options, "echo-client --hgrm={rank}"), UV_EINVAL);
    assert_int_equal(rig_client(&options, "echo-client --json-stream={rank}"), UV_EINVAL);
}

static void two_files_are_not_the_same_with_a_rank(void **state)
{
    static struct client_options options;
    (void)state;
    assert_int_equal(rig_client(&options, "echo-client --share=1/2 --json=a1 --hgrm=a{rank}"),
                     UV_EINVAL);
    assert_non_null(strstr(rig_error.text, "--hgrm: 'a1' is what --json has, too"));
    client_options_free(&options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rank_and_the_number_of_clients_are_read),
        cmocka_unit_test(other_texts_are_refused),
        cmocka_unit_test_setup(a_launcher_tells_both_numbers, without_a_launcher),
        cmocka_unit_test_setup(without_a_launcher_it_says_what_it_looked_for, without_a_launcher),
        cmocka_unit_test_setup(half_of_a_pair_is_not_enough, without_a_launcher),
        cmocka_unit_test_setup(a_bad_value_of_a_launcher_is_named, without_a_launcher),
        cmocka_unit_test(parts_are_the_whole),
        cmocka_unit_test_setup(the_option_says_what_is_wrong, without_a_launcher),
        cmocka_unit_test(the_clients_have_all_of_the_load),
        cmocka_unit_test(alone_a_client_has_the_whole),
        cmocka_unit_test(what_no_share_can_have_is_refused),
        cmocka_unit_test(names_of_files_have_the_rank),
        cmocka_unit_test(two_files_are_not_the_same_with_a_rank),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
