/*
 * The poller of kqueue.c. The test's kevent() returns what the test says, and records its
 * arguments. In backend_suite_kqueue, the whole backend runs over a kevent() that works.
 */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/event.h>
#include <unistd.h>

#include "readiness.h"

#define CHANGES_MAX 8
#define SECOND UINT64_C(1000000000)
#define MS UINT64_C(1000000)

/* ---- the kevent() of this test ------------------------------------------------------------- */

static struct {
    struct kevent changes[CHANGES_MAX]; /* all changes so far */
    int change_count;
    int change_error;      /* errno of the next change; 0: none */
    int wait_error;        /* errno of the next wait; 0: none */
    int interruptions;     /* this many changes fail with EINTR first */
    int queue_error;       /* errno of kqueue() */
    struct kevent *events; /* for the next wait */
    int event_count;
    int waits;
    struct timespec timeout; /* of the last wait */
    bool forever;            /* it had none */
} script;

int kqueue(void)
{
    errno = script.queue_error;
    return script.queue_error != 0 ? -1 : open("/dev/null", O_RDWR);
}

static int fail_once(int *error)
{
    errno = *error;
    *error = 0;
    return errno != 0 ? -1 : 0;
}

static int change(const struct kevent *changes, int count)
{
    assert_true(script.change_count + count <= CHANGES_MAX);
    if (script.interruptions > 0) {
        script.interruptions--;
        errno = EINTR;
        return -1;
    }
    memcpy(&script.changes[script.change_count], changes, (size_t)count * sizeof(*changes));
    script.change_count += count;
    return fail_once(&script.change_error);
}

int kevent(int queue, const struct kevent *changes, int change_count, struct kevent *events,
           int event_count, const struct timespec *timeout)
{
    assert_true(queue >= 0);
    if (event_count == 0) {
        return change(changes, change_count);
    }
    assert_int_equal(change_count, 0);
    script.waits++;
    script.forever = timeout == NULL;
    script.timeout = timeout != NULL ? *timeout : (struct timespec){.tv_sec = 0};
    if (fail_once(&script.wait_error) != 0) {
        return -1;
    }
    int count = script.event_count < event_count ? script.event_count : event_count;
    if (count > 0) {
        memcpy(events, script.events, (size_t)count * sizeof(*events));
        script.events += count;
        script.event_count -= count;
    }
    return count;
}

static void answer(struct kevent *events, int count)
{
    script.events = events;
    script.event_count = count;
}

/* ---- the send() of this test ---------------------------------------------------------------- */

static int send_error; /* errno of each call; 0: all is taken */
static int pauses;

ssize_t __wrap_send(int fd, const void *data, size_t length, int flags);
ssize_t __wrap_send(int fd, const void *data, size_t length, int flags)
{
    (void)fd;
    (void)data;
    (void)flags;
    errno = send_error;
    return send_error != 0 ? -1 : (ssize_t)length;
}

void __wrap_uv_sleep(unsigned ms);
void __wrap_uv_sleep(unsigned ms)
{
    (void)ms;
    pauses++;
}

/* ---- a loop, and watches that record their events -------------------------------------------- */

static struct io_loop *open_loop(void)
{
    const struct io_config config = {.buffer_size = 1024, .buffer_memory = 4096};
    struct io_loop *loop = NULL;
    memset(&script, 0, sizeof(script));
    assert_int_equal(backend_kqueue.loop_open(&config, &loop), 0);
    return loop;
}

struct noted {
    struct readiness_watch watch; /* first */
    size_t unread;
    unsigned what;
    unsigned count;
};

static void note(struct readiness_watch *watch, const struct readiness_event *event)
{
    struct noted *noted = (struct noted *)(void *)watch;
    assert_ptr_equal(event->watch, watch);
    noted->what = event->what;
    noted->unread = event->unread;
    noted->count++;
}

static struct noted new_noted(void)
{
    return (struct noted){.watch = {.ready = note, .fd = 7, .wanted = READY_RECV | READY_SEND}};
}

static struct kevent event_of(struct noted *noted, short filter, unsigned flags)
{
    struct kevent event;
    EV_SET(&event, 7, filter, (unsigned short)(EV_CLEAR | flags), 0, 0, &noted->watch);
    return event;
}

static const struct poller *poller_of(struct io_loop *loop)
{
    return ((struct readiness_loop *)(void *)loop)->poller;
}

