/*
 * The clients of --share together do what one client with all their workers does: the same
 * connections at the same times, with the same bytes, sizes and times of messages. Over a backend
 * that the test controls, in virtual time.
 */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "fake_backend.h"
#include "load_conn.h"
#include "range.h"
#include "util.h"

#define THREADS UINT64_C(2)
#define RANKS UINT64_C(3)
#define CONNECTIONS UINT64_C(17) /* neither the workers nor the clients have equal parts */
#define REQUESTS UINT64_C(40)
#define TIMES 50

/* What a connection is to do. */
struct fact {
    uint64_t number;
    uint64_t connect_ns;
    uint64_t requests; /* of its worker */
    uint8_t bytes[64];
    uint64_t sizes[TIMES];
    uint64_t due_ns[TIMES];
};

static struct fake fake;
static struct backend backend;
static struct load load;
static struct load_plan plan;
static struct sockaddr_storage address;
static struct fact facts[2][CONNECTIONS]; /* of one client, and of several */
static struct fact *next;

static void note(struct load_conn *c)
{
    struct fact *fact = next++;
    struct arrival arrival = load_arrival(&load, c->index);
    *fact = (struct fact){
        .number = c->conn.number, .connect_ns = fake.now_ns, .requests = load.requests_left};
    stream_fill(&c->stream, 1000, fact->bytes, sizeof(fact->bytes));
    for (uint64_t n = 0; n < TIMES; n++) {
        bool random = plan.arrival == ARRIVAL_POISSON;
        fact->sizes[n] = load_message_size(c, n);
        fact->due_ns[n] = random ? arrival_take(&arrival) : load_due_ns(&load, c->index, n);
    }
}

static int connect_inline(struct io_loop *io, struct io_socket *socket, const struct sockaddr *to,
                          struct io_connect *op)
{
    (void)io;
    (void)to;
    *socket = (struct io_socket){.recv = NULL};
    note(CONTAINER_OF(op, struct load_conn, connect));
    op->status = 0;
    return IO_DONE;
}

static void end_worker(void)
{
    worker_post(&load.worker, WORKER_ABORT);
    while (worker_turn(&load.worker)) {
        for (size_t i = 0; i < load.user_count; i++) {
            if (load.users[i]->conn.closing) {
                fake_close_ends(&fake, load.users[i]->conn.socket);
            }
        }
    }
    worker_close(&load.worker);
    load_free(&load);
    worker_destroy(&load.worker);
    assert_int_equal(fake.wrong, 0);
    fake_destroy(&fake);
}

/* Until all connections of a worker are up. */
static void run_worker(uint64_t index, uint64_t users, uint64_t requests)
{
    const struct fact *all = next + users;
    fake_init(&fake);
    fake.now_ns = plan.began_ns;
    fake.recv_outcome = fake.send_outcome = IO_PENDING;
    memset(&load, 0, sizeof(load));
    load.worker.role = &load_role;
    load.worker.backend = &backend;
    load.worker.io_config = fake_config(&fake);
    load.worker.index = (unsigned)index;
    load.worker.cpu = -1;
    worker_init(&load.worker);
    load_init(&load, &plan, (size_t)users, requests);
    assert_int_equal(worker_open(&load.worker), 0);
    fake.io.backend = &backend;
    worker_post(&load.worker, WORKER_BEGIN);
    while (next < all) {
        assert_true(worker_turn(&load.worker));
    }
    end_worker();
}

/* All workers of a client, as client.c makes them. */
static void run_client(uint64_t threads, uint64_t connections, uint64_t requests)
{
    for (uint64_t i = 0; i < threads; i++) {
        run_worker(i, share_part(connections, threads, i), share_part(requests, threads, i));
    }
}

static int by_number(const void *one, const void *other)
{
    uint64_t a = ((const struct fact *)one)->number;
    uint64_t b = ((const struct fact *)other)->number;
    return (a > b) - (a < b);
}

static void check_connections(void)
{
    for (size_t i = 0; i < CONNECTIONS; i++) {
        const struct fact *one = &facts[0][i];
        const struct fact *other = &facts[1][i];
        assert_int_equal(one->number, other->number);
        assert_int_equal(one->connect_ns, other->connect_ns);
        assert_int_equal(one->requests, other->requests);
        assert_memory_equal(one->bytes, other->bytes, sizeof(one->bytes));
        assert_memory_equal(one->sizes, other->sizes, sizeof(one->sizes));
        assert_memory_equal(one->due_ns, other->due_ns, sizeof(one->due_ns));
    }
}

static void run_both(void)
{
    backend = fake_backend;
    backend.connect = connect_inline;
    plan.workers = RANKS * THREADS;
    plan.connections = CONNECTIONS;
    plan.addresses = &address;
    plan.address_count = 1;
    plan.seed = 7;
    plan.depth = 1;
    plan.crowded = true; /* it sleeps until a message is due: only a sleep moves the clock */
    plan.began_ns = NS_PER_S;
    plan.slice_ns = UINT64_MAX / 4;
    next = facts[0];
    run_client(RANKS * THREADS, CONNECTIONS, REQUESTS);
    next = facts[1];
    for (uint64_t rank = 0; rank < RANKS; rank++) {
        plan.share = (struct share){.rank = rank, .ranks = RANKS};
        run_client(THREADS, share_part(CONNECTIONS, RANKS, rank),
                   share_part(REQUESTS, RANKS, rank));
    }
    qsort(facts[0], CONNECTIONS, sizeof(facts[0][0]), by_number);
    qsort(facts[1], CONNECTIONS, sizeof(facts[1][0]), by_number);
    check_connections();
}

static void an_even_schedule_has_no_gap(void **state)
{
    uint64_t dues = 0;
    (void)state;
    plan = (struct load_plan){.rate = 1000, .size = 100};
    run_both();
    for (size_t i = 0; i < CONNECTIONS; i++) {
        for (uint64_t n = 0; n < TIMES; n++) {
            dues += facts[1][i].due_ns[n] < plan.began_ns + 100 * NS_PER_MS;
        }
    }
    assert_int_equal(dues, 100); /* one in each millisecond */
}

static void a_ramp_is_of_all_clients(void **state)
{
    (void)state;
    plan = (struct load_plan){.rate = 7, .size = 100, .ramp_ns = NS_PER_S};
    run_both();
    for (size_t i = 0; i < CONNECTIONS; i++) {
        uint64_t turn_ns = plan.began_ns + i * NS_PER_S / CONNECTIONS;
        assert_int_equal(facts[1][i].number, i);
        assert_between(facts[1][i].connect_ns, turn_ns, turn_ns + 2 * NS_PER_MS); /* timers tick */
    }
}

static void random_gaps_and_turns_are_of_all_clients(void **state)
{
    char error[SIZES_ERROR_SIZE];
    struct sizes *sizes;
    (void)state;
    assert_int_equal(sizes_parse("1:50%,200:25%,5000:25%", &sizes, error), 0);
    plan = (struct load_plan){
        .rate = 50, .arrival = ARRIVAL_POISSON, .sizes = sizes, .connect_rate = 3.5};
    run_both();
    assert_true(facts[1][CONNECTIONS - 1].connect_ns >= plan.began_ns + 4 * NS_PER_S);
    free(sizes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_even_schedule_has_no_gap),
        cmocka_unit_test(a_ramp_is_of_all_clients),
        cmocka_unit_test(random_gaps_and_turns_are_of_all_clients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
