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
static json_t *document_of(int number)
{
    return json_pack("{s:i,s:[],s:i}", "format", RESULT_FORMAT, "cases", "number", number);
}

static void what_is_saved_is_loaded(void **state)
{
    struct output_file output;
    (void)state;
    assert_int_equal(output_file_open(&output, path), 0);
    for (int number = 1; number <= 2; number++) { /* the second takes the place of the first */
        json_t *document = document_of(number);
        assert_int_equal(result_save(document, &output), 0);
        json_t *loaded = result_load(path);
        assert_true(json_equal(document, loaded));
        json_decref(loaded);
        json_decref(document);
    }
    assert_int_equal(output_file_close(&output), 0);
    assert_int_equal(remove(path), 0);
}

static void what_cannot_be_saved_is_said_with_the_reason(void **state)
{
    char text[256];
    const struct output_file output = {.path = "no/such/directory.json", .stream = -1};
    json_t *document = document_of(1);
    FILE *file = tmpfile();
    (void)state;
    assert_non_null(file);
    log_redirect(file);
    assert_int_equal(result_save(document, &output), 1);
    log_redirect(NULL);
    rewind(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    (void)fclose(file);
    json_decref(document);
    assert_non_null(strstr(text, "cannot write 'no/such/directory.json': "));
    assert_non_null(strstr(text, uv_strerror(UV_ENOENT)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_saved_is_loaded),
        cmocka_unit_test(what_cannot_be_saved_is_said_with_the_reason),
    };
    log_setup("echo-bench", false);
    return cmocka_run_group_tests_name("bench_result", tests, NULL, NULL);
}
