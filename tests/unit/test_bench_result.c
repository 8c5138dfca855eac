#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "log.h"
#include "result.h"

static const char path[] = "test_bench_result.json";
static json_t *document_of(int number)
{
    return json_pack("{s:i,s:[],s:i}", "format", RESULT_FORMAT, "cases", "number", number);
}

static void what_is_saved_is_loaded(void **state)
{
    json_t *document = document_of(1);
    struct text text = {0};
    (void)state;
    result_compose(document, &text);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text.data, 1, text.length, file), text.length);
    assert_int_equal(fclose(file), 0);
    text_free(&text);
    json_t *loaded = result_load(path);
    assert_true(json_equal(document, loaded));
    json_decref(loaded);
    json_decref(document);
    assert_int_equal(remove(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_saved_is_loaded),
    };
    log_setup("echo-bench", false);
    return cmocka_run_group_tests_name("bench_result", tests, NULL, NULL);
}
