#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "barrier_book.h"
#include "barrier_line.h"
#include "util.h"

static void awaited_are(const struct barrier_book *book, const char *expected)
{
    char text[BARRIER_AWAITED_TEXT];
    barrier_book_awaited(book, text);
    assert_string_equal(text, expected);
}

static void ranks_join_once_in_any_order(void **state)
{
    struct barrier_book book;
    (void)state;
    assert_true(barrier_book_init(&book, 3));
    assert_false(barrier_book_is_complete(&book));
    assert_true(barrier_book_add(&book, 2));
    assert_false(barrier_book_add(&book, 2));
    assert_true(barrier_book_add(&book, 0));
    assert_false(barrier_book_is_complete(&book));
    assert_true(barrier_book_add(&book, 1));
    assert_true(barrier_book_is_complete(&book));
    barrier_book_free(&book);
}

static void absent_ranks_are_named(void **state)
{
    struct barrier_book book;
    (void)state;
    assert_true(barrier_book_init(&book, 10));
    awaited_are(&book, "ranks 0-9");
    (void)barrier_book_add(&book, 0);
    awaited_are(&book, "ranks 1-9");
    (void)barrier_book_add(&book, 4);
    awaited_are(&book, "ranks 1-3 and 5-9");
    (void)barrier_book_add(&book, 6);
    (void)barrier_book_add(&book, 7);
    awaited_are(&book, "ranks 1-3, 5 and 8-9");
    for (uint64_t rank = 0; rank < 9; rank++) {
        (void)barrier_book_add(&book, rank);
    }
    awaited_are(&book, "rank 9");
    barrier_book_free(&book);
}

static void of_many_absent_ranks_only_the_first_are_named(void **state)
{
    struct barrier_book book;
    (void)state;
    assert_true(barrier_book_init(&book, 65536));
    for (uint64_t rank = 0; rank < 65536; rank += 4) {
        (void)barrier_book_add(&book, rank);
    }
    awaited_are(&book, "ranks 1-3, 5-7, 9-11, 13-15, 17-19, 21-23 and 49134 more");
    barrier_book_free(&book);
    assert_true(barrier_book_init(&book, 65536));
    for (uint64_t rank = 0; rank < 65521; rank++) {
        (void)barrier_book_add(&book, rank);
    }
    for (uint64_t rank = 65522; rank < 65536; rank += 2) {
        (void)barrier_book_add(&book, rank);
    }
    awaited_are(&book, "ranks 65521, 65523, 65525, 65527, 65529, 65531 and 2 more");
    barrier_book_free(&book);
}

/* The pings of one rank, which take so long. */
static void pongs(struct barrier_book *book, uint64_t rank, const uint64_t took_ns[BARRIER_PINGS])
{
    uint64_t now_ns = 1000;
    for (unsigned i = 0; i < BARRIER_PINGS; i++) {
        assert_false(barrier_book_is_measured(book));
        barrier_book_ping(book, rank, now_ns);
        now_ns += took_ns[i];
        assert_int_equal(barrier_book_pong(book, rank, now_ns), i + 1 < BARRIER_PINGS);
    }
}

/* By the clock of rank 0, at which moment does it begin? */
static uint64_t begins_ns(const struct barrier_book *book, uint64_t rank, uint64_t begin_ns,
                          uint64_t told_ns)
{
    return told_ns + book->members[rank].round_trip_ns / 2 +
           barrier_book_delay_ns(book, rank, begin_ns, told_ns);
}

static void when_all_are_there_those_that_have_not_answered_are_named(void **state)
{
    static const uint64_t took_ns[BARRIER_PINGS] = {1, 1, 1, 1, 1};
    struct barrier_book book;
    (void)state;
    assert_true(barrier_book_init(&book, 5));
    for (uint64_t rank = 0; rank < 5; rank++) {
        (void)barrier_book_add(&book, rank);
    }
    awaited_are(&book, "ranks 1-4");
    pongs(&book, 2, took_ns);
    awaited_are(&book, "ranks 1 and 3-4");
    pongs(&book, 1, took_ns);
    pongs(&book, 4, took_ns);
    awaited_are(&book, "rank 3");
    barrier_book_free(&book);
}

