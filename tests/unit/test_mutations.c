/*
 * A million damaged echoes, brought to the client's own code over a backend that the test controls.
 * Each that differs from what was sent must be reported, and each that does not must not be. The
 * numbers come from a fixed seed.
 */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "fake_backend.h"
#include "load_conn.h"
#include "log.h"
#include "random.h"
#include "util.h"
#include "verdict.h"

#define MUTATIONS 1000000 /* that change something */
#define SECOND UINT64_C(1000000000)
#define SMALL ((size_t)64)   /* the longest message of most echoes */
#define LARGE ((size_t)3000) /* of the others, which have several blocks of the stream */
#define LIFETIME 4           /* messages of a connection, all under way at once */
#define ADDED ((size_t)64)   /* the most bytes that a mutation adds */

enum kind { FLIP, DROP, REPEAT, SWAP, INSERT, CUT, EXTRA, SPLICE, SHIFT, INTACT, KINDS };

static const char *const names[KINDS] = {"flip", "drop",  "repeat", "swap",  "insert",
                                         "cut",  "extra", "splice", "shift", "intact"};

static struct fake fake;
static struct backend backend;
static struct load load;
static struct load_plan plan;
static struct sockaddr_storage address;
static struct load_conn *user;
static uint64_t state = 20261129;
static uint64_t changed[KINDS];  /* echoes that the mutation has changed */
static uint64_t reported[KINDS]; /* echoes that the client has reported */

static uint8_t original[LIFETIME * LARGE];
static uint8_t echo[LIFETIME * LARGE + ADDED];
static size_t original_length;
static size_t echo_length;

static size_t below(size_t limit)
{
    return (size_t)(random_next(&state) % limit);
}

/* ---- the rig ------------------------------------------------------------------------------- */

static int connect_inline(struct io_loop *io, struct io_socket *socket, const struct sockaddr *to,
                          struct io_connect *op)
{
    (void)io;
    (void)to;
    *socket = (struct io_socket){.recv = NULL};
    op->status = 0;
    return IO_DONE;
}

static void begin(void)
{
    fake_init(&fake);
    fake.now_ns = SECOND;
    fake.send_outcome = IO_DONE;
    fake.recv_outcome = IO_PENDING;
    backend = fake_backend;
    backend.connect = connect_inline;
    plan = (struct load_plan){.addresses = &address,
                              .address_count = 1,
                              .workers = 1,
                              .seed = 7,
                              .size = LARGE,
                              .depth = LIFETIME,
                              .lifetime = LIFETIME,
                              .began_ns = SECOND,
                              .slice_ns = UINT64_MAX / 4};
    load.worker.role = &load_role;
    load.worker.backend = &backend;
    load.worker.io_config = fake_config(&fake);
    load.worker.cpu = -1;
    worker_init(&load.worker);
    load_init(&load, &plan, 1, UINT64_MAX);
    log_setup("test_mutations", false);
    log_redirect(NULL);
    assert_int_equal(worker_open(&load.worker), 0);
    fake.io.backend = &backend;
    user = load.users[0];
    worker_post(&load.worker, WORKER_BEGIN);
}

static void end(void)
{
    worker_post(&load.worker, WORKER_ABORT);
    while (worker_turn(&load.worker)) {
        if (user->conn.closing) {
            fake_close_ends(&fake, user->conn.socket);
        }
    }
    worker_close(&load.worker);
    worker_destroy(&load.worker);
    assert_int_equal(fake.wrong, 0);
    fake_destroy(&fake);
    log_redirect(stderr);
}

/* Turns until the next connection has sent its messages. */
static void connect_again(void)
{
    user->retry_ns = 0;
    while (user->state != LOAD_UP) {
        (void)worker_turn(&load.worker);
    }
    original_length = (size_t)user->offered;
    assert_int_equal(original_length, LIFETIME * plan.size);
    stream_fill(&user->stream, 0, original, original_length);
}

/* Brings the next bytes; none: the end of the stream. */
static void bring(const uint8_t *data, size_t length)
{
    struct io_socket *socket = user->conn.socket;
    struct io_recv *op = socket->recv;
    socket->recv = NULL;
    op->status = 0;
    op->length = length;
    op->data = length > 0 ? pool_take(&fake.io.pool) : NULL;
    if (length > 0) {
        memcpy(op->data, data, length);
    }
    op->done(op);
}