/* What a watch is told of an event with `filter` and `flags`. */
static unsigned told(short filter, unsigned flags)
{
    struct io_loop *loop = open_loop();
    struct noted noted = new_noted();
    struct kevent event = event_of(&noted, filter, flags);
    answer(&event, 1);
    assert_int_equal(backend_kqueue.poll(loop, 0), 0);
    assert_int_equal(noted.count, 1);
    backend_kqueue.loop_close(loop);
    return noted.what;
}

/* ---- tests --------------------------------------------------------------------------------- */

static void opens_with_a_user_event(void **state)
{
    (void)state;
    struct io_loop *loop = open_loop();
    assert_int_equal(script.change_count, 1);
    assert_int_equal(script.changes[0].filter, EVFILT_USER);
    assert_int_equal(script.changes[0].flags, EV_ADD | EV_CLEAR);
    backend_kqueue.loop_close(loop);
}

static void does_not_open_where_the_system_fails(void **state)
{
    const struct io_config config = {.buffer_size = 1024, .buffer_memory = 4096};
    struct io_loop *loop = NULL;
    (void)state;
    memset(&script, 0, sizeof(script));
    script.queue_error = EMFILE;
    assert_int_equal(backend_kqueue.loop_open(&config, &loop), UV_EMFILE);
    script.queue_error = 0;
    script.change_error = ENOMEM;
    assert_int_equal(backend_kqueue.loop_open(&config, &loop), UV_ENOMEM);
    assert_null(loop);
}

/* Watches for `what`, and asserts that exactly these filters were added. */
static void watch_adds(struct io_loop *loop, struct noted *noted, unsigned what, bool read,
                       bool write)
{
    int at = 0;
    script.change_count = 0;
    assert_int_equal(poller_of(loop)->watch((void *)loop, &noted->watch, what), 0);
    assert_int_equal(script.change_count, read + write);
    if (read) {
        assert_int_equal(script.changes[at].filter, EVFILT_READ);
        assert_int_equal(script.changes[at++].flags, EV_ADD | EV_CLEAR);
    }
    if (write) {
        assert_int_equal(script.changes[at].filter, EVFILT_WRITE);
        assert_int_equal(script.changes[at++].flags, EV_ADD | EV_ONESHOT);
    }
    for (int i = 0; i < at; i++) {
        assert_int_equal(script.changes[i].ident, 7);
        assert_ptr_equal(script.changes[i].udata, &noted->watch);
    }
}

static void watches_the_read_side_for_good(void **state)
{
    (void)state;
    struct io_loop *loop = open_loop();
    struct noted noted = new_noted();
    watch_adds(loop, &noted, READY_RECV, true, false);
    assert_int_equal(noted.watch.watched, READY_RECV);
    watch_adds(loop, &noted, READY_SEND, false, true);
    assert_int_equal(noted.watch.watched, READY_RECV | READY_SEND);
    backend_kqueue.loop_close(loop);
}

static void a_connect_watches_both_sides_in_one_call(void **state)
{
    (void)state;
    struct io_loop *loop = open_loop();
    struct noted noted = new_noted();
    watch_adds(loop, &noted, READY_SEND, true, true);
    assert_int_equal(noted.watch.watched, READY_RECV | READY_SEND);
    backend_kqueue.loop_close(loop);
}

static void write_side_is_reported_once(void **state)
{
    (void)state;
    struct io_loop *loop = open_loop();
    struct noted noted = new_noted();
    struct kevent events[] = {event_of(&noted, EVFILT_READ, 0), event_of(&noted, EVFILT_WRITE, 0)};
    watch_adds(loop, &noted, READY_SEND, true, true);
    answer(&events[0], 1);
    assert_int_equal(backend_kqueue.poll(loop, 0), 0);
    assert_int_equal(noted.watch.watched, READY_RECV | READY_SEND);
    answer(&events[1], 1);
    assert_int_equal(backend_kqueue.poll(loop, 0), 0);
    assert_int_equal(noted.watch.watched, READY_RECV);
    watch_adds(loop, &noted, READY_SEND, false, true);
    backend_kqueue.loop_close(loop);
}

static void read_side_tells_how_much_there_is(void **state)
{
    (void)state;
    struct io_loop *loop = open_loop();
    struct noted noted = new_noted();
    struct kevent event = event_of(&noted, EVFILT_READ, 0);
    event.data = 1234;
    answer(&event, 1);
    assert_int_equal(backend_kqueue.poll(loop, 0), 0);
    assert_int_equal(noted.unread, 1234);
    event.filter = EVFILT_WRITE; /* its data is the room to send */
    answer(&event, 1);
    assert_int_equal(backend_kqueue.poll(loop, 0), 0);
    assert_int_equal(noted.unread, 0);
    backend_kqueue.loop_close(loop);
}

