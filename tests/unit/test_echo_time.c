/* When the server drops a connection, and why: over a backend that the test controls, in virtual
 * time. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "echo_internal.h"
#include "fake_backend.h"
#include "log.h"
#include "progress.h"
#include "range.h"

#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)
#define START (1000 * SECOND) /* of the clock */
#define IDLE (8 * SECOND)
#define STALL (4 * SECOND)
#define DRAIN (20 * SECOND)

/* A look comes each quarter of a limit; and timers have ticks. */
#define LATE(limit) ((limit) / 4 + 2 * MS)

static struct fake fake;
static struct echo echo;
static struct echo_config config;
static struct admission admission;
static struct handover handover;

/* ---- the rig -------------------------------------------------------------------------------- */

static int begin(void **state)
{
    (void)state;
    memset(&echo, 0, sizeof(echo));
    fake_init(&fake);
    fake.now_ns = START;
    fake.recv_outcome = fake.send_outcome = IO_PENDING;
    admission_init(&admission, 100);
    config = (struct echo_config){.admission = &admission,
                                  .handover = &handover,
                                  .idle_timeout_ns = IDLE,
                                  .drain_timeout_ns = DRAIN,
                                  .stall_timeout_ns = STALL,
                                  .accept_depth = 1};
    echo.worker.role = &echo_role;
    echo.worker.backend = &fake_backend;
    echo.worker.io_config = fake_config(&fake);
    echo.worker.cpu = -1;
    worker_init(&echo.worker);
    echo_init(&echo, &config, NULL, 0);
    log_redirect(NULL);
    return handover_init(&handover, 1, 1) != 0 ? -1 : worker_open(&echo.worker);
}

static struct io_socket *socket_of(const struct conn *conn)
{
    return conn->socket;
}

static bool is_closed(const struct conn *conn)
{
    return socket_of(conn)->close != NULL;
}

static void end_all(void)
{
    while (echo.current->conns != NULL) {
        struct conn *conn = echo.current->conns;
        if (!is_closed(conn)) {
            conn_close(conn, IO_CLOSE_RESET);
        }
        fake_close_ends(&fake, conn->socket);
    }
}

static int end(void **state)
{
    (void)state;
    log_redirect(stderr);
    end_all();
    worker_close(&echo.worker);
    free(echo_take_ended(&echo));
    worker_destroy(&echo.worker);
    handover_destroy(&handover);
    admission_destroy(&admission);
    unsigned wrong = fake.wrong;
    fake_destroy(&fake);
    return wrong == 0 ? 0 : -1;
}

static struct conn *accepted(void)
{
    struct io_token token = {.first = NULL};
    echo_admit(&echo, &token, "by the test");
    return echo.current->conns;
}

/* A message comes; its echo is submitted, and pending. */
static void message(const struct conn *conn, size_t length)
{
    fake_recv_ends(&fake, conn->socket, 0, length);
    socket_of(conn)->untaken += length;
    assert_non_null(socket_of(conn)->send);
}

/* All of the echo is in the system's queue. */
static void send_completes(const struct conn *conn)
{
    fake_send_ends(conn->socket, 0, socket_of(conn)->send->length);
}

static const struct server_counters *counters(void)
{
    return &echo.current->stats.counters;
}

/* The worker has slept. Since `begin_ns` and `polls` it had only the turns that its looks take,
 * each with the poll that precedes a verdict. */
static void assert_calm(uint64_t begin_ns, unsigned polls)
{
    uint64_t looks = (fake.now_ns - begin_ns) / (ECHO_QUIET_NS / PROGRESS_LOOKS) + 5;
    assert_true(fake.polls - polls <= 3 * looks);
}

/* Lets time pass, turn by turn. A poll takes as long as its deadline lets it, but not longer. */
static void pass(uint64_t span_ns)
{
    uint64_t begin_ns = fake.now_ns;
    uint64_t until_ns = begin_ns + span_ns;
    unsigned polls = fake.polls;
    while (fake.now_ns < until_ns) {
        assert_true(worker_turn(&echo.worker));
        assert_calm(begin_ns, polls);
        if (fake.deadline_ns == UINT64_MAX) {
            fake.now_ns = until_ns;
        }
    }
}

/* The time until it is closed, at most `limit_ns`. */
static uint64_t closes_within(const struct conn *conn, uint64_t limit_ns)
{
    uint64_t begin_ns = fake.now_ns;
    unsigned polls = fake.polls;
    while (!is_closed(conn) && fake.now_ns < begin_ns + limit_ns) {
        assert_true(worker_turn(&echo.worker));
        assert_int_not_equal(fake.deadline_ns, UINT64_MAX);
        assert_calm(begin_ns, polls);
    }
    assert_true(is_closed(conn));
    return fake.now_ns - begin_ns;
}

