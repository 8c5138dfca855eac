#ifndef ECHOPORT_BARRIER_BOOK_H
#define ECHOPORT_BARRIER_BOOK_H

/*
 * The ranks at a barrier, as its host knows them: which are there, how long a line takes to each
 * and back, and when each is to begin. No I/O here. Times are by uv_hrtime() of the host.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How often the round trip to each rank is measured. The shortest counts. */
#define BARRIER_PINGS 5

/* Bytes of the longest text of barrier_book_awaited(). */
#define BARRIER_AWAITED_TEXT 160

struct barrier_member {
    bool here;
    unsigned pongs;
    uint64_t pinged_ns;     /* the last time */
    uint64_t round_trip_ns; /* the shortest so far; UINT64_MAX: none */
};

struct barrier_book {
    uint64_t ranks;
    uint64_t here;     /* how many are there */
    uint64_t measured; /* of how many the round trip is known */
    struct barrier_member *members;
};

/* False: out of memory. */
bool barrier_book_init(struct barrier_book *book, uint64_t ranks);
void barrier_book_free(struct barrier_book *book);

/* `rank` is there now. False: it was before. */
bool barrier_book_add(struct barrier_book *book, uint64_t rank);

bool barrier_book_is_complete(const struct barrier_book *book);

/* Names the ranks that are not there, as in "rank 2" or "ranks 1, 3-5 and 7"; of many only the
 * first. If all are there: those with a round trip that is not known yet. */
void barrier_book_awaited(const struct barrier_book *book, char text[BARRIER_AWAITED_TEXT]);

/* A line was sent to `rank`, and its answer has come. barrier_book_pong() returns whether another
 * is to be sent. */
void barrier_book_ping(struct barrier_book *book, uint64_t rank, uint64_t now_ns);
bool barrier_book_pong(struct barrier_book *book, uint64_t rank, uint64_t now_ns);

/* Whether the round trips to all ranks but 0 are known. */
bool barrier_book_is_measured(const struct barrier_book *book);

/* When all can begin, if they are told from `now_ns` on. At most BARRIER_DELAY_MAX_NS later. */
uint64_t barrier_book_begin_ns(const struct barrier_book *book, uint64_t now_ns);

/* The delay to be told to `rank` at `now_ns`, so that it begins at `begin_ns`: the line takes half
 * of a round trip. */
uint64_t barrier_book_delay_ns(const struct barrier_book *book, uint64_t rank, uint64_t begin_ns,
                               uint64_t now_ns);

#endif