static void watch_goes_on_after_a_signal_and_tells_errors(void **state)
{
    (void)state;
    struct io_loop *loop = open_loop();
    struct noted noted = new_noted();
    script.interruptions = 3;
    assert_int_equal(poller_of(loop)->watch((void *)loop, &noted.watch, READY_RECV), 0);
    assert_int_equal(script.interruptions, 0);
    script.change_error = ENOMEM;
    assert_int_equal(poller_of(loop)->watch((void *)loop, &noted.watch, READY_SEND), UV_ENOMEM);
    assert_int_equal(noted.watch.watched, READY_RECV);
    backend_kqueue.loop_close(loop);
}

static void filters_and_flags_are_readiness(void **state)
{
    (void)state;
    assert_int_equal(told(EVFILT_READ, 0), READY_RECV);
    assert_int_equal(told(EVFILT_WRITE, 0), READY_SEND);
    assert_int_equal(told(EVFILT_READ, EV_EOF), READY_RECV | READY_END);
    assert_int_equal(told(EVFILT_WRITE, EV_EOF), READY_SEND | READY_END);
    assert_int_equal(told(EVFILT_READ, EV_ERROR), READY_RECV | READY_END);
    assert_int_equal(told(EVFILT_WRITE, EV_ERROR), READY_SEND | READY_END);
}

static void read_and_write_are_two_events(void **state)
{
    (void)state;
    struct io_loop *loop = open_loop();
    struct noted noted = new_noted();
    struct kevent events[] = {event_of(&noted, EVFILT_READ, EV_EOF),
                              event_of(&noted, EVFILT_WRITE, 0)};
    answer(events, 2);
    assert_int_equal(backend_kqueue.poll(loop, 0), 0);
    assert_int_equal(noted.count, 2);
    assert_int_equal(noted.what, READY_SEND);
    backend_kqueue.loop_close(loop);
}

static void more_than_a_batch_takes_several_turns(void **state)
{
    enum { COUNT = 2 * READINESS_BATCH + 1 };
    static struct noted noted[COUNT];
    static struct kevent events[COUNT];
    (void)state;
    struct io_loop *loop = open_loop();
    for (int i = 0; i < COUNT; i++) {
        noted[i] = new_noted();
        events[i] = event_of(&noted[i], EVFILT_READ, 0);
    }
    answer(events, COUNT);
    for (int turns = 1; turns <= 3; turns++) {
        assert_int_equal(backend_kqueue.poll(loop, 0), 0);
        assert_int_equal(noted[READINESS_BATCH - 1].count, 1);
        assert_int_equal(noted[READINESS_BATCH].count, turns >= 2);
        assert_int_equal(noted[COUNT - 1].count, turns >= 3);
    }
    backend_kqueue.loop_close(loop);
}

static void wake_triggers_the_user_event(void **state)
{
    (void)state;
    struct io_loop *loop = open_loop();
    script.change_count = 0;
    script.interruptions = 2;
    backend_kqueue.wake(loop);
    assert_int_equal(script.change_count, 1);
    assert_int_equal(script.changes[0].filter, EVFILT_USER);
    assert_int_equal(script.changes[0].fflags, NOTE_TRIGGER);
    backend_kqueue.loop_close(loop);
}

static void user_event_is_a_wake_beside_others(void **state)
{
    (void)state;
    struct io_loop *loop = open_loop();
    struct noted noted = new_noted();
    struct kevent events[3] = {event_of(&noted, EVFILT_READ, 0),
                               {.filter = EVFILT_USER},
                               event_of(&noted, EVFILT_WRITE, 0)};
    answer(events, 3);
    assert_int_equal(backend_kqueue.poll(loop, 0), 1);
    assert_int_equal(noted.count, 2);
    assert_int_equal(backend_kqueue.poll(loop, 0), 0);
    backend_kqueue.loop_close(loop);
}

/* The timeout of a wait for this many nanoseconds. */
static void asks_for(struct io_loop *loop, uint64_t wait_ns, int64_t seconds, int64_t ns)
{
    struct readiness_event events[READINESS_BATCH];
    assert_int_equal(poller_of(loop)->wait((void *)loop, events, wait_ns), 0);
    assert_false(script.forever);
    assert_int_equal(script.timeout.tv_sec, seconds);
    assert_int_equal(script.timeout.tv_nsec, ns);
}

