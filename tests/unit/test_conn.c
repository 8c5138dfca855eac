/* A connection on either side, over a backend that the test controls. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "conn.h"
#include "fake_backend.h"
#include "log.h"
#include "util.h"

#define MS UINT64_C(1000000)
#define KIB ((size_t)1024)

struct user {
    struct conn conn; /* first */
    unsigned recvs;
    unsigned sends;
    unsigned closes;
    unsigned tasks;
    unsigned timeouts;
    bool went_on; /* the last answer of conn_recv_done or conn_send_done */
    unsigned char bytes[5];
};

static struct worker worker;
static struct fake fake;
static struct user *user;
static const uint8_t data[64 * 1024];

/* ---- the role ------------------------------------------------------------------------------- */

static int role_start(struct worker *w)
{
    (void)w;
    return 0;
}

static void role_command(struct worker *w, enum worker_command command)
{
    (void)w;
    (void)command;
}

static bool role_finished(const struct worker *w)
{
    (void)w;
    return false;
}

static void role_stop(struct worker *w)
{
    (void)w;
}

static const struct worker_role role = {
    .start = role_start, .command = role_command, .finished = role_finished, .stop = role_stop};

/* ---- a user --------------------------------------------------------------------------------- */

static void user_on_recv(struct io_recv *op)
{
    struct user *u = (struct user *)(void *)CONTAINER_OF(op, struct conn, recv);
    u->recvs++;
    u->went_on = conn_recv_done(&u->conn);
}

static void user_on_send(struct io_send *op)
{
    struct user *u = (struct user *)(void *)CONTAINER_OF(op, struct conn, send);
    u->sends++;
    u->went_on = conn_send_done(&u->conn);
}

static void user_on_closed(struct io_close *op)
{
    struct user *u = (struct user *)(void *)CONTAINER_OF(op, struct conn, close);
    u->closes++;
    u->conn.closing = false;
}

static void user_on_task(struct worker_task *task)
{
    ((struct user *)(void *)CONTAINER_OF(task, struct conn, task))->tasks++;
}

static void user_on_timer(struct watch *watch)
{
    ((struct user *)(void *)CONTAINER_OF(watch, struct conn, timer))->timeouts++;
}

static struct user *user_new(void)
{
    struct conn *conn = conn_alloc(&worker, sizeof(struct user));
    assert_non_null(conn);
    conn->recv.done = user_on_recv;
    conn->send.done = user_on_send;
    conn->close.done = user_on_closed;
    watch_init(&conn->timer, &worker, user_on_timer);
    worker_task_init(&conn->task, user_on_task);
    return (struct user *)(void *)conn;
}

static int begin(void **state)
{
    (void)state;
    memset(&worker, 0, sizeof(worker));
    fake_init(&fake);
    worker.role = &role;
    worker.backend = &fake_backend;
    worker.io_config = fake_config(&fake);
    worker.cpu = -1;
    worker_init(&worker);
    int status = worker_open(&worker);
    user = user_new();
    return status;
}

static int end(void **state)
{
    (void)state;
    conn_free(&user->conn);
    worker_close(&worker);
    worker_destroy(&worker);
    bool well = fake.wrong == 0 && fake.closes == 1;
    fake_destroy(&fake);
    return well ? 0 : -1;
}

static void turn(void)
{
    assert_true(worker_turn(&worker));
}

/* ---- the slot ------------------------------------------------------------------------------- */

static void slot_is_zero_and_its_socket_lies_behind(void **state)
{
    static const unsigned char zero[sizeof(user->bytes)] = {0};
    struct conn *conn = conn_alloc(&worker, sizeof(struct user));
    (void)state;
    assert_non_null(conn);
    assert_ptr_equal(conn->worker, &worker);
    assert_memory_equal(((struct user *)(void *)conn)->bytes, zero, sizeof(zero));
    assert_false(conn->recv_pending || conn->send_pending || conn->closing);
    assert_true((char *)conn->socket >= (char *)conn + sizeof(struct user));
    assert_null(conn->socket->recv);
    assert_null(conn->socket->close);
    conn_free(conn);
}

