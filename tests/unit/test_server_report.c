/* The report of the server. */

#include "report_rig.h"

#include <inttypes.h>
#include <string.h>

#include "server_report.h"
#include "units.h"

#define WORKERS 2

static struct server_options server_options;
static struct server_report_worker server_workers[WORKERS];
static struct server_report server_report;
static const char *const addresses[] = {"127.0.0.1:7", "[::1]:7"};

static int begin_server(void **state)
{
    (void)state;
    memset(&server_options, 0, sizeof(server_options));
    memset(server_workers, 0, sizeof(server_workers));
    server_options.max_connections = 901;
    server_options.backlog = 902;
    server_options.accept_depth = 907;
    server_options.accept_timeout_ns = 3500000000;
    server_options.buffer_size = 903;
    server_options.buffer_memory = 904;
    server_options.common.sndbuf_size = 905;
    server_options.common.rcvbuf_size = 906;
    server_options.common.nodelay = true;
    server_options.common.details = true;
    server_options.idle_timeout_ns = 1500000000;
    server_options.stall_timeout_ns = 750000000;
    server_options.drain_timeout_ns = 2500000000;
    for (size_t i = 0; i < WORKERS; i++) {
        (void)rig_fill(&stats_server_list, &server_workers[i].counters, 2000 + 100 * i);
        rig_fill_io(&server_workers[i].common.work.io, 3000 + 100 * i);
        server_workers[i].common.work.cpu_ns = 4500000000 + i;
        server_workers[i].common.cpu = -1;
    }
    server_report = (struct server_report){.options = &server_options,
                                           .backend = &rig_backend,
                                           .accept_mode = 1,
                                           .recv_mode = 0,
                                           .generation = 3,
                                           .seconds = 12.5,
                                           .columns = SIZE_MAX,
                                           .workers = server_workers,
                                           .worker_count = WORKERS,
                                           .addresses = addresses,
                                           .address_count = 2};
    (void)rig_fill(&stats_server_list, &server_report.stats.counters, 1000);
    return 0;
}

static void server_json(void)
{
    server_report_json(&server_report, &rig_text);
    (void)rig_read();
    rig_is_a_line();
}

static void server_text(void)
{
    server_report_text(&server_report, &rig_text);
    (void)rig_read();
}

static void server_json_has_every_counter(void **state)
{
    (void)state;
    server_json();
    rig_check(&stats_server_list, &server_report.stats.counters);
}

static void server_json_has_every_counter_of_every_worker(void **state)
{
    (void)state;
    server_json();
    for (size_t i = 0; i < WORKERS; i++) {
        rig_check(&stats_server_list, &server_workers[i].counters);
        rig_check_io(&server_workers[i].common.work.io);
        rig_has_member("index", i);
    }
    rig_has("\"cpu_seconds\":4.5");
}

static void server_json_says_what_ran(void **state)
{
    (void)state;
    server_json();
    rig_has("{\"program\":\"echo-server\",");
    rig_has("\"backend\":\"made-up\"");
    rig_has("\"generation\":3,");
    rig_has("\"seconds\":12.5,");
    rig_has("\"addresses\":[\"127.0.0.1:7\",\"[::1]:7\"]");
    rig_has("\"process\":{\"cpu_user_seconds\":");
    rig_has("\"environment\":{\"system\":\"");
    rig_has("\"wine\":");
    rig_has("\"libuv\":\"");
}

static void server_json_has_the_options(void **state)
{
    (void)state;
    server_json();
    rig_has_member("threads", WORKERS);
    rig_has_member("max_connections", 901);
    rig_has_member("backlog", 902);
    rig_has("\"accept\":\"fancy\",");
    rig_has_member("accept_depth", 907);
    rig_has("\"accept_timeout_seconds\":3.5,");
    rig_has("\"backend\":\"made-up\",\"system_calls_estimated\":false,\"recv\":\"lazy\",");
    rig_has_member("buffer_size", 903);
    rig_has_member("buffer_memory", 904);
    rig_has_member("sndbuf", 905);
    rig_has_member("rcvbuf", 906);
    rig_has("\"nodelay\":true");
    rig_has("\"idle_timeout_seconds\":1.5,");
    rig_has("\"stall_timeout_seconds\":0.75,");
    rig_has("\"drain_timeout_seconds\":2.5,");
}

static void server_json_says_that_there_is_no_send_buffer(void **state)
{
    (void)state;
    server_options.common.sndbuf_size = OPTION_NONE;
    server_json();
    rig_has("\"sndbuf\":\"none\",");
}

static void server_json_says_which_report_is_the_last(void **state)
{
    (void)state;
    server_json();
    rig_has("\"last\":false");
    rig_clear();
    server_report.last = true;
    server_json();
    rig_has("\"last\":true");
}

