/* A writer to a destination in memory, which the test blocks, releases and lets fail. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include <uv.h>

#include "writer.h"

static struct {
    uv_mutex_t lock;
    uv_cond_t changed;
    bool blocked; /* calls wait */
    bool inside;  /* one does */
    int status;   /* what calls return */
    bool opened;
    bool closed;
    bool running;        /* the writer */
    uint64_t began_ns;   /* before the writer */
    bool asked;          /* the watcher has asked whether a call is stuck */
    bool asked_opened;   /* with a destination that is open */
    bool asked_too_long; /* with a longer time than the call can have taken */
    struct text text;    /* all that was written */
    size_t writes;
    struct writer writer;
} rig;

static int rig_call(bool *done, const char *data, size_t length)
{
    uv_mutex_lock(&rig.lock);
    rig.inside = true;
    uv_cond_broadcast(&rig.changed);
    while (rig.blocked) {
        uv_cond_wait(&rig.changed, &rig.lock);
    }
    rig.inside = false;
    if (done != NULL) {
        *done = true;
    } else if (rig.status == 0) {
        text_append(&rig.text, data, length);
        rig.writes++;
    }
    int status = rig.status;
    uv_mutex_unlock(&rig.lock);
    return status;
}

static int rig_open(void *context)
{
    (void)context;
    return rig_call(&rig.opened, NULL, 0);
}

static int rig_write(void *context, const char *data, size_t length)
{
    (void)context;
    return rig_call(NULL, data, length);
}

static int rig_close(void *context)
{
    (void)context;
    return rig_call(&rig.closed, NULL, 0);
}

static bool rig_is_stuck(void *context, bool opened, uint64_t for_ms)
{
    (void)context;
    rig.asked = true;
    rig.asked_opened = opened;
    rig.asked_too_long = for_ms > (uv_hrtime() - rig.began_ns) / 1000000;
    uv_mutex_lock(&rig.lock);
    bool blocked = rig.blocked;
    uv_mutex_unlock(&rig.lock);
    return blocked;
}

static const struct writer_sink sink = {
    .open = rig_open, .write = rig_write, .close = rig_close, .is_stuck = rig_is_stuck};

static void rig_set(bool blocked, int status)
{
    uv_mutex_lock(&rig.lock);
    rig.blocked = blocked;
    rig.status = status;
    uv_cond_broadcast(&rig.changed);
    uv_mutex_unlock(&rig.lock);
}

/* Waits until a call is under way, blocked or not. */
static void rig_await_call(void)
{
    uv_mutex_lock(&rig.lock);
    while (!rig.inside) {
        uv_cond_wait(&rig.changed, &rig.lock);
    }
    uv_mutex_unlock(&rig.lock);
}

static void rig_await_idle(void)
{
    while (!writer_is_idle(&rig.writer)) {
        uv_sleep(1);
    }
}

/* With the rig blocked or not. */
static int begin_as_it_is(void **state)
{
    (void)state;
    assert_int_equal(uv_mutex_init(&rig.lock), 0);
    assert_int_equal(uv_cond_init(&rig.changed), 0);
    rig.began_ns = uv_hrtime();
    int status = writer_start(&rig.writer, &sink, &rig, "test");
    rig.running = status == 0;
    return status;
}

static int stop(void)
{
    rig_set(false, rig.status);
    rig.running = false;
    return writer_stop(&rig.writer);
}

static int begin(void **state)
{
    memset(&rig, 0, sizeof(rig));
    return begin_as_it_is(state);
}

/* The writer waits in its first write, of the line "first". */
static int begin_blocked(void **state)
{
    int status = begin(state);
    rig_await_idle();
    rig_set(true, 0);
    (void)writer_line(&rig.writer, "first\n", 6);
    rig_await_call();
    return status;
}

static int end(void **state)
{
    (void)state;
    if (rig.running) { /* the test has failed */
        (void)stop();
    }
    text_free(&rig.text);
    uv_cond_destroy(&rig.changed);
    uv_mutex_destroy(&rig.lock);
    return 0;
}

