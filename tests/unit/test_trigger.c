/*
 * --signal within one process, which sends to itself. The end-to-end tests send from one process to
 * another.
 */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "control.h"
#include "patience.h"
#include "range.h"
#include "sys.h"
#include "trigger.h"

#ifndef _WIN32
#include <sys/wait.h>
#include <unistd.h>
#endif

struct trigger_rig {
    struct control control; /* first */
    unsigned restarts;
    bool late;
};

static void trigger_rig_on_restart(struct control *control)
{
    struct trigger_rig *rig = (struct trigger_rig *)(void *)control;
    rig->restarts++;
}

static const struct control_events trigger_rig_events = {.restart = trigger_rig_on_restart};
static const struct control_events stop_events = {.not_begun = "the test has no workers"};

static void trigger_rig_open(struct trigger_rig *rig, const struct control_events *events)
{
    *rig = (struct trigger_rig){.late = false};
    assert_int_equal(control_open(&rig->control, events), 0);
}

static void trigger_rig_send(enum sys_meaning meaning)
{
    assert_int_equal(trigger_send(uv_os_getpid(), meaning), 0);
}

static void trigger_rig_on_late(uv_timer_t *timer)
{
    struct trigger_rig *rig = timer->data;
    rig->late = true;
}

/* Runs the loop until this many stops and restarts have arrived, and a report if `reporting`. */
static void trigger_rig_await(struct trigger_rig *rig, unsigned stops, unsigned restarts,
                              bool reporting)
{
    uv_timer_t timer;
    assert_int_equal(uv_timer_init(&rig->control.loop, &timer), 0);
    timer.data = rig;
    assert_int_equal(uv_timer_start(&timer, trigger_rig_on_late, PATIENCE_MS, 0), 0);
    while (!rig->late && (rig->control.stops < stops || rig->restarts < restarts ||
                          rig->control.reporting != reporting)) {
        (void)uv_run(&rig->control.loop, UV_RUN_ONCE);
    }
    uv_close((uv_handle_t *)(void *)&timer, NULL);
    (void)uv_run(&rig->control.loop, UV_RUN_NOWAIT);
    assert_int_equal(rig->control.stops, stops);
    assert_int_equal(rig->restarts, restarts);
    assert_int_equal(rig->control.reporting, reporting);
}

static void trigger_rig_expect(struct trigger_rig *rig, unsigned stops, unsigned restarts)
{
    trigger_rig_await(rig, stops, restarts, false);
}

static void a_stop_stops(void **state)
{
    struct trigger_rig rig;
    (void)state;
    trigger_rig_open(&rig, &trigger_rig_events);
    trigger_rig_send(SYS_STOP);
    trigger_rig_expect(&rig, 1, 0);
    control_close(&rig.control);
}

static void a_restart_restarts(void **state)
{
    struct trigger_rig rig;
    (void)state;
    trigger_rig_open(&rig, &trigger_rig_events);
    trigger_rig_send(SYS_RESTART);
    trigger_rig_expect(&rig, 0, 1);
    trigger_rig_send(SYS_RESTART);
    trigger_rig_expect(&rig, 0, 2);
    control_close(&rig.control);
}

static void a_restart_stops_what_cannot_restart(void **state)
{
    struct trigger_rig rig;
    (void)state;
    trigger_rig_open(&rig, &stop_events);
    trigger_rig_send(SYS_RESTART);
    trigger_rig_expect(&rig, 1, 0);
    control_close(&rig.control);
}

/* A closing terminal may send its signal twice. Only an explicit second stop ends at once. */
static void a_second_restart_ends_nothing_at_once(void **state)
{
    struct trigger_rig rig;
    (void)state;
    trigger_rig_open(&rig, &stop_events);
    trigger_rig_send(SYS_RESTART);
    trigger_rig_expect(&rig, 1, 0);
    trigger_rig_send(SYS_RESTART);
    trigger_rig_send(SYS_REPORT); /* only prints a message: there is nothing to report */
    trigger_rig_expect(&rig, 1, 0);
    trigger_rig_send(SYS_STOP);
    trigger_rig_expect(&rig, 2, 0);
    control_close(&rig.control);
}

