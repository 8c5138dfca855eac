/* Unfinished reports: what workers hand in, generation by generation. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "server_parts.h"

#define WORKERS 3

static struct server_parts parts;

static int begin(void **state)
{
    (void)state;
    server_parts_init(&parts, WORKERS);
    assert_null(parts.first);
    return 0;
}

static int end(void **state)
{
    (void)state;
    server_parts_free(&parts);
    assert_null(parts.first);
    return 0;
}

/* A generation of a worker; all its counts are `count`. */
static struct echo_generation *generation(unsigned number, uint64_t count, uint64_t began_ns,
                                          uint64_t ended_ns)
{
    struct echo_generation *made = calloc(1, sizeof(*made));
    assert_non_null(made);
    made->number = number;
    made->stats.counters.echoes = count;
    made->work.cpu_ns = count;
    made->open = count;
    made->began_ns = began_ns;
    made->ended_ns = ended_ns;
    return made;
}

static void add(struct server_parts *to, unsigned worker, struct echo_generation *list)
{
    static struct echo echo; /* too large for a stack */
    echo.worker.index = worker;
    echo.worker.cpu = (int)worker + 4;
    server_parts_add(to, &echo, list);
}

static const struct server_part *part(const struct server_parts *of, size_t i)
{
    const struct server_part *at = of->first;
    while (at != NULL && i > 0) {
        at = at->next;
        i--;
    }
    assert_non_null(at);
    return at;
}

/* Asserts that a worker's counts are in the part. */
static void worker_has(const struct server_part *of, unsigned worker, uint64_t count)
{
    const struct server_report_worker *at = &of->report.workers[worker];
    assert_int_equal(at->counters.echoes, count);
    assert_int_equal(at->common.work.cpu_ns, count);
    assert_int_equal(at->common.cpu, count == 0 ? 0 : worker + 4);
}

static void workers_are_added_up(void **state)
{
    (void)state;
    add(&parts, 2, generation(1, 100, 50, 60));
    add(&parts, 0, generation(1, 20, 40, 70));
    add(&parts, 1, generation(1, 3, 45, 65));
    const struct server_part *one = part(&parts, 0);
    assert_null(one->next);
    assert_int_equal(one->report.generation, 1);
    assert_int_equal(one->report.stats.counters.echoes, 123);
    assert_int_equal(one->report.open, 123);
    assert_int_equal(one->handed_in, WORKERS);
    assert_int_equal(one->began_ns, 40);
    assert_int_equal(one->ended_ns, 70);
    worker_has(one, 0, 20);
    worker_has(one, 1, 3);
    worker_has(one, 2, 100);
}

static void generations_are_apart(void **state)
{
    (void)state;
    struct echo_generation *list = generation(1, 1, 10, 20);
    list->next = generation(2, 2, 20, 30);
    list->next->next = generation(3, 4, 30, 40);
    add(&parts, 0, list);
    add(&parts, 1, generation(2, 8, 25, 35));
    assert_int_equal(part(&parts, 0)->report.stats.counters.echoes, 1);
    assert_int_equal(part(&parts, 1)->report.stats.counters.echoes, 10);
    assert_int_equal(part(&parts, 2)->report.stats.counters.echoes, 4);
    assert_int_equal(part(&parts, 0)->handed_in, 1);
    assert_int_equal(part(&parts, 1)->handed_in, 2);
    assert_int_equal(part(&parts, 1)->began_ns, 20);
    assert_int_equal(part(&parts, 1)->ended_ns, 35);
    assert_null(part(&parts, 2)->next);
    server_parts_free_first(&parts);
    assert_int_equal(part(&parts, 0)->report.generation, 2);
    assert_int_equal(part(&parts, 1)->report.generation, 3);
}

static void nothing_adds_nothing(void **state)
{
    (void)state;
    add(&parts, 0, NULL);
    assert_null(parts.first);
}

static void a_copy_has_the_counts_of_its_own(void **state)
{
    struct server_parts copy;
    (void)state;
    add(&parts, 0, generation(4, 1, 10, 20));
    add(&parts, 1, generation(5, 2, 20, 30));
    server_parts_copy(&copy, &parts);
    add(&copy, 1, generation(4, 10, 5, 25));
    add(&copy, 2, generation(6, 40, 30, 40));
    assert_int_equal(part(&copy, 0)->report.stats.counters.echoes, 11);
    assert_int_equal(part(&copy, 0)->began_ns, 5);
    assert_int_equal(part(&copy, 0)->ended_ns, 25);
    worker_has(part(&copy, 0), 0, 1);
    worker_has(part(&copy, 0), 1, 10);
    worker_has(part(&copy, 0), 2, 0);
    worker_has(part(&copy, 1), 1, 2);
    worker_has(part(&copy, 2), 2, 40);
    assert_int_equal(part(&copy, 1)->report.generation, 5);
    assert_int_equal(part(&copy, 1)->began_ns, 20);
    assert_int_equal(part(&copy, 1)->ended_ns, 30);
    server_parts_free(&copy);
    assert_int_equal(part(&parts, 0)->report.stats.counters.echoes, 1);
    worker_has(part(&parts, 0), 1, 0);
    assert_null(part(&parts, 1)->next);
}

#define PARTS(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PARTS(workers_are_added_up),
        PARTS(generations_are_apart),
        PARTS(nothing_adds_nothing),
        PARTS(a_copy_has_the_counts_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