static void line(const char *text)
{
    assert_true(writer_line(&rig.writer, text, strlen(text)));
}

static void whole(const char *string)
{
    struct text text = {0};
    text_string(&text, string);
    writer_add_text(&rig.writer, &text);
    assert_null(text.data);
}

static void ends_with(int status, const char *text)
{
    assert_int_equal(stop(), status);
    assert_string_equal(rig.text.data == NULL ? "" : rig.text.data, text);
}

static void nothing_is_opened_and_closed(void **state)
{
    (void)state;
    ends_with(0, "");
    assert_true(rig.opened);
    assert_true(rig.closed);
}

/* The first check may come before the thread has begun, the second comes later. */
static void an_open_may_be_stuck(void **state)
{
    for (int i = 0; i < 50; i++) {
        memset(&rig, 0, sizeof(rig));
        rig.blocked = true;
        assert_int_equal(begin_as_it_is(state), 0);
        for (int look = 0; look < 2; look++) {
            assert_false(writer_is_idle(&rig.writer));
            assert_true(writer_is_stuck(&rig.writer));
            assert_false(rig.asked_opened);
            assert_false(rig.asked_too_long);
            rig_await_call();
        }
        ends_with(0, "");
        assert_int_equal(end(state), 0);
    }
    assert_int_equal(begin(state), 0); /* for the tear-down */
}

static void a_write_may_be_stuck(void **state)
{
    (void)state;
    assert_true(writer_is_stuck(&rig.writer));
    assert_true(rig.asked_opened);
    assert_false(rig.asked_too_long);
    rig_set(false, 0);
    rig_await_idle();
    rig.asked = false;
    assert_false(writer_is_stuck(&rig.writer));
    assert_false(rig.asked); /* nothing is under way */
    ends_with(0, "first\n");
}

static void lines_and_texts_keep_their_order(void **state)
{
    (void)state;
    line("a\n");
    whole("B\n");
    line("c\n");
    whole("D\n");
    whole("E\n");
    line("f\n");
    ends_with(0, "first\na\nB\nc\nD\nE\nf\n");
}

static void nothing_waits_for_the_reader(void **state)
{
    (void)state;
    assert_false(writer_is_idle(&rig.writer));
    assert_true(writer_is_stuck(&rig.writer));
    line("a\n");
    whole("B\n");
    rig_set(false, 0);
    rig_await_idle();
    assert_false(writer_is_stuck(&rig.writer));
    ends_with(0, "first\na\nB\n");
}

/* Fills the memory. Returns how many lines of 64 bytes fit. */
static size_t fill(void)
{
    char text[65];
    size_t count = 0;
    do {
        (void)snprintf(text, sizeof(text), "%063zu\n", count);
        count++;
    } while (writer_line(&rig.writer, text, 64));
    return count - 1;
}

static void lines_that_find_no_room_are_counted(void **state)
{
    (void)state;
    size_t count = fill();
    assert_true(count >=
                WRITER_LINES_SIZE / 64 - 2); /* the rest is reserved for the notice of drops */
    assert_true(count < WRITER_LINES_SIZE / 64);
    assert_false(writer_hint(&rig.writer, "hint", 4));
    assert_false(
        writer_line(&rig.writer, "x\n", 2)); /* it would fit, but a longer one before it did not */
    rig_set(false, 0);
    rig_await_idle();
    line("next\n");
    assert_int_equal(stop(), 0);
    assert_int_equal(rig.text.length,
                     6 + 64 * count + strlen("test: 2 lines dropped: the reader is too slow\n") +
                         5);
    assert_non_null(
        strstr(rig.text.data, "\ntest: 2 lines dropped: the reader is too slow\nnext\n"));
}

static void one_line_that_finds_no_room_is_one(void **state)
{
    (void)state;
    (void)fill();
    rig_set(false, 0);
    assert_int_equal(stop(), 0);
    assert_non_null(strstr(rig.text.data, "\ntest: 1 line dropped: the reader is too slow\n"));
}