static void a_report_reports(void **state)
{
    struct trigger_rig rig;
    (void)state;
    trigger_rig_open(&rig, &trigger_rig_events);
    rig.control.begun = true;
    trigger_rig_send(SYS_REPORT);
    trigger_rig_await(&rig, 0, 0, true);
    trigger_rig_send(SYS_RESTART);
    trigger_rig_await(&rig, 0, 1, true);
    control_close(&rig.control);
}

/* All sent before the loop runs: both stops count, and the restart between them is not lost. */
static void sends_in_a_row_are_counted(void **state)
{
    struct trigger_rig rig;
    (void)state;
    trigger_rig_open(&rig, &trigger_rig_events);
    trigger_rig_send(SYS_STOP);
    trigger_rig_send(SYS_RESTART);
    trigger_rig_send(SYS_STOP);
    trigger_rig_expect(&rig, 2, 1);
    control_close(&rig.control);
}

static void what_was_not_taken_is_dropped_at_the_close(void **state)
{
    struct trigger_rig rig;
    (void)state;
    for (unsigned i = 0; i < 20; i++) {
        trigger_rig_open(&rig, &trigger_rig_events);
        trigger_rig_send(SYS_RESTART);
        control_close(&rig.control);
    }
    trigger_rig_open(&rig, &trigger_rig_events);
    trigger_rig_send(SYS_STOP);
    trigger_rig_expect(&rig, 1, 0);
    control_close(&rig.control);
}

#ifndef _WIN32

/* Exits with 0 if trigger_send() as another user fails with UV_EPERM. */
static void send_as_nobody(pid_t parent)
{
    int status = setuid(65534) == 0 ? trigger_send(parent, SYS_STOP) : 0;
    _exit(status == UV_EPERM ? 0 : 1);
}

static void another_user_may_not(void **state)
{
    struct trigger_rig rig;
    int status;
    (void)state;
    if (geteuid() != 0) {
        print_message("skipped: only root can become another user\n");
        skip();
    }
    trigger_rig_open(&rig, &trigger_rig_events);
    pid_t parent = getpid();
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        send_as_nobody(parent);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    trigger_rig_expect(&rig, 0, 0);
    control_close(&rig.control);
}

/* The number of a child that has been waited for. */
static void no_process_is_there(void **state)
{
    int status;
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(trigger_send(child, SYS_STOP), UV_ESRCH);
    assert_int_equal(trigger_send(child, SYS_RESTART), UV_ESRCH);
}

#endif

#ifdef _WIN32

/* Calls the handler as libuv does when the console is closed: a test can't close its own. */
static void a_closed_console_leaves_little_time(void **state)
{
    struct trigger_rig rig;
    (void)state;
    trigger_rig_open(&rig, &trigger_rig_events);
    uint64_t grace_ms = 0;
    uint64_t begin_ns = uv_hrtime();
    for (size_t i = 0; i < sys_signal_count; i++) {
        if (sys_signals[i].grace_ms > 0) {
            grace_ms = sys_signals[i].grace_ms;
            rig.control.signals[i].signal_cb(&rig.control.signals[i], sys_signals[i].number);
        }
    }
    assert_between(grace_ms, 2000, 5000);
    assert_int_equal(rig.control.stops, 1);
    trigger_rig_expect(&rig, 2, 0);
    uint64_t took_ms = (uv_hrtime() - begin_ns) / 1000000;
    print_message("ended at once after %u ms\n", (unsigned)took_ms);
    assert_true(took_ms >= grace_ms / 2);
    control_close(&rig.control);
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stop_stops),
        cmocka_unit_test(a_restart_restarts),
        cmocka_unit_test(a_restart_stops_what_cannot_restart),
        cmocka_unit_test(a_second_restart_ends_nothing_at_once),
        cmocka_unit_test(a_report_reports),
        cmocka_unit_test(sends_in_a_row_are_counted),
        cmocka_unit_test(what_was_not_taken_is_dropped_at_the_close),
#ifdef _WIN32
        cmocka_unit_test(a_closed_console_leaves_little_time),
#else
        cmocka_unit_test(another_user_may_not),
        cmocka_unit_test(no_process_is_there),
#endif
    };
    sys_setup();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