/* ---- idle ----------------------------------------------------------------------------------- */

static void silent_peer_is_closed_at_the_limit(void **state)
{
    (void)state;
    struct conn *conn = accepted();
    assert_between(closes_within(conn, 2 * IDLE), IDLE, IDLE + 2 * MS);
    assert_int_equal(socket_of(conn)->how, IO_CLOSE_GRACEFUL);
    assert_int_equal(counters()->idle, 1);
}

static void peer_that_took_its_echo_is_closed_a_look_later_at_the_most(void **state)
{
    (void)state;
    struct conn *conn = accepted();
    pass(SECOND);
    message(conn, 100);
    send_completes(conn);
    socket_of(conn)->untaken = 0;
    assert_between(closes_within(conn, 2 * IDLE), IDLE, IDLE + LATE(IDLE));
    assert_int_equal(socket_of(conn)->how, IO_CLOSE_GRACEFUL);
}

static void takes_steadily(struct conn *conn)
{
    for (uint64_t taken = 0; taken < 5 * IDLE; taken += IDLE / 2) {
        pass(IDLE / 2);
        assert_false(is_closed(conn));
        socket_of(conn)->untaken -= 100;
    }
}

static void peer_that_takes_a_pending_send_slowly_is_not_idle(void **state)
{
    (void)state;
    struct conn *conn = accepted();
    message(conn, 20000);
    takes_steadily(conn);
    assert_between(closes_within(conn, 2 * IDLE), IDLE - 2 * MS, IDLE + LATE(IDLE));
    assert_int_equal(socket_of(conn)->how, IO_CLOSE_RESET); /* bytes would be missing */
    assert_int_equal(counters()->idle, 1);
}

static void what_leaves_the_queue_after_the_send_is_progress(void **state)
{
    (void)state;
    struct conn *conn = accepted();
    message(conn, 20000);
    send_completes(conn);
    takes_steadily(conn);
    assert_between(closes_within(conn, 2 * IDLE), IDLE - 2 * MS, IDLE + LATE(IDLE));
}

static void where_the_system_does_not_tell_completions_count(void **state)
{
    (void)state;
    struct conn *conn = accepted();
    fake.untaken_status = UV_ENOTSUP;
    message(conn, 20000);
    socket_of(conn)->untaken -= 100;
    assert_between(closes_within(conn, 2 * IDLE), IDLE, IDLE + 2 * MS);
}

static void receive_that_waits_for_a_buffer_is_not_idle(void **state)
{
    (void)state;
    struct conn *conn = accepted();
    conn->recv.waiting = true;
    pass(5 * IDLE);
    assert_false(is_closed(conn));
    conn->recv.waiting = false;
    (void)closes_within(conn, 2 * IDLE);
}

static uint64_t stopped_ns;

static void is_stopped(struct fake *f)
{
    f->now_ns += stopped_ns;
    stopped_ns = 0;
}

static void time_in_which_the_server_was_stopped_is_not_the_peers(void **state)
{
    (void)state;
    struct conn *conn = accepted();
    fake.on_poll = is_stopped;
    stopped_ns = 100 * IDLE;
    assert_true(worker_turn(&echo.worker));
    assert_false(is_closed(conn));
    assert_between(closes_within(conn, 2 * IDLE), IDLE / 2, IDLE + 2 * MS);
}

/* ---- drain ---------------------------------------------------------------------------------- */

static void drain(void)
{
    worker_post(&echo.worker, WORKER_DRAIN);
    assert_true(worker_turn(&echo.worker));
}

static void quiet_connection_is_ended_soon(void **state)
{
    (void)state;
    struct conn *conn = accepted();
    pass(SECOND);
    drain();
    pass(ECHO_QUIET_NS + LATE(ECHO_QUIET_NS));
    assert_true(socket_of(conn)->shut);
}

static void slow_reader_is_not_quiet(void **state)
{
    (void)state;
    struct conn *conn = accepted();
    message(conn, 20000);
    send_completes(conn);
    drain();
    for (unsigned i = 0; i < 20; i++) {
        pass(ECHO_QUIET_NS / 2);
        assert_false(socket_of(conn)->shut);
        socket_of(conn)->untaken -= 100;
    }
    pass(ECHO_QUIET_NS + LATE(ECHO_QUIET_NS));
    assert_true(socket_of(conn)->shut);
}

