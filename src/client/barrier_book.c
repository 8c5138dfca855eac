#include "barrier_book.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "barrier_line.h"
#include "util.h"

/* What the host needs to tell one rank, and what it needs in any case. */
#define BARRIER_TELL_NS (10 * NS_PER_US)
#define BARRIER_LEAD_NS (5 * NS_PER_MS)

/* The most groups of ranks that are named. */
#define BARRIER_GROUPS_MAX 6

bool barrier_book_init(struct barrier_book *book, uint64_t ranks)
{
    *book = (struct barrier_book){.ranks = ranks};
    book->members = calloc((size_t)ranks, sizeof(*book->members));
    for (uint64_t i = 0; book->members != NULL && i < ranks; i++) {
        book->members[i].round_trip_ns = UINT64_MAX;
    }
    return book->members != NULL;
}

void barrier_book_free(struct barrier_book *book)
{
    free(book->members);
    book->members = NULL;
}

/* ---- which ranks are there ------------------------------------------------------------------- */

bool barrier_book_add(struct barrier_book *book, uint64_t rank)
{
    struct barrier_member *member = &book->members[rank];
    bool is_new = !member->here;
    assert(rank < book->ranks);
    member->here = true;
    book->here += is_new;
    return is_new;
}

bool barrier_book_is_complete(const struct barrier_book *book)
{
    return book->here == book->ranks;
}

static bool barrier_book_awaits(const struct barrier_book *book, uint64_t rank)
{
    const struct barrier_member *member = &book->members[rank];
    return barrier_book_is_complete(book) ? rank > 0 && member->pongs < BARRIER_PINGS
                                          : !member->here;
}

/* The first rank from `rank` on that is awaited, or is not. */
static uint64_t barrier_book_next(const struct barrier_book *book, uint64_t rank, bool awaited)
{
    while (rank < book->ranks && barrier_book_awaits(book, rank) != awaited) {
        rank++;
    }
    return rank;
}

/* The first rank of the next group of awaited ones, and the first after it. */
static uint64_t barrier_book_group(const struct barrier_book *book, uint64_t from, uint64_t *end)
{
    uint64_t first = barrier_book_next(book, from, true);
    *end = barrier_book_next(book, first, false);
    return first;
}

void barrier_book_awaited(const struct barrier_book *book, char text[BARRIER_AWAITED_TEXT])
{
    const size_t size = BARRIER_AWAITED_TEXT;
    uint64_t left = barrier_book_is_complete(book) ? book->ranks - 1 - book->measured
                                                   : book->ranks - book->here;
    uint64_t end = 0;
    int length = snprintf(text, size, "%s", left == 1 ? "rank" : "ranks");
    for (unsigned groups = 0; left > 0 && groups < BARRIER_GROUPS_MAX; groups++) {
        uint64_t first = barrier_book_group(book, end, &end);
        left -= end - first;
        const char *before = groups == 0 ? "" : left == 0 ? " and" : ",";
        length += snprintf(text + length, size - (size_t)length, "%s %" PRIu64, before, first);
        if (end - first > 1) {
            length += snprintf(text + length, size - (size_t)length, "-%" PRIu64, end - 1);
        }
    }
    if (left > 0) {
        (void)snprintf(text + length, size - (size_t)length, " and %" PRIu64 " more", left);
    }
}

/* ---- round trips --------------------------------------------------------------------------- */

void barrier_book_ping(struct barrier_book *book, uint64_t rank, uint64_t now_ns)
{
    book->members[rank].pinged_ns = now_ns;
}

bool barrier_book_pong(struct barrier_book *book, uint64_t rank, uint64_t now_ns)
{
    struct barrier_member *member = &book->members[rank];
    uint64_t took_ns = now_ns - member->pinged_ns;
    member->pongs++;
    book->measured += member->pongs == BARRIER_PINGS;
    if (took_ns < member->round_trip_ns) {
        member->round_trip_ns = took_ns;
    }
    return member->pongs < BARRIER_PINGS;
}

bool barrier_book_is_measured(const struct barrier_book *book)
{
    return book->measured == book->ranks - 1;
}

static uint64_t barrier_way_ns(const struct barrier_book *book, uint64_t rank)
{
    return book->members[rank].round_trip_ns / 2;
}

uint64_t barrier_book_begin_ns(const struct barrier_book *book, uint64_t now_ns)
{
    uint64_t longest_ns = 0;
    for (uint64_t rank = 1; rank < book->ranks; rank++) {
        uint64_t way_ns = barrier_way_ns(book, rank);
        longest_ns = way_ns > longest_ns ? way_ns : longest_ns;
    }
    uint64_t told_ns = BARRIER_LEAD_NS + book->ranks * BARRIER_TELL_NS;
    uint64_t room_ns = BARRIER_DELAY_MAX_NS - told_ns;
    assert(told_ns < BARRIER_DELAY_MAX_NS);
    return now_ns + told_ns + (longest_ns < room_ns ? longest_ns : room_ns);
}

uint64_t barrier_book_delay_ns(const struct barrier_book *book, uint64_t rank, uint64_t begin_ns,
                               uint64_t now_ns)
{
    uint64_t arrives_ns = now_ns + barrier_way_ns(book, rank);
    return begin_ns > arrives_ns ? begin_ns - arrives_ns : 0;
}