static void sockets_are_aligned_whatever_the_size(void **state)
{
    (void)state;
    for (size_t size = sizeof(struct conn); size < sizeof(struct conn) + 40; size++) {
        struct conn *conn = conn_alloc(&worker, size);
        assert_non_null(conn);
        assert_int_equal((uintptr_t)conn->socket % sizeof(void *), 0);
        assert_int_equal(((uintptr_t)conn->socket - (uintptr_t)conn) % 16, 0);
        assert_true((char *)conn->socket >= (char *)conn + size);
        memset(conn->socket, 'x', fake_backend.socket_size);
        conn_free(conn);
    }
}

/* ---- the list ------------------------------------------------------------------------------- */

/* Asserts that the list holds exactly these, from the first on. */
static void check_list(const struct conn *list, const char *expected, const struct conn *conns)
{
    for (; *expected != '\0'; expected++) {
        assert_ptr_equal(list, &conns[*expected - 'a']);
        list = list->next;
    }
    assert_null(list);
}

static void list_has_the_newest_first(void **state)
{
    struct conn conns[3] = {{.next = NULL}};
    struct conn *list = NULL;
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        conn_list_add(&list, &conns[i]);
    }
    check_list(list, "cba", conns);
}

static void any_may_leave_the_list(void **state)
{
    static const char *const left[] = {"cb", "ca", "ba"};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        for (size_t j = 0; j < 3; j++) {
            struct conn conns[3] = {{.next = NULL}};
            struct conn *list = NULL;
            conn_list_add(&list, &conns[0]);
            conn_list_add(&list, &conns[1]);
            conn_list_add(&list, &conns[2]);
            conn_list_remove(&conns[i]);
            assert_null(conns[i].link);
            check_list(list, left[i], conns);
            if (j != i) {
                conn_list_remove(&conns[j]);
                check_list(list, (const char *[]){"a", "b", "c"}[3 - i - j], conns);
            }
        }
    }
}

static void all_may_leave_and_come_again(void **state)
{
    struct conn conns[2] = {{.next = NULL}};
    struct conn *list = NULL;
    struct conn *other = NULL;
    (void)state;
    conn_list_add(&list, &conns[0]);
    conn_list_add(&list, &conns[1]);
    conn_list_remove(&conns[0]);
    conn_list_remove(&conns[1]);
    assert_null(list);
    conn_list_add(&other, &conns[0]);
    conn_list_add(&other, &conns[1]);
    check_list(other, "ba", conns);
}

/* ---- what is outstanding -------------------------------------------------------------------- */

static void recv_is_pending_until_its_callback(void **state)
{
    (void)state;
    fake.recv_outcome = IO_PENDING;
    assert_int_equal(conn_recv(&user->conn), IO_PENDING);
    assert_true(user->conn.recv_pending);
    fake_recv_ends(&fake, user->conn.socket, 0, 10);
    assert_false(user->conn.recv_pending);
    assert_true(user->went_on);
    assert_int_equal(fake.io.pool.in_use, 1); /* the side's, until it releases it */
    conn_release(&user->conn, user->conn.recv.data);
    assert_int_equal(fake.io.pool.in_use, 0);
}

static void send_is_pending_until_its_callback(void **state)
{
    (void)state;
    fake.send_outcome = IO_PENDING;
    assert_int_equal(conn_send(&user->conn, data, 100), IO_PENDING);
    assert_true(user->conn.send_pending);
    assert_ptr_equal(user->conn.send.data, data);
    assert_int_equal(user->conn.send.length, 100);
    fake_send_ends(user->conn.socket, 0, 100);
    assert_false(user->conn.send_pending);
    assert_true(user->went_on);
}

static void outcome_at_once_leaves_nothing_pending(void **state)
{
    (void)state;
    fake.recv_length = 10;
    assert_int_equal(conn_recv(&user->conn), IO_DONE);
    assert_false(user->conn.recv_pending);
    assert_int_equal(conn_send(&user->conn, user->conn.recv.data, 10), IO_DONE);
    assert_false(user->conn.send_pending);
    assert_int_equal(user->recvs + user->sends, 0);
    conn_release(&user->conn, user->conn.recv.data);
}