static void pinned_workers_alone_have_a_cpu(void **state)
{
    (void)state;
    server_json();
    rig_has_not("\"cpu\":0");
    rig_clear();
    server_workers[0].common.cpu = 0;
    server_workers[1].common.cpu = 5;
    server_json();
    rig_has("\"cpu\":0,");
    rig_has("\"cpu\":5,");
}

static void errors_are_listed_by_operation_and_code(void **state)
{
    struct stats_errors *errors = &server_report.stats.errors;
    (void)state;
    stats_error_count(errors, STATS_ACCEPT, UV_EMFILE);
    for (int i = 0; i < 3; i++) {
        stats_error_count(errors, STATS_RECV, UV_ECONNRESET);
    }
    server_json();
    rig_has("\"errors\":[{\"operation\":\"accept\",\"code\":\"EMFILE\",\"count\":1},"
            "{\"operation\":\"recv\",\"code\":\"ECONNRESET\",\"count\":3}]");
    rig_clear();
    server_text();
    rig_has("accept EMFILE 1, recv ECONNRESET 3\n");
}

static void errors_without_room_are_other(void **state)
{
    static const int codes[] = {UV_ECONNRESET, UV_ETIMEDOUT, UV_EHOSTUNREACH, UV_ENOBUFS,
                                UV_ENOMEM};
    (void)state;
    for (int operation = 0; operation < STATS_OPERATIONS; operation++) {
        for (size_t i = 0; i < LENGTH(codes); i++) {
            stats_error_count(&server_report.stats.errors, (enum stats_operation)operation,
                              codes[i]);
        }
    }
    assert_int_equal(stats_errors_total(&server_report.stats.errors), STATS_ERRORS_MAX + 1);
    server_json();
    rig_has("\"code\":\"other\",\"count\":2}]");
}

static void no_errors_are_none(void **state)
{
    (void)state;
    server_json();
    rig_has("\"errors\":[]");
    rig_clear();
    server_text();
    rig_has_not("errors  ");
}

static void server_text_has_the_numbers(void **state)
{
    (void)state;
    server_report.stats.counters = (struct server_counters){.accepted = 1234,
                                                            .closed_by_client = 1200,
                                                            .drained = 10,
                                                            .idle = 11,
                                                            .stalled = 2,
                                                            .failed = 7,
                                                            .cut = 4,
                                                            .refused = 5,
                                                            .accept_errors = 6,
                                                            .echoes = 1010,
                                                            .received = 1011,
                                                            .sent = 1012,
                                                            .discarded = 13};
    server_text();
    rig_has("generation 3, 12.5 s, backend made-up, 2 threads\n");
    rig_has("1,234 served: 1,200 ended by the client, 10 drained, 11 idle, 2 stalled, 7 failed, "
            "4 cut\n  not served   5 refused, 6 failed\n");
    rig_has("  rate         80.80/s, 81.0 B/s each way\n");
    rig_has("echoes       1,010, received 1,011 bytes, sent 1,012 bytes, 13 discarded\n");
}

static void one_of_a_kind_is_singular(void **state)
{
    (void)state;
    server_report.worker_count = 1;
    server_report.stats.counters = (struct server_counters){.received = 1, .sent = 1};
    server_text();
    rig_has(", 1 thread\n");
    rig_has(", received 1 byte, sent 1 byte\n");
}

static void the_table_of_workers_is_a_detail(void **state)
{
    static const char *const details[] = {"  by worker ", "  accepts ",  "  worker ",
                                          "  batches ",   "  per echo ", "  cpu "};
    (void)state;
    server_text();
    for (size_t i = 0; i < LENGTH(details); i++) {
        rig_has(details[i]);
    }
    rig_clear();
    server_options.common.details = false;
    server_text();
    for (size_t i = 0; i < LENGTH(details); i++) {
        rig_has_not(details[i]);
    }
}

/* Also with the longest numbers. */
static void server_text_fits_the_terminal(void **state)
{
    (void)state;
    (void)memset(&server_report.stats.counters, 0x7f, sizeof(server_report.stats.counters));
    server_report.columns = 0;
    server_text();
    rig_fits(80);
    rig_clear();
    server_report.columns = 100;
    server_text();
    rig_fits(100);
}

static void server_text_is_silent_about_what_did_not_happen(void **state)
{
    (void)state;
    server_report.stats.counters =
        (struct server_counters){.accepted = 3, .closed_by_client = 2, .cut = 1};
    server_report.worker_count = 1;
    server_text();
    rig_has("  connections  3 served: 2 ended by the client, 1 cut\n");
    rig_has_not("refused");
    rig_has_not("discarded");
    rig_has_not("by worker");
}