static void all_begin_at_the_same_moment(void **state)
{
    static const uint64_t near_ns[BARRIER_PINGS] = {90000, 20000, 40000, 20000, 3000000};
    static const uint64_t far_ns[BARRIER_PINGS] = {200 * NS_PER_MS, 250 * NS_PER_MS,
                                                   190 * NS_PER_MS, 300 * NS_PER_MS, NS_PER_S};
    struct barrier_book book;
    (void)state;
    assert_true(barrier_book_init(&book, 3));
    pongs(&book, 1, near_ns);
    pongs(&book, 2, far_ns);
    assert_true(barrier_book_is_measured(&book));
    assert_int_equal(book.members[1].round_trip_ns, 20000);
    assert_int_equal(book.members[2].round_trip_ns, 190 * NS_PER_MS);
    uint64_t now_ns = 5 * NS_PER_S;
    uint64_t begin_ns = barrier_book_begin_ns(&book, now_ns);
    assert_true(begin_ns > now_ns + 95 * NS_PER_MS);
    assert_true(begins_ns(&book, 1, begin_ns, now_ns + 10000) == begin_ns);
    assert_true(begins_ns(&book, 2, begin_ns, now_ns + 20000) == begin_ns);
    barrier_book_free(&book);
}

static void a_rank_begins_within_a_second_however_far_the_others_are(void **state)
{
    static const uint64_t near_ns[BARRIER_PINGS] = {1000, 1000, 1000, 1000, 1000};
    static const uint64_t far_ns[BARRIER_PINGS] = {9 * NS_PER_S, 9 * NS_PER_S, 9 * NS_PER_S,
                                                   9 * NS_PER_S, 9 * NS_PER_S};
    struct barrier_book book;
    (void)state;
    assert_true(barrier_book_init(&book, 3));
    pongs(&book, 1, near_ns);
    pongs(&book, 2, far_ns);
    uint64_t begin_ns = barrier_book_begin_ns(&book, NS_PER_S);
    assert_true(begin_ns == NS_PER_S + BARRIER_DELAY_MAX_NS);
    assert_true(barrier_book_delay_ns(&book, 1, begin_ns, NS_PER_S) <= BARRIER_DELAY_MAX_NS);
    assert_int_equal(barrier_book_delay_ns(&book, 2, begin_ns, NS_PER_S), 0);
    barrier_book_free(&book);
}

static void a_single_rank_needs_no_other(void **state)
{
    struct barrier_book book;
    (void)state;
    assert_true(barrier_book_init(&book, 1));
    assert_true(barrier_book_add(&book, 0));
    assert_true(barrier_book_is_complete(&book));
    assert_true(barrier_book_is_measured(&book));
    barrier_book_free(&book);
}

static void the_most_ranks_can_be_told_within_a_second(void **state)
{
    struct barrier_book book;
    (void)state;
    assert_true(barrier_book_init(&book, 65536));
    for (uint64_t rank = 1; rank < book.ranks; rank++) {
        book.members[rank].round_trip_ns = NS_PER_MS;
    }
    uint64_t begin_ns = barrier_book_begin_ns(&book, 1);
    assert_true(begin_ns > 1 && begin_ns <= 1 + BARRIER_DELAY_MAX_NS);
    barrier_book_free(&book);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranks_join_once_in_any_order),
        cmocka_unit_test(absent_ranks_are_named),
        cmocka_unit_test(of_many_absent_ranks_only_the_first_are_named),
        cmocka_unit_test(when_all_are_there_those_that_have_not_answered_are_named),
        cmocka_unit_test(all_begin_at_the_same_moment),
        cmocka_unit_test(a_rank_begins_within_a_second_however_far_the_others_are),
        cmocka_unit_test(a_single_rank_needs_no_other),
        cmocka_unit_test(the_most_ranks_can_be_told_within_a_second),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