static void refused_submit_leaves_nothing_pending(void **state)
{
    (void)state;
    fake.recv_outcome = UV_ENOMEM;
    fake.send_outcome = UV_EPIPE;
    assert_int_equal(conn_recv(&user->conn), UV_ENOMEM);
    assert_int_equal(conn_send(&user->conn, data, 1), UV_EPIPE);
    assert_false(user->conn.recv_pending);
    assert_false(user->conn.send_pending);
}

static void recv_and_send_may_both_be_pending(void **state)
{
    (void)state;
    fake.recv_outcome = IO_PENDING;
    fake.send_outcome = IO_PENDING;
    assert_int_equal(conn_recv(&user->conn), IO_PENDING);
    assert_int_equal(conn_send(&user->conn, data, 1), IO_PENDING);
    fake_recv_ends(&fake, user->conn.socket, UV_ECONNRESET, 0);
    assert_true(user->conn.send_pending);
    assert_false(user->conn.recv_pending);
    fake_send_ends(user->conn.socket, UV_ECONNRESET, 0);
    assert_false(user->conn.send_pending);
}

/* ---- the share ------------------------------------------------------------------------------ */

/* How often it may send this many bytes at once before its share is used up; at most `most`. */
static unsigned sends_in_share(size_t length, unsigned most)
{
    unsigned sends = 0;
    while (sends < most && conn_has_share(&user->conn)) {
        assert_int_equal(conn_send(&user->conn, data, length), IO_DONE);
        sends++;
    }
    return sends;
}

static void share_is_32_outcomes(void **state)
{
    (void)state;
    turn();
    assert_int_equal(sends_in_share(1, 1000), 32);
    turn();
}

static void share_is_512_kib(void **state)
{
    (void)state;
    turn();
    assert_int_equal(sends_in_share(64 * KIB, 1000), 8);
    turn();
    assert_int_equal(sends_in_share(64 * KIB - 1, 1000), 9); /* it may go beyond it once */
    turn();
}

static void share_is_of_both_directions(void **state)
{
    (void)state;
    turn();
    fake.recv_length = 1;
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(conn_recv(&user->conn), IO_DONE);
        conn_release(&user->conn, user->conn.recv.data);
    }
    assert_int_equal(sends_in_share(1, 1000), 22);
    turn();
}

static void received_bytes_count(void **state)
{
    (void)state;
    turn();
    fake.recv_length = 32 * KIB;
    for (unsigned i = 0; i < 15; i++) {
        assert_true(conn_has_share(&user->conn));
        assert_int_equal(conn_recv(&user->conn), IO_DONE);
        conn_release(&user->conn, user->conn.recv.data);
    }
    assert_int_equal(sends_in_share(32 * KIB, 1000), 1);
    turn();
}

static void callbacks_count(void **state)
{
    (void)state;
    turn();
    fake.recv_outcome = IO_PENDING;
    assert_int_equal(conn_recv(&user->conn), IO_PENDING);
    assert_true(conn_has_share(&user->conn));
    fake_recv_ends(&fake, user->conn.socket, 0, 1);
    fake.send_outcome = IO_PENDING;
    assert_int_equal(conn_send(&user->conn, user->conn.recv.data, 1), IO_PENDING);
    fake_send_ends(user->conn.socket, 0, 1);
    conn_release(&user->conn, user->conn.recv.data);
    fake.send_outcome = IO_DONE;
    assert_int_equal(sends_in_share(1, 1000), 30);
    turn();
}

static void refused_submits_do_not_count(void **state)
{
    (void)state;
    turn();
    fake.recv_outcome = UV_ENOMEM;
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(conn_recv(&user->conn), UV_ENOMEM);
        assert_true(conn_has_share(&user->conn));
    }
}

