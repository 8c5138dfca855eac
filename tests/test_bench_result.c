#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "log.h"
#include "result.h"

static const char path[] = "test_bench_result.json";
static const char draft[] = "test_bench_result.json.part";

static json_t *document_of(int number)
{
    return json_pack("{s:i,s:[],s:i}", "format", RESULT_FORMAT, "cases", "number", number);
}

static bool exists(const char *name)
{
    uv_fs_t request;
    bool does = uv_fs_access(NULL, &request, name, 0, NULL) == 0;
    uv_fs_req_cleanup(&request);
    return does;
}

/* Calls one of the two for the name: whether it is well, and what it says. */
static bool can_write(const char *name, bool save, char *text, size_t size)
{
    json_t *document = document_of(1);
    FILE *file = tmpfile();
    assert_non_null(file);
    log_redirect(file);
    bool good = save ? result_save(document, name) == 0 : result_can_save(name);
    log_redirect(NULL);
    rewind(file);
    text[fread(text, 1, size - 1, file)] = '\0';
    (void)fclose(file);
    json_decref(document);
    return good;
}

static void what_is_saved_is_loaded(void **state)
{
    (void)state;
    for (int number = 1; number <= 2; number++) { /* the second takes the place of the first */
        json_t *document = document_of(number);
        assert_int_equal(result_save(document, path), 0);
        json_t *loaded = result_load(path);
        assert_true(json_equal(document, loaded));
        json_decref(loaded);
        json_decref(document);
    }
    assert_false(exists(draft));
    assert_int_equal(remove(path), 0);
}

static void a_question_leaves_no_trace(void **state)
{
    json_t *document = document_of(3);
    char text[256];
    (void)state;
    assert_true(can_write(path, false, text, sizeof(text)));
    assert_false(exists(path));
    assert_int_equal(result_save(document, path), 0);
    assert_true(can_write(path, false, text, sizeof(text)));
    assert_string_equal(text, "");
    json_t *loaded = result_load(path);
    assert_true(json_equal(document, loaded));
    assert_false(exists(draft));
    json_decref(loaded);
    json_decref(document);
    assert_int_equal(remove(path), 0);
}

static void where_nothing_can_be_written_is_said_with_the_reason(void **state)
{
    char long_name[2048];
    char text[4096];
    (void)state;
    memset(long_name, 'x', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = '\0';
    for (int save = 0; save <= 1; save++) {
        assert_false(can_write("no/such/directory.json", save == 1, text, sizeof(text)));
        assert_non_null(strstr(text, "cannot write 'no/such/directory.json': "));
        assert_non_null(strstr(text, uv_strerror(UV_ENOENT)));
        assert_false(can_write(long_name, save == 1, text, sizeof(text)));
        assert_non_null(strstr(text, "cannot write 'xxx"));
    }
    assert_false(can_write(".", false, text, sizeof(text)));
    assert_non_null(strstr(text, uv_strerror(UV_EISDIR)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_saved_is_loaded),
        cmocka_unit_test(a_question_leaves_no_trace),
        cmocka_unit_test(where_nothing_can_be_written_is_said_with_the_reason),
    };
    log_setup("echo-bench", false);
    return cmocka_run_group_tests_name("bench_result", tests, NULL, NULL);
}