/* Brings the echo in some pieces, then the end of the stream. Returns whether that was reported. */
static bool answer(void)
{
    uint64_t before = verdict_failures_so_far(&load.stats.counters);
    size_t brought = 0;
    while (brought < echo_length && !user->conn.closing) {
        size_t left = echo_length - brought;
        size_t piece = below(3) == 0 ? 1 + below(left) : left;
        bring(echo + brought, piece);
        brought += piece;
    }
    if (!user->conn.closing) {
        bring(NULL, 0);
    }
    assert_true(user->conn.closing);
    plan.size = 1 + below(below(50) == 0 ? LARGE : SMALL); /* of the next connection */
    fake_close_ends(&fake, user->conn.socket);
    return verdict_failures_so_far(&load.stats.counters) > before;
}

/* ---- mutations ----------------------------------------------------------------------------- */

/* Replaces `length` bytes of the echo at `at` by `count` others. */
static void replace(size_t at, size_t length, const uint8_t *bytes, size_t count)
{
    uint8_t copy[ADDED];
    assert_true(at + length <= echo_length && count <= length + ADDED);
    memcpy(copy, bytes, count <= ADDED ? count : 0);
    memmove(echo + at + count, echo + at + length, echo_length - at - length);
    memcpy(echo + at, count <= ADDED ? copy : bytes, count);
    echo_length = echo_length - length + count;
}

/* A length of at most ADDED bytes from `at` on. */
static size_t some(size_t at)
{
    size_t left = original_length - at;
    return 1 + below(left < ADDED ? left : ADDED);
}

static void swap(size_t at)
{
    size_t other = below(2) == 0 ? below(original_length) : (at + 1) % original_length;
    uint8_t byte = echo[at];
    echo[at] = echo[other];
    echo[other] = byte;
}

static void insert(size_t at)
{
    uint8_t bytes[ADDED];
    size_t count = 1 + below(ADDED);
    for (size_t i = 0; i < count; i++) {
        bytes[i] = (uint8_t)random_next(&state);
    }
    replace(at, 0, bytes, count);
}

/* From `at` on, the bytes of another connection, or of another offset of this one. */
static void overwrite(size_t at, const struct stream *stream, uint64_t offset)
{
    size_t length = below(2) == 0 ? original_length - at : some(at);
    stream_fill(stream, offset, echo + at, length);
}

static void splice_from(size_t at)
{
    struct stream other = stream_of(plan.seed, user->conn.number + 1 + below(3));
    overwrite(at, &other, at);
}

static void shift_from(size_t at)
{
    size_t by = below(2) == 0 ? 1 + below(64) : 4096 * (1 + below(3));
    overwrite(at, &user->stream, at + by);
}

static void mutate(enum kind kind)
{
    size_t at = below(original_length);
    memcpy(echo, original, original_length);
    echo_length = original_length;
    switch (kind) {
    case FLIP:
        echo[at] ^= (uint8_t)(1U << below(8));
        break;
    case DROP:
        replace(at, some(at), echo, 0);
        break;
    case REPEAT: {
        size_t length = some(at);
        replace(at + length, 0, echo + at, length);
        break;
    }
    case SWAP:
        swap(at);
        break;
    case INSERT:
        insert(at);
        break;
    case CUT:
        echo_length = at;
        break;
    case EXTRA:
        insert(echo_length);
        break;
    case SPLICE:
        splice_from(at);
        break;
    case SHIFT:
        shift_from(at);
        break;
    case INTACT:
    case KINDS:
        break;
    }
}

static bool is_changed(void)
{
    return echo_length != original_length || memcmp(echo, original, original_length) != 0;
}

static void every_change_is_reported(void **unused)
{
    size_t total = 0;
    (void)unused;
    begin();
    for (size_t i = 0; total < MUTATIONS; i++) {
        enum kind kind = (enum kind)below(KINDS);
        connect_again();
        mutate(kind);
        bool is_wrong = is_changed();
        bool is_reported = answer();
        changed[kind] += is_wrong;
        total += is_wrong;
        reported[kind] += is_reported;
        if (is_wrong != is_reported) {
            fail_msg("mutation %zu, %s: %s", i, names[kind],
                     is_wrong ? "not reported" : "a false alarm");
        }
    }
    end();
    for (size_t kind = 0; kind < KINDS; kind++) {
        print_message("%s: %" PRIu64 " changed, %" PRIu64 " reported\n", names[kind], changed[kind],
                      reported[kind]);
        assert_true((changed[kind] > 0) == (kind != INTACT));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_change_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
