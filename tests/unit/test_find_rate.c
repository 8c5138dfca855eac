/* The driver of the search, with steps that are made up. */

#include "report_rig.h"

#include <math.h>

#include "find_rate.h"
#include "units.h"

/* A server: messages per second up to which a step holds, and what happens at a step. */
struct server {
    double capacity;
    size_t stops;  /* the user asks to stop in the n-th step, from 1; 0: never */
    size_t breaks; /* wrong data in the n-th step */
    uint64_t lateness_ns;
    size_t steps;
    size_t judged;
};

static struct find_rate find;

static enum find_rate_end run_step(void *context, double rate, struct search_figures *figures)
{
    struct server *server = context;
    server->steps++;
    *figures = (struct search_figures){.due = 1000,
                                       .in_time = rate <= server->capacity ? 999 : 300,
                                       .lateness_ns = server->lateness_ns,
                                       .waited = NAN};
    return server->steps == server->stops    ? FIND_RATE_STOPPED
           : server->steps == server->breaks ? FIND_RATE_BROKEN
                                             : FIND_RATE_MEASURED;
}

static void on_judged(void *context, const struct search_step *step)
{
    struct server *server = context;
    server->judged++;
    assert_ptr_equal(step, &find.search.steps[server->judged - 1]);
}

static void run(struct server *server, double first)
{
    const struct find_rate_runner runner = {run_step, on_judged, server};
    find_rate_init(&find, "p99<1ms", first, 2 * NS_PER_S);
    find_rate_run(&find, &runner);
}

static const char *report(void)
{
    find_rate_text(&find, &rig_text);
    return rig_read();
}

static void finds_a_rate(void **state)
{
    struct server server = {.capacity = 5000};
    (void)state;
    run(&server, 0);
    assert_true(find.search.held <= 5000 && find.search.failed > 5000);
    assert_int_equal(find_rate_code(&find), 0);
    assert_int_equal(server.judged, server.steps);
    (void)report();
    rig_has("  find-rate    p99<1ms holds at 5.000 k/s and no longer at 5.031 k/s; 11 steps\n");
}

static void begins_where_it_is_told(void **state)
{
    struct server server = {.capacity = 5000};
    (void)state;
    run(&server, 4000);
    assert_float_equal(find.search.steps[0].rate, 4000, 1e-9);
    server = (struct server){.capacity = 5000};
    run(&server, 1);
    assert_float_equal(find.search.steps[0].rate, 50, 1e-9); /* one of 100 messages may be late */
}

static void never_and_always_cannot_tell(void **state)
{
    struct server none = {.capacity = 0};
    struct server endless = {.capacity = INFINITY};
    (void)state;
    run(&none, 0);
    assert_int_equal(find_rate_code(&find), 3);
    (void)report();
    rig_has("p99<1ms never held, not even at 50/s, the lowest rate; ");
    rig_clear();
    run(&endless, 0);
    assert_int_equal(find_rate_code(&find), 3);
    (void)report();
    rig_has("p99<1ms holds at 1.000 G/s, the highest rate; ");
}

static void a_late_client_is_named(void **state)
{
    struct server server = {.capacity = 5000, .lateness_ns = NS_PER_MS};
    (void)state;
    run(&server, 0);
    assert_int_equal(find_rate_code(&find), 3);
    (void)report();
    rig_has("cannot tell for the server: there the client itself was late");
}

static void a_stop_keeps_what_is_known(void **state)
{
    struct server server = {.capacity = 5000, .stops = 5};
    (void)state;
    run(&server, 0);
    assert_int_equal(find_rate_code(&find), 3);
    assert_int_equal(find.search.count, 4);
    assert_int_equal(server.judged, 4);
    (void)report();
    rig_has(
        "p99<1ms holds at 4.000 k/s and no longer at 8.000 k/s; the search ended early; 4 steps\n");
}

static void a_failure_ends_it(void **state)
{
    struct server server = {.capacity = 5000, .breaks = 1};
    (void)state;
    run(&server, 0);
    assert_int_equal(find_rate_code(&find), 1);
    assert_int_equal(server.steps, 1);
    (void)report();
    rig_has("p99<1ms never held; the search ended with a failure; 0 steps\n");
}

static void the_json_has_every_step(void **state)
{
    struct server server = {.capacity = 1000, .stops = 3};
    struct json json;
    (void)state;
    run(&server, 0);
    json_begin(&json, &rig_text);
    json_object(&json, NULL);
    find_rate_json(&find, &json);
    json_end_object(&json);
    (void)rig_read();
    rig_is_a_line();
    rig_has("{\"find_rate\":{\"condition\":\"p99<1ms\",\"result\":\"stopped\",\"held\":1000,"
            "\"failed\":2000,\"steps\":[{\"rate\":1000,\"outcome\":\"held\",\"repeated\":false,"
            "\"in_time\":0.999,\"backlog_growth\":0,\"lateness_ns\":0,\"waited\":null},"
            "{\"rate\":2000,\"outcome\":\"slow\",");
}

#define TEST(name) cmocka_unit_test_teardown(name, rig_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(finds_a_rate),
        TEST(begins_where_it_is_told),
        TEST(never_and_always_cannot_tell),
        TEST(a_late_client_is_named),
        TEST(a_stop_keeps_what_is_known),
        TEST(a_failure_ends_it),
        TEST(the_json_has_every_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