static void deadline_is_a_timeout_in_nanoseconds(void **state)
{
    (void)state;
    struct io_loop *loop = open_loop();
    asks_for(loop, 0, 0, 0);
    asks_for(loop, 1, 0, 1);
    asks_for(loop, SECOND - 1, 0, SECOND - 1);
    asks_for(loop, SECOND, 1, 0);
    asks_for(loop, 90 * SECOND + 5 * MS, 90, 5 * MS);
    asks_for(loop, UINT64_MAX - 1, 86400, (UINT64_MAX - 1) % SECOND);
    assert_int_equal(backend_kqueue.poll(loop, UINT64_MAX), 0);
    assert_true(script.forever);
    backend_kqueue.loop_close(loop);
}

static void sent(struct io_send *op)
{
    assert_int_equal(op->status, 0);
}

static void closed(struct io_close *op)
{
    (void)op;
}

/* The filter reports room to send, but the send is refused. */
static void a_shortage_that_lasts_is_waited_for(int error)
{
    enum { TURNS = 40, WITHOUT_PAUSE = 15 };
    struct io_loop *loop = open_loop();
    struct io_socket *socket = calloc(1, backend_kqueue.socket_size);
    struct io_token token = {.os_socket = open("/dev/null", O_RDWR)};
    struct io_send send = {.done = sent, .data = (const uint8_t *)"five.", .length = 5};
    struct io_close close = {.done = closed};
    assert_non_null(socket);
    assert_int_equal(backend_kqueue.adopt(loop, &token, socket), 0);
    send_error = error;
    pauses = 0;
    assert_int_equal(backend_kqueue.send(loop, socket, &send), IO_PENDING);
    for (int turn = 0; turn < TURNS; turn++) {
        struct kevent event = {.filter = EVFILT_WRITE, .udata = socket};
        script.change_count = 0;
        answer(&event, 1);
        assert_int_equal(backend_kqueue.poll(loop, 0), 0);
        assert_int_equal(script.change_count, 1);
        assert_int_equal(script.changes[0].flags, EV_ADD | EV_ONESHOT);
    }
    assert_int_equal(pauses, TURNS - WITHOUT_PAUSE);
    send_error = 0;
    struct kevent event = {.filter = EVFILT_WRITE, .udata = socket};
    answer(&event, 1);
    assert_int_equal(backend_kqueue.poll(loop, 0), 0);
    assert_int_equal(send.sent, 5);
    backend_kqueue.close(loop, socket, IO_CLOSE_GRACEFUL, &close);
    assert_int_equal(backend_kqueue.poll(loop, 0), 0);
    free(socket);
    backend_kqueue.loop_close(loop);
}

static void a_refused_send_is_tried_again_after_a_pause(void **state)
{
    (void)state;
    a_shortage_that_lasts_is_waited_for(EAGAIN);
    a_shortage_that_lasts_is_waited_for(ENOBUFS);
}

static void interrupted_wait_is_a_turn_and_an_error_is_told(void **state)
{
    (void)state;
    struct io_loop *loop = open_loop();
    script.wait_error = EINTR;
    assert_int_equal(backend_kqueue.poll(loop, UINT64_MAX), 0);
    script.wait_error = EBADF;
    assert_int_equal(backend_kqueue.poll(loop, UINT64_MAX), UV_EBADF);
    assert_int_equal(script.waits, 2);
    backend_kqueue.loop_close(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opens_with_a_user_event),
        cmocka_unit_test(does_not_open_where_the_system_fails),
        cmocka_unit_test(watches_the_read_side_for_good),
        cmocka_unit_test(a_connect_watches_both_sides_in_one_call),
        cmocka_unit_test(write_side_is_reported_once),
        cmocka_unit_test(read_side_tells_how_much_there_is),
        cmocka_unit_test(watch_goes_on_after_a_signal_and_tells_errors),
        cmocka_unit_test(filters_and_flags_are_readiness),
        cmocka_unit_test(read_and_write_are_two_events),
        cmocka_unit_test(more_than_a_batch_takes_several_turns),
        cmocka_unit_test(wake_triggers_the_user_event),
        cmocka_unit_test(user_event_is_a_wake_beside_others),
        cmocka_unit_test(deadline_is_a_timeout_in_nanoseconds),
        cmocka_unit_test(a_refused_send_is_tried_again_after_a_pause),
        cmocka_unit_test(interrupted_wait_is_a_turn_and_an_error_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