static void share_used_up_leads_to_the_queue(void **state)
{
    (void)state;
    turn();
    assert_int_equal(sends_in_share(1, 1000), 32);
    assert_false(conn_has_share(&user->conn));
    assert_false(conn_has_share(&user->conn));
    assert_int_equal(user->tasks, 0);
    turn();
    assert_int_equal(user->tasks, 1);
    turn();
    assert_int_equal(user->tasks, 1);
}

static void share_that_is_left_does_not(void **state)
{
    (void)state;
    turn();
    assert_int_equal(sends_in_share(1, 31), 31);
    assert_true(conn_has_share(&user->conn));
    turn();
    assert_int_equal(user->tasks, 0);
}

static void next_turn_has_a_new_share(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        turn();
        assert_int_equal(sends_in_share(1, 20), 20);
    }
    turn();
    assert_int_equal(sends_in_share(1, 1000), 32);
    turn();
    assert_int_equal(sends_in_share(1, 1000), 32);
    turn();
}

static void shares_are_each_connections_own(void **state)
{
    struct user *other = user_new();
    (void)state;
    turn();
    assert_int_equal(sends_in_share(1, 1000), 32);
    assert_true(conn_has_share(&other->conn));
    conn_free(&other->conn);
    turn();
}

/* ---- the end -------------------------------------------------------------------------------- */

static void close_says_how(void **state)
{
    (void)state;
    conn_close(&user->conn, IO_CLOSE_RESET);
    assert_true(user->conn.closing);
    assert_int_equal(user->conn.socket->how, IO_CLOSE_RESET);
    fake_close_ends(&fake, user->conn.socket);
    assert_int_equal(user->closes, 1);
    conn_close(&user->conn, IO_CLOSE_GRACEFUL);
    assert_int_equal(user->conn.socket->how, IO_CLOSE_GRACEFUL);
    fake_close_ends(&fake, user->conn.socket);
}

static void what_is_outstanding_ends_before_the_close(void **state)
{
    (void)state;
    fake.recv_outcome = IO_PENDING;
    fake.send_outcome = IO_PENDING;
    assert_int_equal(conn_recv(&user->conn), IO_PENDING);
    assert_int_equal(conn_send(&user->conn, data, 1), IO_PENDING);
    user->went_on = true;
    conn_close(&user->conn, IO_CLOSE_GRACEFUL);
    assert_true(user->conn.recv_pending && user->conn.send_pending);
    fake_close_ends(&fake, user->conn.socket);
    assert_false(user->went_on);
    assert_false(user->conn.recv_pending || user->conn.send_pending);
    assert_int_equal(user->recvs, 1);
    assert_int_equal(user->sends, 1);
    assert_int_equal(user->closes, 1);
}

static void recv_that_ends_while_closing(int status, size_t length)
{
    fake.recv_outcome = IO_PENDING;
    assert_int_equal(conn_recv(&user->conn), IO_PENDING);
    conn_close(&user->conn, IO_CLOSE_GRACEFUL);
    user->went_on = true;
    fake_recv_ends(&fake, user->conn.socket, status, length);
    assert_false(user->went_on);
    assert_int_equal(fake.io.pool.in_use, 0);
    fake_close_ends(&fake, user->conn.socket);
}

static void what_is_received_while_closing_is_released(void **state)
{
    (void)state;
    recv_that_ends_while_closing(0, 10);
    assert_int_equal(fake.io.pool.in_use_peak, 1);
}

static void end_of_stream_while_closing_has_no_buffer(void **state)
{
    (void)state;
    recv_that_ends_while_closing(0, 0);
}

static void error_while_closing_has_no_buffer(void **state)
{
    (void)state;
    recv_that_ends_while_closing(UV_ECONNRESET, 0);
}

static void send_that_succeeds_while_closing_does_not_go_on(void **state)
{
    (void)state;
    fake.send_outcome = IO_PENDING;
    assert_int_equal(conn_send(&user->conn, data, 10), IO_PENDING);
    conn_close(&user->conn, IO_CLOSE_GRACEFUL);
    user->went_on = true;
    fake_send_ends(user->conn.socket, 0, 10);
    assert_false(user->went_on);
    assert_int_equal(user->conn.send.sent, 10);
    fake_close_ends(&fake, user->conn.socket);
}

