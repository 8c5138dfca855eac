#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "backend.h"
#include "util.h"

/* More than there will ever be. */
#define BACKENDS_MAX 32

static void list_ends(void **state)
{
    size_t count = 0;
    (void)state;
    while (backend_list[count].name != NULL) {
        count++;
        assert_true(count < BACKENDS_MAX);
    }
    assert_true(count > 0);
}

static void names_are_unique_and_no_words_of_the_option(void **state)
{
    (void)state;
    for (const struct backend_entry *at = backend_list; at->name != NULL; at++) {
        assert_true(strlen(at->name) > 0);
        assert_string_not_equal(at->name, "raw");
        assert_string_not_equal(at->name, "help");
        for (const struct backend_entry *other = backend_list; other != at; other++) {
            assert_string_not_equal(at->name, other->name);
        }
    }
}

static void summaries_are_one_line(void **state)
{
    (void)state;
    for (const struct backend_entry *at = backend_list; at->name != NULL; at++) {
        assert_true(strlen(at->summary) > 0);
        assert_null(strchr(at->summary, '\n'));
    }
}

static void tables_are_complete(void **state)
{
    (void)state;
    for (const struct backend_entry *at = backend_list; at->name != NULL; at++) {
        const struct backend *backend = at->backend;
        if (backend == NULL) {
            continue;
        }
        assert_string_equal(backend->name, at->name);
        assert_true(backend->socket_size > 0);
        assert_true(backend->loop_open != NULL && backend->loop_close != NULL);
        assert_true(backend->poll != NULL && backend->wake != NULL && backend->now != NULL);
        assert_true(backend->listen != NULL);
        assert_true(backend->accept != NULL && backend->accept_stop != NULL);
        assert_true(backend->adopt != NULL && backend->detach != NULL && backend->refuse != NULL);
        assert_true(backend->connect != NULL);
        assert_true(backend->recv != NULL && backend->release != NULL && backend->send != NULL);
        assert_true(backend->shutdown != NULL && backend->close != NULL);
        assert_true(backend->handle != NULL);
    }
}

static void probe_answers_or_says_why_not(void **state)
{
    (void)state;
    for (const struct backend_entry *at = backend_list; at->name != NULL; at++) {
        char why[256] = "";
        int status = backend_probe(at, why, sizeof(why));
        assert_true(status <= 0);
        assert_true(status == 0 || strlen(why) > 0);
    }
}

static void absent_ones_name_the_system_or_the_library(void **state)
{
    (void)state;
    for (const struct backend_entry *at = backend_list; at->name != NULL; at++) {
        char why[256] = "";
        if (at->backend != NULL) {
            continue;
        }
        int status = backend_probe(at, why, sizeof(why));
        assert_true(status == UV_ENOTSUP || status == UV_ENOSYS);
        assert_non_null(strstr(why, status == UV_ENOTSUP ? at->systems : at->library));
    }
}

static void uv_works_everywhere(void **state)
{
    const struct backend *backend = NULL;
    char why[256];
    (void)state;
    assert_int_equal(backend_choose("uv", &backend, why, sizeof(why)), 0);
    assert_ptr_equal(backend, &backend_uv);
    assert_false(backend->native);
}

static void each_is_chosen_by_its_name_if_it_works(void **state)
{
    (void)state;
    for (const struct backend_entry *at = backend_list; at->name != NULL; at++) {
        const struct backend *backend = NULL;
        char why[256];
        char reason[256];
        int status = backend_probe(at, reason, sizeof(reason));
        assert_int_equal(backend_choose(at->name, &backend, why, sizeof(why)), status);
        if (status == 0) {
            assert_ptr_equal(backend, at->backend);
        } else {
            assert_true(strlen(why) > 0);
        }
    }
}

static void unknown_names_are_refused_with_a_hint(void **state)
{
    static const char *const names[] = {"", "u", "uvx", "UV", "help", "nobody"};
    (void)state;
    for (size_t i = 0; i < LENGTH(names); i++) {
        const struct backend *backend;
        char why[256];
        assert_int_equal(backend_choose(names[i], &backend, why, sizeof(why)), UV_ENOENT);
        assert_non_null(strstr(why, "--backend=help"));
    }
}

/* The first native one that works; in `note` the first one of this system that does not. */
static const struct backend *first_native(char *note, size_t note_size)
{
    note[0] = '\0';
    for (const struct backend_entry *at = backend_list; at->name != NULL; at++) {
        char why[256];
        int status = backend_probe(at, why, sizeof(why));
        if (status == 0 && at->backend->native) {
            return at->backend;
        }
        if (status != 0 && status != UV_ENOTSUP && note[0] == '\0') {
            (void)snprintf(note, note_size, "%s: %s", at->name, why);
        }
    }
    return NULL;
}