static void receive_that_waits_for_a_buffer_is_not_quiet(void **state)
{
    (void)state;
    struct conn *conn = accepted();
    conn->recv.waiting = true;
    drain();
    uint64_t begin_ns = fake.now_ns;
    unsigned polls = fake.polls;
    while (!socket_of(conn)->shut && fake.now_ns < begin_ns + DRAIN) {
        assert_true(worker_turn(&echo.worker));
        assert_calm(begin_ns, polls);
    }
    assert_between(fake.now_ns - begin_ns, DRAIN / 2, DRAIN / 2 + 5 * MS); /* half is all it gets */
}

/* The server looks again after a quiet time, and not before. */
static void drain_sleeps_between_looks_at_a_pending_send(void **state)
{
    (void)state;
    struct conn *conn = accepted();
    message(conn, 20000);
    drain();
    unsigned polls = fake.polls;
    pass(DRAIN / 4);
    assert_false(socket_of(conn)->shut);
    assert_false(is_closed(conn));
    assert_between(fake.polls - polls, DRAIN / 4 / ECHO_QUIET_NS, 4 * (DRAIN / 4 / ECHO_QUIET_NS));
    assert_between(closes_within(conn, DRAIN), DRAIN - DRAIN / 4 - SECOND, DRAIN);
}

/* There is nothing to look for until the deadline of the drain. */
static void connection_that_was_ended_is_left_alone(void **state)
{
    (void)state;
    struct conn *conn = accepted();
    uint64_t begin_ns = fake.now_ns;
    drain();
    pass(ECHO_QUIET_NS + 2 * MS);
    assert_true(socket_of(conn)->shut);
    unsigned polls = fake.polls;
    (void)closes_within(conn, DRAIN);
    assert_between(fake.now_ns - begin_ns, DRAIN, DRAIN + 5 * MS);
    assert_true(fake.polls - polls < 20);
    assert_int_equal(socket_of(conn)->how, IO_CLOSE_RESET);
    assert_int_equal(counters()->cut, 1);
}

static void drains_deadline_does_not_move(void **state)
{
    (void)state;
    struct conn *conn = accepted();
    message(conn, 20000);
    drain();
    fake.on_poll = is_stopped;
    stopped_ns = DRAIN;
    (void)closes_within(conn, DRAIN + SECOND);
    assert_true(fake.now_ns < START + DRAIN + 2 * SECOND);
    assert_int_equal(counters()->cut, 1);
}

/* ---- stall ---------------------------------------------------------------------------------- */

static void others_wait(struct conn *conn)
{
    conn->recv.waiting = true;
    fake.io.waiting++;
}

/* The connection gets its buffer. */
static void waits_no_longer(struct conn *conn, size_t length)
{
    conn->recv.waiting = false;
    fake.io.waiting--;
    message(conn, length);
}

static void stuck_peer_is_reset_while_others_wait(void **state)
{
    (void)state;
    struct conn *stuck = accepted();
    message(stuck, 20000);
    others_wait(accepted());
    assert_between(closes_within(stuck, 2 * STALL), STALL, STALL + LATE(STALL));
    assert_int_equal(socket_of(stuck)->how, IO_CLOSE_RESET);
    assert_int_equal(counters()->stalled, 1);
}

static void none_is_reset_while_none_waits(void **state)
{
    (void)state;
    config.idle_timeout_ns = 0;
    struct conn *stuck = accepted();
    message(stuck, 20000);
    pass(100 * STALL);
    assert_false(is_closed(stuck));
    assert_true(fake.deadline_ns == UINT64_MAX); /* it does not even look */
}

static void without_the_option_none_is_reset(void **state)
{
    (void)state;
    config.idle_timeout_ns = config.stall_timeout_ns = 0;
    struct conn *stuck = accepted();
    message(stuck, 20000);
    others_wait(accepted());
    pass(100 * STALL);
    assert_false(is_closed(stuck));
    assert_true(fake.deadline_ns == UINT64_MAX);
}

static void slow_reader_is_served_while_others_wait(void **state)
{
    (void)state;
    struct conn *slow = accepted();
    message(slow, 20000);
    others_wait(accepted());
    for (unsigned i = 0; i < 10; i++) {
        pass(STALL / 2);
        assert_false(is_closed(slow));
        socket_of(slow)->untaken -= 100;
    }
    assert_between(closes_within(slow, 2 * STALL), STALL - 2 * MS, STALL + LATE(STALL));
}

/* The time counts from the last byte taken, not from when they got the buffer. */
static void next_wave_of_stuck_peers_falls_at_once(void **state)
{
    struct conn *waves[4];
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        waves[i] = accepted();
        message(waves[i], 20000);
        if (i > 0) {
            send_completes(waves[i]); /* what it does not read is in the system's queue */
            others_wait(waves[i]);
        }
    }
    others_wait(accepted());
    (void)closes_within(waves[0], 2 * STALL);
    for (size_t i = 1; i < 4; i++) {
        waits_no_longer(waves[i], 20000);
        assert_between(closes_within(waves[i], STALL), 0, 15 * MS);
    }
    assert_int_equal(counters()->stalled, 4);
}