static void close_gives_up_the_place_in_the_queue(void **state)
{
    (void)state;
    turn();
    assert_int_equal(sends_in_share(1, 1000), 32); /* and is queued */
    conn_close(&user->conn, IO_CLOSE_GRACEFUL);
    turn();
    turn();
    assert_int_equal(user->tasks, 0);
    fake_close_ends(&fake, user->conn.socket);
}

static void close_stops_the_timer(void **state)
{
    (void)state;
    conn_set_timer(&user->conn, fake.now_ns + 5 * MS);
    conn_close(&user->conn, IO_CLOSE_GRACEFUL);
    assert_false(watch_active(&user->conn.timer));
    fake.now_ns += 10 * MS;
    turn();
    assert_int_equal(user->timeouts, 0);
    fake_close_ends(&fake, user->conn.socket);
}

static void timer_set_again_is_moved(void **state)
{
    (void)state;
    conn_set_timer(&user->conn, fake.now_ns + 5 * MS);
    conn_set_timer(&user->conn, fake.now_ns + 50 * MS);
    fake.now_ns += 10 * MS;
    turn();
    assert_int_equal(user->timeouts, 0);
    for (int i = 0; i < 5; i++) { /* one step would look like a stopped process */
        fake.now_ns += 10 * MS;
        turn();
    }
    assert_int_equal(user->timeouts, 1);
    assert_false(watch_active(&user->conn.timer));
}

/* ---- trace ---------------------------------------------------------------------------------- */

static void a_trace_names_operation_outcome_and_next_step(void **state)
{
    char text[256];
    FILE *file = tmpfile();
    (void)state;
    assert_non_null(file);
    log_redirect(file);
    user->conn.number = 3;
    conn_trace(&user->conn, "silent", "without -v");
    user->conn.trace = true;
    conn_trace_bytes(&user->conn, "recv", 64, true, "send follows");
    conn_trace_bytes(&user->conn, "send", 7, false, "recv follows");
    conn_trace(&user->conn, "end of stream", "close follows");
    log_redirect(NULL);
    rewind(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    (void)fclose(file);
    assert_string_equal(text, "worker 0 conn 3: recv 64 bytes, queued; send follows\n"
                              "worker 0 conn 3: send 7 bytes, inline; recv follows\n"
                              "worker 0 conn 3: end of stream; close follows\n");
}

#define CONN(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONN(slot_is_zero_and_its_socket_lies_behind),
        CONN(sockets_are_aligned_whatever_the_size),
        cmocka_unit_test(list_has_the_newest_first),
        cmocka_unit_test(any_may_leave_the_list),
        cmocka_unit_test(all_may_leave_and_come_again),
        CONN(recv_is_pending_until_its_callback),
        CONN(send_is_pending_until_its_callback),
        CONN(outcome_at_once_leaves_nothing_pending),
        CONN(refused_submit_leaves_nothing_pending),
        CONN(recv_and_send_may_both_be_pending),
        CONN(share_is_32_outcomes),
        CONN(share_is_512_kib),
        CONN(share_is_of_both_directions),
        CONN(received_bytes_count),
        CONN(callbacks_count),
        CONN(refused_submits_do_not_count),
        CONN(share_used_up_leads_to_the_queue),
        CONN(share_that_is_left_does_not),
        CONN(next_turn_has_a_new_share),
        CONN(shares_are_each_connections_own),
        CONN(close_says_how),
        CONN(what_is_outstanding_ends_before_the_close),
        CONN(what_is_received_while_closing_is_released),
        CONN(end_of_stream_while_closing_has_no_buffer),
        CONN(error_while_closing_has_no_buffer),
        CONN(send_that_succeeds_while_closing_does_not_go_on),
        CONN(close_gives_up_the_place_in_the_queue),
        CONN(close_stops_the_timer),
        CONN(timer_set_again_is_moved),
        CONN(a_trace_names_operation_outcome_and_next_step),
    };
    log_setup("test_conn", false);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