static void raw_is_the_first_native_one_that_works_and_says_what_does_not(void **state)
{
    char note[512];
    const struct backend *expected = first_native(note, sizeof(note));
    const struct backend *backend = NULL;
    char why[512];
    (void)state;
    int status = backend_choose("raw", &backend, why, sizeof(why));
    if (expected != NULL) {
        assert_int_equal(status, 0);
        assert_ptr_equal(backend, expected);
        assert_int_equal(strncmp(why, note, strlen(note)), 0);
        assert_true(strlen(note) > 0 || strlen(why) == 0);
    } else {
        assert_int_equal(status, UV_ENOTSUP);
        assert_true(strlen(why) > 0);
    }
}

static void reason_is_cut_to_the_room_there_is(void **state)
{
    (void)state;
    for (size_t size = 1; size <= 20; size++) {
        const struct backend *backend;
        char why[32];
        memset(why, 'x', sizeof(why));
        assert_int_equal(backend_choose("nobody", &backend, why, size), UV_ENOENT);
        assert_int_equal(strlen(why), size - 1);
        assert_int_equal(why[size], 'x');
        memset(why, 'x', sizeof(why));
        (void)backend_choose("raw", &backend, why, size);
        assert_true(strlen(why) < size);
        assert_int_equal(why[size], 'x');
    }
}

static void one_code_for_a_reset_and_no_other_is_touched(void **state)
{
    (void)state;
    assert_int_equal(io_stream_error(UV_EPIPE), UV_ECONNRESET);
    assert_int_equal(io_stream_error(UV_ECONNABORTED), UV_ECONNRESET);
    assert_int_equal(io_stream_error(UV_ENOTCONN), UV_ECONNRESET);
    assert_int_equal(io_stream_error(UV_EPROTOTYPE), UV_ECONNRESET);
    assert_int_equal(io_stream_error(UV_ETIMEDOUT), UV_ETIMEDOUT);
    assert_int_equal(io_stream_error(UV_ECANCELED), UV_ECANCELED);
    assert_int_equal(io_stream_error(IO_PENDING), IO_PENDING);
    assert_int_equal(io_stream_error(0), 0);
}

static void connection_is_lost_by_some_errors_and_survives_others(void **state)
{
    (void)state;
    assert_true(io_stream_is_lost(UV_ECONNRESET));
    assert_true(io_stream_is_lost(UV_ETIMEDOUT));
    assert_true(io_stream_is_lost(UV_EHOSTUNREACH));
    assert_true(io_stream_is_lost(UV_ENETUNREACH));
    assert_false(io_stream_is_lost(UV_ENOBUFS));
    assert_false(io_stream_is_lost(UV_ENOMEM));
    assert_false(io_stream_is_lost(UV_ECANCELED));
    assert_false(io_stream_is_lost(0));
}

/* If the loops of a backend do not open, another one replaces it, unless it was named. */
static void raw_falls_back_and_names_do_not(void **state)
{
    const struct backend *chosen = NULL;
    const struct backend *best;
    char why[512];
    (void)state;
    if (backend_choose("raw", &chosen, why, sizeof(why)) != 0) {
        skip();
    }
    best = chosen;
    assert_int_equal(backend_fall_back(best->name, &chosen, "no memory", why, sizeof(why)),
                     UV_ENOTSUP);
    assert_ptr_equal(chosen, best);
    assert_null(strstr(why, "no memory"));
    while (backend_fall_back("raw", &chosen, "no memory", why, sizeof(why)) == 0) {
        assert_true(chosen->native && chosen != best);
        assert_true(chosen->probe == NULL || chosen->probe(NULL, 0) == 0);
        assert_non_null(strstr(why, best->name));
        assert_non_null(strstr(why, ": no memory"));
        best = chosen;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(list_ends),
        cmocka_unit_test(names_are_unique_and_no_words_of_the_option),
        cmocka_unit_test(summaries_are_one_line),
        cmocka_unit_test(tables_are_complete),
        cmocka_unit_test(probe_answers_or_says_why_not),
        cmocka_unit_test(absent_ones_name_the_system_or_the_library),
        cmocka_unit_test(uv_works_everywhere),
        cmocka_unit_test(each_is_chosen_by_its_name_if_it_works),
        cmocka_unit_test(unknown_names_are_refused_with_a_hint),
        cmocka_unit_test(raw_is_the_first_native_one_that_works_and_says_what_does_not),
        cmocka_unit_test(reason_is_cut_to_the_room_there_is),
        cmocka_unit_test(one_code_for_a_reset_and_no_other_is_touched),
        cmocka_unit_test(connection_is_lost_by_some_errors_and_survives_others),
        cmocka_unit_test(raw_falls_back_and_names_do_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