/* The peer was silent for a long time, but there was nothing to take. */
static void peer_that_had_taken_all_is_not_stalled_at_once(void **state)
{
    (void)state;
    config.idle_timeout_ns = 0;
    struct conn *conn = accepted();
    message(conn, 20000);
    send_completes(conn);
    others_wait(accepted());
    pass(STALL / 2);
    socket_of(conn)->untaken = 0;
    pass(10 * STALL);
    message(conn, 20000);
    assert_between(closes_within(conn, 2 * STALL), STALL, STALL + LATE(STALL) + STALL / 4);
}

static void where_the_system_does_not_tell_a_pending_send_counts(void **state)
{
    (void)state;
    fake.untaken_status = UV_ENOTSUP;
    struct conn *stuck = accepted();
    message(stuck, 20000);
    others_wait(accepted());
    assert_between(closes_within(stuck, 2 * STALL), STALL, STALL + LATE(STALL));
}

/* Its own operation reports that it is lost. */
static void lost_connection_is_not_stalled(void **state)
{
    (void)state;
    config.idle_timeout_ns = 0;
    fake.untaken_status = UV_ECONNRESET;
    struct conn *lost = accepted();
    message(lost, 20000);
    others_wait(accepted());
    pass(2 * STALL);
    assert_false(is_closed(lost));
}

static void resets_are_reported_once_a_second(void **state)
{
    char text[1024] = "";
    FILE *file = tmpfile();
    (void)state;
    assert_non_null(file);
    for (size_t i = 0; i < 20; i++) {
        message(accepted(), 20000);
    }
    struct conn *waiting = accepted();
    others_wait(waiting);
    log_redirect(file);
    pass(STALL + LATE(STALL));
    log_redirect(NULL);
    assert_int_equal(counters()->stalled, 20);
    rewind(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    (void)fclose(file);
    assert_non_null(strstr(text, "--stall-timeout"));
    assert_ptr_equal(strchr(text, '\n'), strrchr(text, '\n'));
}

/* ---- the report so far ---------------------------------------------------------------------- */

/* Both are taken in one turn, and the main thread takes what ended before it takes the report. */
static void a_report_after_a_restart_is_of_the_new_generation(void **state)
{
    (void)state;
    worker_post(&echo.worker, WORKER_RESTART);
    worker_post(&echo.worker, WORKER_REPORT);
    assert_true(worker_turn(&echo.worker));
    struct echo_generation *ended = echo_take_ended(&echo);
    assert_non_null(ended);
    assert_int_equal(ended->number, 1);
    free(ended);
    assert_true(worker_has_report(&echo.worker));
    struct echo_generation *so_far = echo_take_so_far(&echo);
    assert_non_null(so_far);
    assert_int_equal(so_far->number, 2);
    assert_null(so_far->next);
    free(so_far);
}

#define TIME(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    log_setup("test_echo_time", false);
    const struct CMUnitTest tests[] = {
        TIME(silent_peer_is_closed_at_the_limit),
        TIME(peer_that_took_its_echo_is_closed_a_look_later_at_the_most),
        TIME(peer_that_takes_a_pending_send_slowly_is_not_idle),
        TIME(what_leaves_the_queue_after_the_send_is_progress),
        TIME(where_the_system_does_not_tell_completions_count),
        TIME(receive_that_waits_for_a_buffer_is_not_idle),
        TIME(time_in_which_the_server_was_stopped_is_not_the_peers),
        TIME(quiet_connection_is_ended_soon),
        TIME(slow_reader_is_not_quiet),
        TIME(receive_that_waits_for_a_buffer_is_not_quiet),
        TIME(drain_sleeps_between_looks_at_a_pending_send),
        TIME(connection_that_was_ended_is_left_alone),
        TIME(drains_deadline_does_not_move),
        TIME(stuck_peer_is_reset_while_others_wait),
        TIME(none_is_reset_while_none_waits),
        TIME(without_the_option_none_is_reset),
        TIME(slow_reader_is_served_while_others_wait),
        TIME(next_wave_of_stuck_peers_falls_at_once),
        TIME(peer_that_had_taken_all_is_not_stalled_at_once),
        TIME(where_the_system_does_not_tell_a_pending_send_counts),
        TIME(lost_connection_is_not_stalled),
        TIME(resets_are_reported_once_a_second),
        TIME(a_report_after_a_restart_is_of_the_new_generation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