static void a_generation_that_goes_on_says_so(void **state)
{
    (void)state;
    server_report.so_far = true;
    server_report.open = 77;
    server_text();
    rig_has("echo-server: generation 3 so far, 12.5 s, ");
    rig_has(", 77 open\n");
}

static void server_text_has_the_connections_by_worker(void **state)
{
    (void)state;
    server_text();
    rig_has("by worker    2001 2101\n");
}

static void calls_are_divided_by_the_echoes(void **state)
{
    (void)state;
    server_report.stats.counters.echoes = 1000;
    server_workers[0].common.work.io =
        (struct io_stats){.recv_calls = 1500, .send_calls = 1000, .system_calls = 2500};
    server_workers[1].common.work.io = (struct io_stats){
        .recv_calls = 500, .wait_calls = 250, .other_calls = 125, .system_calls = 750};
    server_text();
    rig_has("2.000 recv, 1.000 send, 0.000 epoll_ctl, 0.250 wait, 0.125 other; "
            "3.250 system calls\n");
    rig_clear();
    server_report.stats.counters.echoes = 0;
    server_text();
    rig_has("0.000 recv, 0.000 send, 0.000 epoll_ctl, 0.000 wait, 0.000 other; "
            "0.000 system calls\n");
}

static bool always(void)
{
    return true;
}

/* A library makes the calls, and its version was not compared with the kernel. */
static void estimated_calls_are_marked(void **state)
{
    static const struct backend estimating = {.name = "made-up", .estimates_calls = always};
    (void)state;
    server_text();
    rig_has_not("estimated");
    rig_clear();
    server_report.backend = &estimating;
    server_text();
    rig_has(" system calls, estimated\n");
    rig_clear();
    server_json();
    rig_has("\"backend\":\"made-up\",\"system_calls_estimated\":true,\"recv\":null,");
}

static void accepts_are_shown_by_mode(void **state)
{
    (void)state;
    server_workers[0].common.work.io =
        (struct io_stats){.accepts = 1000, .accepts_with_data = 10, .accepts_reaped = 1};
    server_workers[1].common.work.io =
        (struct io_stats){.accepts = 234, .accepts_with_data = 2, .accepts_failed = 5};
    server_text();
    rig_has("  accepts      1,234 by fancy, 12 with data, 1 reaped, 5 failed\n");
}

static void mode_without_a_name_is_not_named(void **state)
{
    (void)state;
    server_report.backend = &rig_backend_without_modes;
    server_report.accept_mode = 0;
    server_workers[0].common.work.io = (struct io_stats){.accepts = 7};
    server_workers[1].common.work.io = (struct io_stats){.accepts = 1};
    server_text();
    rig_has("  accepts      8\n");
    rig_clear();
    server_json();
    rig_has("\"accept\":null,");
    rig_has("\"recv\":null,");
}

static void batches_are_shown_by_size(void **state)
{
    (void)state;
    server_workers[0].common.work.io =
        (struct io_stats){.batches = {[0] = 50, [1] = 20, [6] = 4, [IO_BATCHES - 1] = 1}};
    server_workers[1].common.work.io = (struct io_stats){.batches = {[0] = 25}};
    server_text();
    rig_has("  batches      1: 75.0 %, 2-3: 20.0 %, 64-127: 4.0 %, 128 and more: 1.0 %\n");
    rig_clear();
    server_workers[0].common.work.io = (struct io_stats){.batches = {0}};
    server_workers[1].common.work.io = (struct io_stats){.batches = {0}};
    server_text();
    rig_has("  batches      none\n");
}

#define SERVER(test) cmocka_unit_test_setup_teardown(test, begin_server, rig_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVER(server_json_has_every_counter),
        SERVER(server_json_has_every_counter_of_every_worker),
        SERVER(server_json_says_what_ran),
        SERVER(server_json_has_the_options),
        SERVER(server_json_says_that_there_is_no_send_buffer),
        SERVER(server_json_says_which_report_is_the_last),
        SERVER(pinned_workers_alone_have_a_cpu),
        SERVER(errors_are_listed_by_operation_and_code),
        SERVER(errors_without_room_are_other),
        SERVER(no_errors_are_none),
        SERVER(server_text_has_the_numbers),
        SERVER(one_of_a_kind_is_singular),
        SERVER(the_table_of_workers_is_a_detail),
        SERVER(server_text_fits_the_terminal),
        SERVER(server_text_is_silent_about_what_did_not_happen),
        SERVER(server_text_has_the_connections_by_worker),
        SERVER(a_generation_that_goes_on_says_so),
        SERVER(calls_are_divided_by_the_echoes),
        SERVER(estimated_calls_are_marked),
        SERVER(accepts_are_shown_by_mode),
        SERVER(mode_without_a_name_is_not_named),
        SERVER(batches_are_shown_by_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