static void texts_are_never_dropped(void **state)
{
    static char large[3 * WRITER_LINES_SIZE];
    (void)state;
    memset(large, 'x', sizeof(large) - 1);
    (void)fill();
    whole(large);
    whole("END\n");
    rig_set(false, 0);
    assert_int_equal(stop(), 0);
    const char *found = strstr(rig.text.data, "xx");
    assert_non_null(found);
    assert_int_equal(strspn(found, "x"), sizeof(large) - 1);
    assert_non_null(strstr(found, "END\n"));
}

static void an_error_sticks(void **state)
{
    (void)state;
    line("lost\n");
    rig_set(false, UV_EPIPE);
    rig_await_idle();
    rig_set(false, 0);
    assert_int_equal(writer_status(&rig.writer), UV_EPIPE);
    assert_false(writer_line(&rig.writer, "a\n", 2));
    whole("B\n");
    assert_true(writer_is_idle(&rig.writer));
    ends_with(UV_EPIPE, "");
    assert_true(rig.closed);
}

static void what_cannot_be_opened_gets_nothing(void **state)
{
    (void)begin(state);
    rig_set(false, UV_ENXIO);
    /* the call may be over: an error of a write is the same to the caller */
    whole("A\n");
    rig_await_idle();
    if (writer_status(&rig.writer) == 0) {
        whole("B\n");
        rig_await_idle();
    }
    ends_with(UV_ENXIO, "");
}

static void an_error_of_the_close_is_one(void **state)
{
    (void)state;
    line("a\n");
    rig_set(false, 0);
    rig_await_idle();
    rig_set(false, UV_EIO);
    ends_with(UV_EIO, "first\na\n");
}

static void a_text_that_is_incomplete_is_an_error(void **state)
{
    struct text text = {0};
    (void)state;
    text_append(&text, "", SIZE_MAX);
    assert_true(text.failed);
    writer_add_text(&rig.writer, &text);
    assert_int_equal(writer_status(&rig.writer), UV_ENOMEM);
    ends_with(UV_ENOMEM, "first\n");
}

/* ---- the watcher ---------------------------------------------------------------------------- */

static void on_news(uv_async_t *async)
{
    size_t *count = async->data;
    ++*count;
}

static void the_watcher_is_told(void **state)
{
    uv_loop_t loop;
    uv_async_t async;
    size_t count = 0;
    (void)state;
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(uv_async_init(&loop, &async, on_news), 0);
    async.data = &count;
    writer_watch(&rig.writer, &async);
    writer_end(&rig.writer);
    rig_set(false, 0);
    while (count == 0) { /* the watcher is told that it is idle */
        (void)uv_run(&loop, UV_RUN_ONCE);
    }
    assert_true(writer_is_idle(&rig.writer));
    count = 0;
    rig_set(false, UV_ENOSPC);
    whole("A\n");
    while (count == 0 || writer_status(&rig.writer) == 0) { /* the watcher is told of the error */
        (void)uv_run(&loop, UV_RUN_ONCE);
    }
    writer_watch(&rig.writer, NULL);
    uv_close((uv_handle_t *)&async, NULL);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    ends_with(UV_ENOSPC, "first\n");
}

#define BLOCKED(test) cmocka_unit_test_setup_teardown(test, begin_blocked, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_is_opened_and_closed, begin, end),
        cmocka_unit_test_teardown(an_open_may_be_stuck, end),
        BLOCKED(a_write_may_be_stuck),
        BLOCKED(lines_and_texts_keep_their_order),
        BLOCKED(nothing_waits_for_the_reader),
        BLOCKED(lines_that_find_no_room_are_counted),
        BLOCKED(one_line_that_finds_no_room_is_one),
        BLOCKED(texts_are_never_dropped),
        BLOCKED(an_error_sticks),
        cmocka_unit_test_teardown(what_cannot_be_opened_gets_nothing, end),
        BLOCKED(an_error_of_the_close_is_one),
        BLOCKED(a_text_that_is_incomplete_is_an_error),
        BLOCKED(the_watcher_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
